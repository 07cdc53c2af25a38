// Usage: npm run bench -- scheduler [--case basic|affinity|spread|preemption|preemptors|all] [--nodes 5000] [--pods N] [--members 3] [--profile] [--dir DIR]
// Pods a second through a real store, a real API server and a real scheduler, each a process of its own; nodes are objects without anybody behind
// them. The shapes are those of the original's scheduler_perf, and so are the thresholds.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { Node, Pod, PodSpec } from "../controlplane/api/mod.ts";
import type { Client } from "../controlplane/client/mod.ts";
import { ControlPlane } from "./control-plane.ts";
import { markdownTable } from "./stats.ts";

interface Case {
  readonly name: string;
  /** Pods a second that the original's performance suite asks for at 5,000 nodes; undefined where it does not measure this. */
  readonly threshold: number | undefined;
  readonly pods: number;
  readonly zones: number;
  /** Pods that are there already, per node at most, spread evenly. */
  readonly before: (nodes: number) => number;
  readonly existing: (i: number) => Pod;
  readonly measured: (i: number) => Pod;
  /** Pods that come besides at a steady rate and are not counted, though each must have a node in the end. */
  readonly beside?: { readonly everyMs: number; readonly pod: (i: number) => Pod };
}

const zoneKey = "topology.kubernetes.io/zone";

function pod(name: string, spec: Partial<PodSpec>, labels: Record<string, string> = {}, cpu = "100m"): Pod {
  const requests = { cpu, memory: "500Mi" };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { namespace: "default", name, labels },
    spec: { containers: [{ name: "pause", image: "pause:3.10", resources: { requests } }], ...spec },
  };
}

const blue = { color: "blue" };
const nearBlue: Partial<PodSpec> = {
  affinity: {
    podAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector: { matchLabels: blue }, topologyKey: zoneKey }],
    },
  },
};
const evenly: Partial<PodSpec> = {
  topologySpreadConstraints: [
    { maxSkew: 5, topologyKey: zoneKey, whenUnsatisfiable: "DoNotSchedule", labelSelector: { matchLabels: blue } },
  ],
};

/** Four of them leave 0.4 of a node's 4 CPUs. */
const small = (i: number) => pod(`before-${i}`, { terminationGracePeriodSeconds: 0 }, {}, "900m");
/** Fits nowhere until three small ones have gone. */
const preemptor = (name: string) => pod(name, { priorityClassName: "important" }, {}, "3");

const cases: readonly Case[] = [
  {
    name: "basic",
    threshold: 270,
    pods: 10_000,
    zones: 3,
    before: () => 1000,
    existing: (i) => pod(`before-${i}`, {}),
    measured: (i) => pod(`pod-${i}`, {}),
  },
  {
    name: "affinity",
    threshold: 35,
    pods: 5000,
    zones: 1,
    before: (nodes) => nodes,
    existing: (i) => pod(`before-${i}`, nearBlue, blue),
    measured: (i) => pod(`pod-${i}`, nearBlue, blue),
  },
  {
    name: "spread",
    threshold: 85,
    pods: 5000,
    zones: 3,
    before: (nodes) => nodes,
    existing: (i) => pod(`before-${i}`, {}),
    measured: (i) => pod(`pod-${i}`, evenly, blue),
  },
  {
    // PreemptionAsync: how much preemption holds up pods that find room.
    name: "preemption",
    threshold: 160,
    pods: 5000,
    zones: 1,
    before: (nodes) => 4 * nodes,
    existing: small,
    measured: (i) => pod(`pod-${i}`, {}),
    beside: { everyMs: 200, pod: (i) => preemptor(`preemptor-${i}`) },
  },
  {
    // PreemptionBasic: every pod makes room for itself. The suite runs it with 1,000 nodes; with 5,000 it "always seems to fail" there.
    name: "preemptors",
    threshold: undefined,
    pods: 1000,
    zones: 1,
    before: (nodes) => 4 * nodes,
    existing: small,
    measured: (i) => preemptor(`pod-${i}`),
  },
];

function node(i: number, zones: number): Node {
  const allocatable = { cpu: "4", memory: "32Gi", pods: "110" };
  const name = `node-${i}`;
  const labels = { "kubernetes.io/hostname": name, [zoneKey]: `zone-${i % zones}` };
  const conditions = [{ type: "Ready" as const, status: "True" as const }];
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, labels },
    spec: {},
    status: { capacity: allocatable, allocatable, conditions },
  };
}

const inFlight = 64;

