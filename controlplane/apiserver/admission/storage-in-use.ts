import type { KubeObject } from "../../api/mod.ts";
import { type AdmissionPlugin, isAbout } from "./plugin.ts";

const finalizers = [
  ["persistentvolumeclaims", "", "kubernetes.io/pvc-protection"],
  ["persistentvolumes", "", "kubernetes.io/pv-protection"],
  ["volumeattributesclasses", "storage.k8s.io", "kubernetes.io/vac-protection"],
] as const;

/** What pods may be using does not vanish under them: controllers take these finalizers away when nobody does. */
export const storageObjectInUseProtection: AdmissionPlugin = {
  name: "StorageObjectInUseProtection",
  admit(request) {
    if (request.operation !== "CREATE") return;
    const found = finalizers.find(([plural, group]) => isAbout(request, plural, group));
    if (found === undefined) return;
    const { metadata } = request.object as KubeObject;
    const present = metadata.finalizers ?? [];
    if (!present.includes(found[2])) metadata.finalizers = [...present, found[2]];
  },
};
