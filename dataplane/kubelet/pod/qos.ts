import { type Container, type Pod, Quantity } from "../../../controlplane/api/mod.ts";

export type QosClass = "Guaranteed" | "Burstable" | "BestEffort";

/** Guaranteed: limits of CPU and memory everywhere, equal to the requests. BestEffort: nothing asked. Burstable: the rest. */
export function qosClass(pod: Pod): QosClass {
  const containers = allContainers(pod);
  const asked = (container: Container) =>
    [container.resources?.requests, container.resources?.limits].some((list) =>
      ["cpu", "memory"].some((name) => !Quantity.of(list?.[name]).isZero()),
    );
  if (!containers.some(asked)) return "BestEffort";
  const guaranteed = containers.every((container) =>
    ["cpu", "memory"].every((name) => {
      const limit = Quantity.of(container.resources?.limits?.[name]);
      const request = container.resources?.requests?.[name];
      return !limit.isZero() && (request === undefined || Quantity.of(request).compare(limit) === 0);
    }),
  );
  return guaranteed ? "Guaranteed" : "Burstable";
}

export function allContainers(pod: Pod): Container[] {
  return [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
}
