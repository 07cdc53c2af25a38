import type { Pod, Toleration } from "../../api/mod.ts";
import { type AdmissionPlugin, isAbout } from "./plugin.ts";

const NODE_TROUBLE_SECONDS = 300;

/** A pod stays for five minutes on a node that fell silent, unless it says otherwise. */
export const defaultTolerationSeconds: AdmissionPlugin = {
  name: "DefaultTolerationSeconds",
  admit(request) {
    const { operation } = request;
    if ((operation !== "CREATE" && operation !== "UPDATE") || !isAbout(request, "pods")) return;
    const { spec } = request.object as Pod;
    for (const key of ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]) {
      if (spec.tolerations?.some((toleration) => coversNoExecute(toleration, key))) continue;
      const toleration: Toleration = {
        key,
        operator: "Exists",
        effect: "NoExecute",
        tolerationSeconds: NODE_TROUBLE_SECONDS,
      };
      spec.tolerations = [...(spec.tolerations ?? []), toleration];
    }
  },
};

function coversNoExecute({ key, effect }: Toleration, taint: string): boolean {
  return (!key || key === taint) && (!effect || effect === "NoExecute");
}
