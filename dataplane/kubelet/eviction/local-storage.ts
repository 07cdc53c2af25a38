import { type Pod, Quantity } from "../../../controlplane/api/mod.ts";
import { localStorageBytes, type PodSample } from "../stats/node-sample.ts";

/** Why a pod has taken more of the node's disk than its limits allow, in the original's words. Undefined: it has not. */
export function exceededStorage(pod: Pod, sample: PodSample): string | undefined {
  for (const { name, emptyDir } of pod.spec.volumes ?? []) {
    const limit = emptyDir?.sizeLimit;
    const used = sample.volumes.find((volume) => volume.name === name)?.usedBytes ?? 0;
    if (limit === undefined || Quantity.of(limit).isZero()) continue;
    if (used > Quantity.of(limit).value()) return `Usage of EmptyDir volume "${name}" exceeds the limit "${limit}". `;
  }
  const limits = new Map(
    pod.spec.containers.map(({ name, resources }) => [name, resources?.limits?.["ephemeral-storage"]]),
  );
  const all = [...limits.values()];
  if (all.length > 0 && all.every((limit) => limit !== undefined)) {
    const total = all.reduce((sum, limit) => sum.add(Quantity.of(limit)), Quantity.zero);
    if (localStorageBytes(sample) > total.value())
      return `Pod ephemeral local storage usage exceeds the total limit of containers ${total.toString()}. `;
  }
  for (const { name, rootfs, logs } of sample.containers) {
    const limit = limits.get(name);
    if (limit === undefined) continue;
    if ((rootfs?.usedBytes ?? 0) + logs.usedBytes > Quantity.of(limit).value())
      return `Container ${name} exceeded its local ephemeral storage limit "${limit}". `;
  }
  return undefined;
}
