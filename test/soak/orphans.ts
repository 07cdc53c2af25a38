import { existsSync, globSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Pod } from "../../controlplane/api/mod.ts";
import type { Client } from "../../controlplane/client/mod.ts";
import type { TestCluster } from "../support/cluster.ts";
import { run } from "../support/processes.ts";
import { type Nemesis, networkOf } from "./nemesis.ts";

/** A pod's trace in its node's runtime directory. */
interface Sandbox {
  readonly id: string;
  readonly uid: string;
  readonly ip: string;
  /** `net:[…]`, as processes in it show it; undefined once it is taken away. */
  readonly network: string | undefined;
}

const mountPoints = () =>
  readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "");

function sandboxesOf(nodeDir: string): Sandbox[] {
  const mounted = new Set(mountPoints());
  const dir = join(nodeDir, "runtime", "sandboxes");
  return readdirSync(dir).map((id) => {
    const record = JSON.parse(readFileSync(join(dir, id, "record.json"), "utf8")) as {
      config: { metadata: { uid: string } };
      ip?: string;
    };
    const net = join(dir, id, "net");
    const network = mounted.has(net) ? `net:[${statSync(net).ino}]` : undefined;
    return { id, uid: record.config.metadata.uid, ip: record.ip ?? "", network };
  });
}

async function inside(network: string, ...command: string[]): Promise<string> {
  const { code, stdout, stderr } = await run("nsenter", [`--net=${network}`, ...command]);
  if (code !== 0) throw new Error(`${command.join(" ")}: ${stderr}`);
  return stdout;
}

/**
 * What the kernel holds on the nodes for pods that are over or gone, and what it lacks for those that run: processes, mounts, control groups,
 * interfaces, routes, and addresses in the rules of Services. Empty when both agree.
 */
export async function orphans(cluster: TestCluster, client: Client, nemesis: Nemesis): Promise<string[]> {
  const { items } = await client.pods.listAll();
  const addresses = await endpointAddresses(client);
  const found: string[] = [];
  for (const node of nemesis.nodes) {
    const here = items.filter(({ spec }) => spec.nodeName === node);
    for (const what of await orphansOf(join(cluster.root, "nodes", node), nemesis.network(node), here, addresses))
      found.push(`${node}: ${what}`);
  }
  return found;
}

async function endpointAddresses(client: Client): Promise<Set<string>> {
  const { items } = await client.endpointSlices.listAll();
  return new Set(items.flatMap((slice) => slice.endpoints?.flatMap((endpoint) => endpoint.addresses) ?? []));
}

async function orphansOf(
  nodeDir: string,
  network: string,
  pods: readonly Pod[],
  endpoints: ReadonlySet<string>,
): Promise<string[]> {
  const found: string[] = [];
  const running = pods.filter(({ status }) => status?.phase === "Running");
  const uids = new Set(running.map(({ metadata }) => metadata.uid as string));
  const ips = new Set(running.flatMap(({ status }) => status?.podIP ?? []));
  const sandboxes = sandboxesOf(nodeDir);
  const live = sandboxes.filter(({ network: own }) => own !== undefined);
  for (const { uid, id } of live) if (!uids.has(uid)) found.push(`network of the sandbox ${id} of pod ${uid}`);
  for (const uid of uids) if (!live.some((sandbox) => sandbox.uid === uid)) found.push(`no sandbox of pod ${uid}`);

  const known = new Set(live.map((sandbox) => sandbox.id));
  for (const point of mountPoints()) {
    const [, kind, name] = point.startsWith(`${nodeDir}/`)
      ? (/^\/(?:runtime\/)?(sandboxes|containers|pods)\/([^/]+)/.exec(point.slice(nodeDir.length)) ?? [])
      : [];
    if (kind === "sandboxes" && !known.has(name as string)) found.push(`mount ${point}`);
    if (kind === "pods" && !uids.has(name as string)) found.push(`mount ${point}`);
  }

  const populated = new Set(
    readdirSync("/proc")
      .filter((entry) => /^\d+$/.test(entry))
      .map(networkOf),
  );
  for (const { uid, network: own } of live) if (!populated.has(own as string)) found.push(`no process in pod ${uid}`);

  const record = live[0];
  if (record !== undefined) {
    for (const group of globSync(`/sys/fs/cgroup/{memory/,}flotilla-*/kubepods/{*/,}pod*`)) {
      const uid = group.slice(group.lastIndexOf("/pod") + 4);
      const ofThisNode = existsSync(join(group, record.id)) || sandboxes.some((sandbox) => sandbox.uid === uid);
      if (ofThisNode && !pods.some(({ metadata }) => metadata.uid === uid)) found.push(`control group ${group}`);
    }
  }

  const links = (await inside(network, "ip", "-o", "link", "show", "type", "veth")).split("\n");
  const pairs = links.filter((line) => line !== "" && !line.includes(": eth0@"));
  if (pairs.length !== live.length)
    found.push(`${pairs.length} interfaces of ${live.length} pods: ${pairs.join("; ")}`);
  const routes = await inside(network, "ip", "-4", "route", "show");
  for (const [, ip] of routes.matchAll(/^(10\.244\.\d+\.\d+) dev /gm))
    if (!ips.has(ip as string)) found.push(`route to ${ip}`);
  const rules = await inside(network, "nft", "list", "ruleset");
  for (const ip of new Set(rules.match(/\b10\.244\.\d+\.\d+\b(?!\/)/g)))
    if (!endpoints.has(ip) && !ips.has(ip) && !ip.endsWith(".0") && !ip.endsWith(".1")) found.push(`rule with ${ip}`);
  return found;
}
