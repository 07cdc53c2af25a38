import { isIPv4 } from "node:net";
import { assert } from "../../base/mod.ts";
import type { EdgeRoutes } from "./routes.ts";

/** Objects of `ip`, as `route 10.244.1.0/24` or `nexthop id 11`, to the rest of the command that makes them. In the order in which they must be made. */
export type KernelRoutes = ReadonlyMap<string, string>;

/**
 * A flow keeps its node while that node may answer: the kernel gives each a bucket by its hash, and a bucket that had packets within this time
 * stays where it is when nodes are added (resilient groups, ip-nexthop(8)). Seconds.
 */
const idleSeconds = 120;
const buckets = 64;
/** Ids of groups lie above those of nodes. */
const groupIds = 0x10000;

/** The last two bytes of an address: unique on the underlay, which is a /16. */
function lowHalf(address: string): number {
  assert(isIPv4(address), "the underlay has addresses of IPv4");
  const [, , high, low] = address.split(".").map(Number) as [number, number, number, number];
  return high * 256 + low;
}

export function kernelRoutes({ pods, balanced }: EdgeRoutes, device: string): KernelRoutes {
  const objects = new Map<string, string>();
  for (const node of new Set([...balanced.values()].flat())) {
    objects.set(`nexthop id ${lowHalf(node)}`, `via ${node} dev ${device}`);
  }
  for (const [address, nodes] of balanced) {
    if (nodes.length === 0) continue;
    const members = nodes.map(lowHalf).join("/");
    const group = `group ${members} type resilient buckets ${buckets} idle_timer ${idleSeconds}`;
    objects.set(`nexthop id ${groupIds + lowHalf(address)}`, group);
  }
  for (const [cidr, node] of pods) objects.set(`route ${cidr}`, `via ${node} dev ${device}`);
  for (const [address, nodes] of balanced) {
    // A route for nobody fails at once, where without one the kernel would ask the cable for seconds who that is.
    const value = nodes.length === 0 ? "" : `nhid ${groupIds + lowHalf(address)}`;
    objects.set(`${nodes.length === 0 ? "route unreachable" : "route"} ${address}`, value);
  }
  return objects;
}

/** Lines for `ip -batch`: first what is new or different, in order; then what goes, in the opposite one. */
export function change(from: KernelRoutes, to: KernelRoutes): string[] {
  const command = (verb: string, key: string, rest: string) =>
    key.replace(" ", ` ${verb} `).concat(rest === "" ? "" : ` ${rest}`);
  const lines = [...to]
    .filter(([key, rest]) => from.get(key) !== rest)
    .map(([key, rest]) => command("replace", key, rest));
  // `route` and `route unreachable` to one address are the same entry: what replaced it must not be deleted.
  const kept = new Set([...to.keys()].map(destination));
  const gone = [...from.keys()].filter((key) => !to.has(key) && !kept.has(destination(key)));
  return [...lines, ...gone.reverse().map((key) => command("delete", key, ""))];
}

function destination(key: string): string {
  return key.replace("route unreachable ", "route ");
}

interface ListedRoute {
  readonly dst: string;
  readonly type?: string;
  readonly protocol?: string;
}

/** What an edge before this one left, of `ip -json route` and `ip -json nexthop`; how exactly they were made is not known. */
export function leftBehind(routes: string, nexthops: string): KernelRoutes {
  const found = new Map<string, string>();
  const listed = JSON.parse(nexthops || "[]") as { readonly id: number }[];
  for (const { id } of listed.sort((a, b) => a.id - b.id)) found.set(`nexthop id ${id}`, "?");
  for (const { dst, type, protocol } of JSON.parse(routes || "[]") as ListedRoute[]) {
    if (protocol !== "kernel") found.set(`route ${type === "unreachable" ? "unreachable " : ""}${dst}`, "?");
  }
  return found;
}
