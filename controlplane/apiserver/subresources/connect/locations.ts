import type { Random } from "../../../../base/mod.ts";
import { type EndpointSlice, type Pod, type Service, status } from "../../../api/mod.ts";
import { fail } from "../../fail.ts";
import { read } from "../../handlers/read.ts";
import type { Registry, Served } from "../../registry/served.ts";

/** `[scheme:]name[:port]`, the last part of a proxy's path. */
export interface SplitName {
  readonly scheme: "" | "http" | "https";
  readonly name: string;
  /** A number, a name of one, or empty. */
  readonly port: string;
}

/** Where a proxied request goes. */
export interface Location {
  readonly scheme: "http" | "https";
  readonly address: string;
  readonly port: number;
  /** The node the address is on, where that is known. */
  readonly nodeName: string | undefined;
}

export function splitName(kind: "pod" | "service" | "node", text: string): SplitName {
  const parts = text.split(":");
  const [scheme, name, port] = parts.length === 3 ? parts : ["", ...parts];
  const known = scheme === "" || scheme === "http" || scheme === "https";
  if (parts.length > 3 || !known || !name) fail(status.badRequest(`invalid ${kind} request ${JSON.stringify(text)}`));
  return { scheme, name, port: port ?? "" };
}

function portOr(fallback: number | undefined, { scheme, port }: SplitName): number {
  if (port === "") return fallback ?? (scheme === "https" ? 443 : 80);
  const number = Number(port);
  if (!Number.isInteger(number) || number < 1 || number > 65_535)
    fail(status.badRequest(`invalid port ${JSON.stringify(port)}`));
  return number;
}

export async function podLocation(pods: Served, namespace: string, split: SplitName): Promise<Location> {
  const pod = (await read(pods, namespace, split.name)) as unknown as Pod;
  const address = pod.status?.podIP ?? "";
  if (address === "") fail(status.badRequest("address not allowed"));
  const first = pod.spec.containers.flatMap((container) => container.ports ?? [])[0]?.containerPort;
  return { scheme: split.scheme || "http", address, port: portOr(first, split), nodeName: pod.spec.nodeName };
}

/** One of the Service's endpoints that are ready, by chance. */
export async function serviceLocation(
  registry: Registry,
  services: Served,
  namespace: string,
  split: SplitName,
  random: Random,
): Promise<Location> {
  const { name } = split;
  const service = (await read(services, namespace, name)) as unknown as Service;
  const portName = portNameOf(service, split);
  const slices = registry.need("discovery.k8s.io", "v1", "endpointslices");
  const { items } = await slices.lister.state(slices.prefix(namespace), "");
  const locations: Location[] = [];
  for (const slice of items as unknown as readonly EndpointSlice[]) {
    if (slice.metadata.labels?.["kubernetes.io/service-name"] !== name) continue;
    const port = slice.ports?.find((one) => (one.name ?? "") === portName && (one.protocol ?? "TCP") === "TCP")?.port;
    if (port === undefined) continue;
    for (const { addresses, conditions, nodeName } of slice.endpoints ?? []) {
      const [address] = addresses;
      if (conditions?.ready === false || address === undefined) continue;
      locations.push({ scheme: split.scheme || "http", address, port, nodeName });
    }
  }
  const chosen = locations[random.below(locations.length)];
  return chosen ?? fail(status.serviceUnavailable(`no endpoints available for service ${JSON.stringify(name)}`));
}

/** A port may be given by its number or by its name; without either the nameless one is meant. */
function portNameOf({ spec }: Service, { name, port }: SplitName): string {
  if (!/^\d+$/.test(port)) return port;
  const found = (spec.ports ?? []).find((one) => one.port === Number(port));
  if (found !== undefined) return found.name ?? "";
  return fail(status.serviceUnavailable(`no service port ${port} found for service ${JSON.stringify(name)}`));
}
