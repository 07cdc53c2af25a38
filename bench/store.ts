// Usage: npm run bench -- store [--rounds 5] [--requests 20000] [--dir DIR]
// Three members of Flotilla and three of etcd, on one machine and one disk, under the same load from the same generator, in turns.
// Prints medians and ratios as a table, and the idle memory of a whole fresh cluster of Flotilla.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { PutRequest, RangeRequest } from "../proto/mod.ts";
import { openStore } from "./etcd-access.ts";
import { freshClusterMemory } from "./fresh-cluster.ts";
import { h2load, h2loadVersion, type Load, type Measured } from "./h2load.ts";
import { mebibytes, proportionalSetSize } from "./memory.ts";
import { markdownTable, median } from "./stats.ts";
import { type Product, StoreCluster } from "./store-cluster.ts";

const key = new TextEncoder().encode("bench/key");
const put = PutRequest.encode({ key, value: new Uint8Array(256).fill(0x61) });
const linearizableGet = RangeRequest.encode({ key });
const serializableGet = RangeRequest.encode({ key, serializable: true });

interface Workload {
  readonly name: string;
  readonly writes: boolean;
  /** All requests to the leader, or evenly spread over the members. */
  readonly load: Load;
}

function workloads(requests: number): Workload[] {
  const load = (method: string, message: Uint8Array, inFlight: number, share = 1): Load => {
    const connections = Math.min(8, inFlight);
    return {
      method: `/etcdserverpb.KV/${method}`,
      message,
      requests: Math.round(requests * share),
      connections,
      streams: inFlight / connections,
    };
  };
  return [
    { name: "put 256 B, 1 in flight", writes: true, load: load("Put", put, 1, 0.1) },
    { name: "put 256 B, 256 in flight", writes: true, load: load("Put", put, 256) },
    { name: "linearizable get, 256 in flight", writes: false, load: load("Range", linearizableGet, 256) },
    { name: "serializable get, 256 in flight", writes: false, load: load("Range", serializableGet, 256) },
  ];
}

/** This share of each load runs first, unmeasured: our members compile their code while they run it. */
const warmUp = 0.25;

/** Runs the load at the leader and makes sure that the writes were really made. */
async function measure(cluster: StoreCluster, workload: Workload): Promise<Measured> {
  const client = openStore(cluster.urls);
  try {
    const url = await client.leaderUrl();
    const { load } = workload;
    await h2load(url, { ...load, requests: Math.round(load.requests * warmUp) }, cluster.folder);
    const before = await client.revision();
    const measured = await h2load(url, load, cluster.folder);
    const written = (await client.revision()) - before;
    const expected = workload.writes ? load.requests : 0;
    if (written !== expected) throw new Error(`${cluster.product}: ${written} of ${expected} writes were made`);
    return measured;
  } finally {
    await client.close();
  }
}

export async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: "string", default: "5" },
      requests: { type: "string", default: "20000" },
      dir: { type: "string", default: tmpdir() },
      memory: { type: "boolean", default: true },
    },
    allowNegative: true,
  });
  const rounds = Number(values.rounds);
  console.log(`generator: ${h2loadVersion()}; ${rounds} rounds in turns; node ${process.version}`);
  const folder = mkdtempSync(join(values.dir, "flotilla-bench-"));
  const results = new Map<string, Record<Product, Measured[]>>();
  const memory: Record<Product, number[]> = { flotilla: [], etcd: [] };
  try {
    for (let round = 1; round <= rounds; round++) {
      // Who goes first changes, so that neither always finds the machine warm.
      const order: Product[] = round % 2 === 1 ? ["flotilla", "etcd"] : ["etcd", "flotilla"];
      for (const product of order) {
        const cluster = await StoreCluster.start(product, folder);
        try {
          memory[product].push(cluster.pids().reduce((sum, pid) => sum + proportionalSetSize(pid), 0));
          for (const workload of workloads(Number(values.requests))) {
            const measured = await measure(cluster, workload);
            const all = results.get(workload.name) ?? { flotilla: [], etcd: [] };
            all[product].push(measured);
            results.set(workload.name, all);
            console.log(
              `round ${round} ${product.padEnd(8)} ${workload.name.padEnd(32)} ${Math.round(measured.requestsPerSecond)}/s, p50 ${measured.medianMs.toFixed(2)} ms, p99 ${measured.p99Ms.toFixed(1)} ms`,
            );
          }
        } finally {
          await cluster.stop();
          cluster.remove();
        }
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const rate = (all: Measured[]) => median(all.map((one) => one.requestsPerSecond));
  const half = (all: Measured[]) => median(all.map((one) => one.medianMs));
  const p99 = (all: Measured[]) => median(all.map((one) => one.p99Ms));
  // Of the two halves of a round, which lie next to each other in time: what else the machine does changes slowly.
  const ratio = (ours: Measured[], theirs: Measured[]) =>
    median(ours.map((one, round) => one.requestsPerSecond / (theirs[round] as Measured).requestsPerSecond));
  const rows = [...results].map(([name, { flotilla, etcd }]) => [
    name,
    `${Math.round(rate(flotilla))}/s`,
    `${Math.round(rate(etcd))}/s`,
    `${ratio(flotilla, etcd).toFixed(2)} ×`,
    `${half(flotilla).toFixed(2)} / ${p99(flotilla).toFixed(1)} ms`,
    `${half(etcd).toFixed(2)} / ${p99(etcd).toFixed(1)} ms`,
  ]);
  const memoryRow = (name: string, flotilla: string, etcd: string, ratio: string) => [
    name,
    flotilla,
    etcd,
    ratio,
    "",
    "",
  ];
  const [ours, theirs] = [median(memory.flotilla), median(memory.etcd)];
  rows.push(
    memoryRow(
      "idle memory of three members (PSS)",
      mebibytes(ours),
      mebibytes(theirs),
      `${(ours / theirs).toFixed(2)} ×`,
    ),
  );
  if (values.memory) {
    const { bytes, processes } = await freshClusterMemory(values.dir);
    rows.push(memoryRow(`idle memory of a whole cluster, ${processes} processes (PSS)`, mebibytes(bytes), "", ""));
  }
  console.log();
  console.log(markdownTable(["workload", "Flotilla", "etcd", "ratio", "p50 / p99, Flotilla", "p50 / p99, etcd"], rows));
}
