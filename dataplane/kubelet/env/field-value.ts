import { type Container, type Pod, Quantity } from "../../../controlplane/api/mod.ts";
import { allContainers } from "../pod/qos.ts";

/** Facts of a pod that are not in its spec. */
export interface PodFacts {
  readonly podIP: string;
  readonly hostIP: string;
  /** Of the node: what a container may use when it has no limit. */
  readonly allocatable: { readonly cpu: string; readonly memory: string; readonly "ephemeral-storage": string };
}

/** The value of a downward API field, as text. Undefined: no such field. */
export function fieldValue(pod: Pod, path: string, facts: PodFacts): string | undefined {
  const { metadata, spec } = pod;
  const entry = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (entry !== null) return metadata[entry[1] as "labels" | "annotations"]?.[entry[2] as string] ?? "";
  switch (path) {
    case "metadata.name":
      return metadata.name;
    case "metadata.namespace":
      return metadata.namespace ?? "";
    case "metadata.uid":
      return metadata.uid ?? "";
    case "metadata.labels":
      return formatMap(metadata.labels ?? {});
    case "metadata.annotations":
      return formatMap(metadata.annotations ?? {});
    case "spec.nodeName":
      return spec.nodeName ?? "";
    case "spec.serviceAccountName":
      return spec.serviceAccountName ?? "";
    case "status.hostIP":
    case "status.hostIPs":
      return facts.hostIP;
    case "status.podIP":
    case "status.podIPs":
      return facts.podIP;
    default:
      return undefined;
  }
}

function formatMap(map: Readonly<Record<string, string>>): string {
  return Object.keys(map)
    .sort()
    .map((key) => `${key}=${JSON.stringify(map[key])}`)
    .join("\n");
}

/** The value of `limits.cpu` and the like for a container, in units of the divisor, rounded up. Undefined: no such resource. */
export function resourceValue(
  pod: Pod,
  selector: { readonly containerName?: string; readonly resource: string; readonly divisor?: string },
  own: Container | undefined,
  facts: PodFacts,
): string | undefined {
  const named = selector.containerName ?? "";
  const container = named === "" ? own : allContainers(pod).find(({ name }) => name === named);
  const [kind, ...rest] = selector.resource.split(".") as [string, ...string[]];
  const name = rest.join(".");
  if (container === undefined || (kind !== "limits" && kind !== "requests")) return undefined;
  if (name !== "cpu" && name !== "memory" && name !== "ephemeral-storage") return undefined;
  const { requests = {}, limits = {} } = container.resources ?? {};
  const given = kind === "limits" ? (limits[name] ?? facts.allocatable[name]) : (requests[name] ?? limits[name] ?? "0");
  const divisor = Quantity.of(selector.divisor);
  const unit = divisor.isZero() ? 1_000_000_000n : divisor.nanos;
  return `${(Quantity.of(given).nanos + unit - 1n) / unit}`;
}
