import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { BlockList } from "node:net";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import type { Clock, Log, Random, Timer } from "../../base/mod.ts";
import { type Client, InformerFactory, systemClock, systemRandom } from "../../controlplane/client/mod.ts";
import { doorsOf } from "./doors.ts";
import { Forwarder, type HostSide } from "./forwarder.ts";
import { change, type KernelRoutes, kernelRoutes, leftBehind } from "./kernel-routes.ts";
import { edgeRoutes } from "./routes.ts";

export interface StartEdgeOptions {
  readonly client: Client;
  readonly log: Log;
  /** Addresses of LoadBalancers. What lies elsewhere is not routed. */
  readonly loadBalancerCIDR: string;
  /** Set: the machine reaches LoadBalancers and node ports at loopback addresses. */
  readonly host?: HostSide;
  /** On the underlay. Default `eth0`. */
  readonly device?: string;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** Changes that come within this time of each other are applied together. */
const gatherMs = 10;
const retryAfterMs = 1_000;

/**
 * Makes the network namespace this process is in the edge of the cluster: it reaches all pods, and for each address of a LoadBalancer the nodes that may
 * answer. Resolves when everything known at the start is routed.
 */
export async function startEdge(options: StartEdgeOptions): Promise<{ stop(): Promise<void> }> {
  const { client, log, loadBalancerCIDR, host, device = "eth0", clock = systemClock, random = systemRandom } = options;
  const stopping = new AbortController();
  const informers = new InformerFactory({ log, clock, random });
  const nodes = informers.informer(client.nodes);
  const services = informers.informer(client.services);
  const slices = informers.informer(client.endpointSlices);
  const inPool = within(loadBalancerCIDR);
  const forwarder = host === undefined ? undefined : new Forwarder(host, log);
  // By ports as well: or else all connections from here to one address would take the same way.
  await writeFile("/proc/sys/net/ipv4/fib_multipath_hash_policy", "1");
  let applied: KernelRoutes = await present();
  let running = Promise.resolve();
  let timer: Timer | undefined;
  const apply = async () => {
    const all = services.lister.list();
    const wanted = kernelRoutes(edgeRoutes(nodes.lister.list(), all, slices.lister.list(), inPool), device);
    const lines = change(applied, wanted);
    try {
      if (lines.length > 0) await ipBatch(lines);
      applied = wanted;
    } catch (error) {
      log("error", "routes could not all be set; trying again", { error: (error as Error).message });
      applied = await present();
      schedule(retryAfterMs);
    }
    forwarder?.set(doorsOf(nodes.lister.list(), all, inPool));
  };
  const schedule = (afterMs = gatherMs) => {
    if (stopping.signal.aborted || timer !== undefined) return;
    timer = clock.after(afterMs, () => {
      timer = undefined;
      running = running.then(apply);
    });
  };
  const changed = () => {
    // Before all lists are in, an application would take working routes away.
    if (nodes.hasSynced && services.hasSynced && slices.hasSynced) schedule();
  };
  for (const informer of [nodes, services, slices]) {
    informer.addHandler({ onAdd: changed, onUpdate: changed, onDelete: changed });
  }
  informers.start(stopping.signal);
  await informers.synced(stopping.signal);
  running = running.then(apply);
  await running;
  return {
    async stop() {
      stopping.abort(new Error("the edge stops"));
      timer?.cancel();
      forwarder?.stop();
      await running;
      await informers.stopped();
    },
  };
}

function within(cidr: string): (address: string) => boolean {
  const [network, bits] = cidr.split("/") as [string, string];
  const list = new BlockList();
  list.addSubnet(network, Number(bits), "ipv4");
  return (address) => list.check(address, "ipv4");
}

async function present(): Promise<KernelRoutes> {
  const ip = async (...args: string[]) => (await promisify(execFile)("ip", ["-json", ...args])).stdout.trim();
  return leftBehind(await ip("route", "show"), await ip("nexthop", "show"));
}

/** Goes on after a line that fails, and rejects with what was said of it. */
async function ipBatch(lines: readonly string[]): Promise<void> {
  const child = spawn("ip", ["-force", "-batch", "-"], { stdio: ["pipe", "ignore", "pipe"] });
  child.stdin.on("error", () => undefined); // it ended early: its exit code says so
  child.stdin.end(`${lines.join("\n")}\n`);
  const [complaint, [code]] = await Promise.all([text(child.stderr), once(child, "close")]);
  if (code !== 0) throw new Error(complaint.trim() || `ip ended with exit code ${code}`);
}
