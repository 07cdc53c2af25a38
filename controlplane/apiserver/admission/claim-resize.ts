import { type PersistentVolumeClaim, Quantity } from "../../api/mod.ts";
import { type AdmissionPlugin, isAbout, refuse } from "./plugin.ts";
import type { ObjectReader } from "./reader.ts";

/** A claim grows only while it is bound, and only where its class says that volumes can. */
export function persistentVolumeClaimResize(objects: ObjectReader): AdmissionPlugin {
  return {
    name: "PersistentVolumeClaimResize",
    async validate(request) {
      if (request.operation !== "UPDATE" || !isAbout(request, "persistentvolumeclaims")) return;
      const [next, old] = [request.object, request.old] as unknown as PersistentVolumeClaim[];
      if (next === undefined || old === undefined || sizeOf(next).compare(sizeOf(old)) <= 0) return;
      if (old.status?.phase !== "Bound") refuse(request, "Only bound persistent volume claims can be expanded");
      const name = classOf(next);
      const found = name === "" || name !== classOf(old) ? undefined : await objects.get("storageclasses", "", name);
      if (found?.allowVolumeExpansion) return;
      refuse(
        request,
        "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize",
      );
    },
  };
}

const sizeOf = ({ spec }: PersistentVolumeClaim) => Quantity.of(spec.resources?.requests?.storage);

const classOf = ({ metadata, spec }: PersistentVolumeClaim) =>
  metadata.annotations?.["volume.beta.kubernetes.io/storage-class"] ?? spec.storageClassName ?? "";