/** `count` calls, `inFlight` at a time. */
async function many(count: number, call: (i: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await call(next++);
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
}

/** Until the scheduler's log says of `count` pods that they are bound, those whose names start with `prefix`. */
async function untilBound(file: string, prefix: string, count: number, limitMs: number): Promise<void> {
  const deadline = performance.now() + limitMs;
  const line = ` INFO scheduler bound pod="default/${prefix}`;
  for (;;) {
    const log = readFileSync(file, "utf8");
    if (log.split(line).length > count) return;
    if (performance.now() > deadline) {
      throw new Error(`not all of ${count} pods were bound; the scheduler says:\n${log.slice(-3000)}`);
    }
    await delay(250);
  }
}

/** Creates pods at a steady rate until the signal aborts; resolves to how many. */
async function steadily(
  { everyMs, pod: make }: NonNullable<Case["beside"]>,
  client: Client,
  signal: AbortSignal,
): Promise<number> {
  let count = 0;
  while (!signal.aborted) {
    await client.pods.create(make(count++));
    await delay(everyMs, undefined, { signal }).catch(() => undefined);
  }
  return count;
}

async function countBound(client: Client, prefix: string): Promise<number> {
  const { items } = await client.pods.listAll({ namespace: "default" });
  return items.filter(({ metadata, spec }) => metadata.name?.startsWith(prefix) && spec?.nodeName).length;
}

interface Result {
  readonly perSecond: number;
  /** Milliseconds of CPU per pod, by component. */
  readonly cpu: ReadonlyMap<string, number>;
  /** Of the machine while it was measured, its own included. */
  readonly load: number;
}

async function measure(one: Case, nodes: number, pods: number, plane: ControlPlane): Promise<Result> {
  const { client } = plane;
  // What a controller would do in a whole cluster.
  await client.serviceAccounts.create({ metadata: { namespace: "default", name: "default" } });
  if (one.name.startsWith("preempt")) {
    const important = {
      apiVersion: "scheduling.k8s.io/v1",
      kind: "PriorityClass",
      metadata: { name: "important" },
      value: 1000,
    };
    await client.request("POST", "/apis/scheduling.k8s.io/v1/priorityclasses", { body: important });
  }
  await many(nodes, async (i) => {
    const { status, ...created } = node(i, one.zones);
    await client.nodes.create(created);
    // A new node is tainted as not ready, until a controller has seen it, and a kubelet says what it has.
    await client.nodes.patch(`node-${i}`, "merge", { spec: { taints: null } });
    await client.nodes.patch(`node-${i}`, "merge", { status }, { subresource: "status" });
  });
  await many(one.before(nodes), (i) => {
    const existing = one.existing(i);
    return client.pods.create({ ...existing, spec: { ...(existing.spec as PodSpec), nodeName: `node-${i % nodes}` } });
  });
  plane.spawn("scheduler");
  // One pod that is not counted: the caches are full when it has a node.
  const first = one.name.startsWith("preempt") ? pod("first", {}, {}, "1m") : one.measured(-1);
  await client.pods.create({ ...first, metadata: { ...first.metadata, name: "first" } });
  const log = plane.layout.logFile("scheduler");
  await untilBound(log, "first", 1, 60_000);
  const before = plane.cpu();
  const start = performance.now();
  const done = new AbortController();
  const beside = one.beside === undefined ? Promise.resolve(0) : steadily(one.beside, client, done.signal);
  await many(pods, (i) => client.pods.create(one.measured(i)));
  await untilBound(log, "pod-", pods, 600_000);
  const seconds = (performance.now() - start) / 1000;
  const after = plane.cpu();
  const [load = 0] = loadavg();
  done.abort();
  const preemptors = await beside;
  await untilBound(log, "preemptor-", preemptors, 60_000);
  for (const [prefix, count] of [
    ["pod-", pods],
    ["preemptor-", preemptors],
  ] as const) {
    const bound = await countBound(client, prefix);
    if (bound !== count) throw new Error(`${bound} of ${count} pods ${prefix}… have a node`);
  }
  const cpu = new Map([...after].map(([name, used]) => [name, ((used - (before.get(name) ?? 0)) * 1000) / pods]));
  return { perSecond: pods / seconds, cpu, load };
}

export async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      case: { type: "string", default: "all" },
      nodes: { type: "string", default: "5000" },
      pods: { type: "string" },
      members: { type: "string", default: "3" },
      profile: { type: "boolean", default: false },
      dir: { type: "string", default: tmpdir() },
    },
  });
  const chosen = cases.filter(({ name }) => values.case === "all" || values.case === name);
  if (chosen.length === 0) throw new Error(`--case is one of ${cases.map(({ name }) => name).join(", ")}, all`);
  const nodes = Number(values.nodes);
  const rows: string[][] = [];
  for (const one of chosen) {
    const folder = mkdtempSync(join(values.dir, "flotilla-bench-"));
    // With --profile each process leaves a .cpuprofile in the folder, for Chrome's developer tools.
    const options = values.profile ? ["--cpu-prof", `--cpu-prof-dir=${folder}`] : [];
    const plane = await ControlPlane.start(folder, Number(values.members), options);
    const pods = Number(values.pods ?? one.pods);
    try {
      const { perSecond, cpu, load } = await measure(one, nodes, pods, plane);
      const store = [...cpu].filter(([name]) => name.startsWith("etcd")).reduce((sum, [, ms]) => sum + ms, 0);
      const ms = (value: number | undefined) => `${(value ?? 0).toFixed(2)} ms`;
      rows.push([
        `${one.name}, ${nodes} nodes, ${pods} pods`,
        `${perSecond.toFixed(0)}/s`,
        one.threshold === undefined ? "" : `${one.threshold}/s`,
        one.threshold === undefined ? "" : `${(perSecond / one.threshold).toFixed(1)} ×`,
        ms(cpu.get("scheduler")),
        ms(cpu.get("apiserver")),
        ms(store),
        load.toFixed(0),
      ]);
      console.error(rows.at(-1)?.join("  "));
    } finally {
      await plane.stop();
      if (values.profile) console.error(`profiles are in ${folder}`);
      else rmSync(folder, { recursive: true, force: true });
    }
  }
  const header = ["case", "measured", "threshold", "ratio", "CPU per pod: scheduler", "API server", "store", "load"];
  console.log(markdownTable(header, rows));
}
