import type { PersistentVolumeClaim } from "../../api/mod.ts";
import { newestDefault } from "./default-class.ts";
import { type AdmissionPlugin, isAbout } from "./plugin.ts";
import type { ObjectReader } from "./reader.ts";

const LEGACY = "volume.beta.kubernetes.io/storage-class";
const MARKS = ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];

/** A claim that names no class gets the default one. The class "" is a name: it asks for a volume without a class. */
export function defaultStorageClass(objects: ObjectReader): AdmissionPlugin {
  return {
    name: "DefaultStorageClass",
    async admit(request) {
      if (request.operation !== "CREATE" || !isAbout(request, "persistentvolumeclaims")) return;
      const claim = request.object as unknown as PersistentVolumeClaim;
      if (claim.spec.storageClassName !== undefined || claim.metadata.annotations?.[LEGACY] !== undefined) return;
      const chosen = newestDefault(await objects.list("storageclasses", ""), MARKS);
      if (chosen !== undefined) claim.spec.storageClassName = chosen.metadata.name;
    },
  };
}
