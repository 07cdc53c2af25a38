// Usage: npm run bench -- store [--rounds 5] [--requests 20000] [--only REGEXP] [--dir DIR] [--no-memory]
// Three members of Flotilla and three of etcd, on one machine and one disk, under the same load from the same generator, in turns.
// Prints medians and ratios as a table, and the idle memory of a whole fresh cluster of Flotilla.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openStore } from "./etcd-access.ts";
import { freshClusterMemory } from "./fresh-cluster.ts";
import { h2loadVersion } from "./h2load.ts";
import type { Measured } from "./latencies.ts";
import { mebibytes, proportionalSetSize } from "./memory.ts";
import { cpuSeconds, loadAverage } from "./process-stats.ts";
import { markdownTable, median } from "./stats.ts";
import { type Product, StoreCluster } from "./store-cluster.ts";
import { type Workload, warmUp, workloads } from "./store-workloads.ts";

interface Result extends Measured {
  /** Of all members together, in microseconds. */
  readonly cpuPerOperation: number;
}

type Results = Map<string, Record<Product, Result[]>>;

function cpuOf(cluster: StoreCluster): number {
  return cluster.pids().reduce((sum, pid) => sum + cpuSeconds(pid), 0);
}

/** Runs the load at the leader and makes sure that the writes were really made. */
async function measure(cluster: StoreCluster, url: string, workload: Workload): Promise<Result> {
  const client = openStore([url]);
  try {
    await workload.prepare?.(url);
    const [revision, cpu] = [await client.revision(), cpuOf(cluster)];
    const measured = await workload.run(url, cluster.folder);
    const cpuPerOperation = ((cpuOf(cluster) - cpu) * 1_000_000) / measured.operations;
    const written = (await client.revision()) - revision;
    if (workload.writes !== undefined && written !== workload.writes) {
      throw new Error(`${cluster.product}: ${written} of ${workload.writes} writes were made`);
    }
    return { ...measured, cpuPerOperation };
  } finally {
    await client.close();
  }
}

async function leaderOf(cluster: StoreCluster): Promise<string> {
  const client = openStore(cluster.urls);
  try {
    return await client.leaderUrl();
  } finally {
    await client.close();
  }
}

function tableRow(name: string, { flotilla, etcd }: Record<Product, Result[]>): string[] {
  const of = (all: readonly Result[], value: (one: Result) => number) => median(all.map(value));
  // Of the two halves of a round, which lie next to each other in time: what else the machine does changes slowly.
  const ratio = (value: (one: Result) => number) =>
    median(flotilla.map((one, round) => value(one) / value(etcd[round] as Result)));
  const latency = (all: readonly Result[]) =>
    `${of(all, (one) => one.medianMs).toFixed(2)} / ${of(all, (one) => one.p99Ms).toFixed(1)} ms`;
  const cpu = (all: readonly Result[]) => `${of(all, (one) => one.cpuPerOperation).toFixed(1)} µs`;
  return [
    name,
    `${Math.round(of(flotilla, (one) => one.perSecond))}/s`,
    `${Math.round(of(etcd, (one) => one.perSecond))}/s`,
    `${ratio((one) => one.perSecond).toFixed(2)} ×`,
    latency(flotilla),
    latency(etcd),
    `${ratio((one) => one.p99Ms).toFixed(2)} ×`,
    cpu(flotilla),
    cpu(etcd),
  ];
}

const tableHeader = [
  "workload",
  "Flotilla",
  "etcd",
  "ratio",
  "p50 / p99, Flotilla",
  "p50 / p99, etcd",
  "p99 ratio",
  "CPU, Flotilla",
  "CPU, etcd",
];

export async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: "string", default: "5" },
      requests: { type: "string", default: "20000" },
      only: { type: "string", default: "" },
      dir: { type: "string", default: tmpdir() },
      memory: { type: "boolean", default: true },
    },
    allowNegative: true,
  });
  const rounds = Number(values.rounds);
  const only = new RegExp(values.only);
  const chosen = workloads(Number(values.requests)).filter(({ name }) => only.test(name));
  console.log(
    `generator: ${h2loadVersion()}; ${rounds} rounds in turns; node ${process.version}; load ${loadAverage()}`,
  );
  const folder = mkdtempSync(join(values.dir, "flotilla-bench-"));
  const results: Results = new Map(chosen.map(({ name }) => [name, { flotilla: [], etcd: [] }]));
  const memory: Record<Product, number[]> = { flotilla: [], etcd: [] };
  try {
    for (let round = 1; round <= rounds; round++) {
      // Who goes first changes, so that neither always finds the machine warm.
      const order: Product[] = round % 2 === 1 ? ["flotilla", "etcd"] : ["etcd", "flotilla"];
      for (const product of order) {
        const cluster = await StoreCluster.start(product, folder);
        try {
          memory[product].push(cluster.pids().reduce((sum, pid) => sum + proportionalSetSize(pid), 0));
          const url = await leaderOf(cluster);
          await warmUp(url, cluster.folder);
          for (const workload of chosen) {
            const result = await measure(cluster, url, workload);
            results.get(workload.name)?.[product].push(result);
            const { perSecond, medianMs, p99Ms, cpuPerOperation } = result;
            console.log(
              `round ${round} ${product.padEnd(8)} ${workload.name.padEnd(46)} ${Math.round(perSecond)}/s, p50 ${medianMs.toFixed(2)} ms, p99 ${p99Ms.toFixed(1)} ms, ${cpuPerOperation.toFixed(1)} µs, load ${loadAverage()}`,
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
  const rows = [...results].map(([name, both]) => tableRow(name, both));
  const memoryRow = (name: string, ...cells: string[]) => [
    name,
    ...cells,
    ...Array.from({ length: tableHeader.length - 1 - cells.length }, () => ""),
  ];
  const [ours, theirs] = [median(memory.flotilla), median(memory.etcd)];
  const ratio = `${(ours / theirs).toFixed(2)} ×`;
  rows.push(memoryRow("idle memory of three members (PSS)", mebibytes(ours), mebibytes(theirs), ratio));
  if (values.memory) {
    const { bytes, processes } = await freshClusterMemory(values.dir);
    rows.push(memoryRow(`idle memory of a whole cluster, ${processes} processes (PSS)`, mebibytes(bytes)));
  }
  console.log();
  console.log(markdownTable(tableHeader, rows));
}
