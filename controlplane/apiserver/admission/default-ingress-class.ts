import type { Ingress } from "../../api/mod.ts";
import { newestDefault } from "./default-class.ts";
import { type AdmissionPlugin, isAbout } from "./plugin.ts";
import type { ObjectReader } from "./reader.ts";

const LEGACY = "kubernetes.io/ingress.class";
const MARKS = ["ingressclass.kubernetes.io/is-default-class"];

/** An Ingress that names no class gets the default one. */
export function defaultIngressClass(objects: ObjectReader): AdmissionPlugin {
  return {
    name: "DefaultIngressClass",
    async admit(request) {
      if (request.operation !== "CREATE" || !isAbout(request, "ingresses", "networking.k8s.io")) return;
      const ingress = request.object as unknown as Ingress;
      if (ingress.spec?.ingressClassName !== undefined || ingress.metadata.annotations?.[LEGACY] !== undefined) return;
      const chosen = newestDefault(await objects.list("ingressclasses", ""), MARKS);
      if (chosen !== undefined) ingress.spec = { ...ingress.spec, ingressClassName: chosen.metadata.name };
    },
  };
}
