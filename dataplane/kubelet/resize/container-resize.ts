import { type Container, Quantity, type ResourceRequirements } from "../../../controlplane/api/mod.ts";
import { cpuQuota, cpuShares, limitsOf } from "../pod/resources.ts";
import type { RuntimeContainer } from "../pod/runtime-pod.ts";
import type { LinuxContainerResources } from "../runtime/cri.ts";

/** What has to be done so that a running container has what it was granted. */
export type ContainerResize =
  | { readonly kind: "nothing" }
  | { readonly kind: "update"; readonly resources: LinuxContainerResources }
  | { readonly kind: "restart" };

/** No limit, as engines are told of it. */
const unlimited = -1;

/** Compares what is in force with what was granted; an engine that does not tell what is in force cannot be resized under. */
export function containerResize(container: Container, { resources: now, state }: RuntimeContainer): ContainerResize {
  if (now === undefined || state !== "running") return { kind: "nothing" };
  const wanted = limitsOf(container);
  const cpu = now.cpuShares !== wanted.cpuShares || (now.cpuQuota ?? unlimited) !== (wanted.cpuQuota ?? unlimited);
  const memory = (now.memoryLimitInBytes ?? unlimited) !== (wanted.memoryLimitInBytes ?? unlimited);
  if (!cpu && !memory) return { kind: "nothing" };
  const changed = [...(cpu ? ["cpu"] : []), ...(memory ? ["memory"] : [])];
  const restarts = container.resizePolicy?.some(
    ({ resourceName, restartPolicy }) => restartPolicy === "RestartContainer" && changed.includes(resourceName),
  );
  if (restarts === true) return { kind: "restart" };
  const { memoryLimitInBytes = unlimited, cpuQuota: quota = unlimited, ...rest } = wanted;
  return {
    kind: "update",
    resources: { ...(cpu ? { ...rest, cpuQuota: quota } : {}), ...(memory ? { memoryLimitInBytes } : {}) },
  };
}

/** For the status of a container: what it was granted, and of that, where something else is still in force, what is. */
export function resourcesInForce(container: Container, instance: RuntimeContainer): ResourceRequirements | undefined {
  const { resources } = container;
  const now = instance.resources;
  if (resources === undefined || now === undefined || instance.state !== "running") return resources;
  const { requests, limits } = resources;
  const granted = (list: typeof requests, name: string) => Quantity.of(list?.[name]);
  const cpuLimit =
    now.cpuQuota === undefined || now.cpuQuota <= 0 || now.cpuQuota === cpuQuota(granted(limits, "cpu").milliValue())
      ? limits?.cpu
      : Quantity.fromMilli(Math.round((now.cpuQuota * 1000) / (now.cpuPeriod ?? 100_000))).toString();
  const cpuRequest =
    now.cpuShares === undefined || now.cpuShares === cpuShares(granted(requests ?? limits, "cpu").milliValue())
      ? requests?.cpu
      : Quantity.fromMilli(Math.round((now.cpuShares * 1000) / 1024)).toString();
  const memoryLimit =
    now.memoryLimitInBytes === undefined ||
    now.memoryLimitInBytes <= 0 ||
    now.memoryLimitInBytes === granted(limits, "memory").value()
      ? limits?.memory
      : Quantity.fromNumber(now.memoryLimitInBytes, "BinarySI").toString();
  return {
    ...resources,
    ...(requests === undefined ? {} : { requests: { ...requests, ...named("cpu", requests.cpu && cpuRequest) } }),
    ...(limits === undefined
      ? {}
      : {
          limits: {
            ...limits,
            ...named("cpu", limits.cpu && cpuLimit),
            ...named("memory", limits.memory && memoryLimit),
          },
        }),
  };
}

function named(name: string, value: string | undefined): Record<string, string> {
  return value === undefined || value === "" ? {} : { [name]: value };
}
