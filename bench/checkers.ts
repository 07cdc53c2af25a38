// Usage: npm run bench -- checkers [--operations 100000] [--clients 50] [--seeds 3]
// How long the linearizability checker takes to decide legal histories of one register whose clients are always at something, from seed 1 on.
import { parseArgs } from "node:util";
import { seededRandom } from "../base/mod.ts";
import { longHistory } from "../jepsen-lite/checkers/linearizability/linearizability.testing.ts";
import { registers } from "../jepsen-lite/checkers/mod.ts";
import { loadAverage } from "./process-stats.ts";
import { markdownTable, median } from "./stats.ts";

type Kind = Omit<Parameters<typeof longHistory>[1], "operations" | "clients">;

const kinds: Readonly<Record<string, Kind>> = {
  versions: { versions: true, restless: true },
  "versions, 1 % crashed": { versions: true, restless: true, crashed: 10 },
  "2 values": { versions: false, restless: true, values: 2 },
  "5 values": { versions: false, restless: true, values: 5 },
  "5 values, 1 % crashed": { versions: false, restless: true, values: 5, crashed: 10 },
  "100 values": { versions: false, restless: true, values: 100 },
  "100 values, 1 % crashed": { versions: false, restless: true, values: 100, crashed: 10 },
  "each value written once": { versions: false, restless: true, values: 0 },
  "each value written once, 1 % crashed": { versions: false, restless: true, values: 0, crashed: 10 },
};

interface Decision {
  readonly verdict: string;
  readonly seconds: number;
  readonly cpuSeconds: number;
}

function decide(seed: number, kind: Kind, operations: number, clients: number): Decision {
  const history = longHistory(seededRandom(seed), { ...kind, operations, clients });
  const [start, cpuBefore] = [performance.now(), process.cpuUsage()];
  const { valid } = registers(history, {});
  const { user, system } = process.cpuUsage(cpuBefore);
  return {
    verdict: String(valid),
    seconds: (performance.now() - start) / 1000,
    cpuSeconds: (user + system) / 1_000_000,
  };
}

export async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      operations: { type: "string", default: "100000" },
      clients: { type: "string", default: "50" },
      seeds: { type: "string", default: "3" },
    },
  });
  const [operations, clients] = [Number(values.operations), Number(values.clients)];
  const seeds = Array.from({ length: Number(values.seeds) }, (_, i) => i + 1);
  console.log(
    `${operations} operations, ${clients} clients, ${seeds.length} seeds; node ${process.version}; load ${loadAverage()}`,
  );
  const rows = Object.entries(kinds).map(([name, kind]) => {
    decide(0, kind, Math.min(operations, 5000), clients); // unmeasured: code is compiled
    const all = seeds.map((seed) => decide(seed, kind, operations, clients));
    const seconds = all.map((one) => one.seconds);
    const row = [
      name,
      [...new Set(all.map(({ verdict }) => verdict))].join(", "),
      `${median(seconds).toFixed(2)} s`,
      `${Math.max(...seconds).toFixed(2)} s`,
      `${median(all.map((one) => one.cpuSeconds)).toFixed(2)} s`,
      `${Math.round(operations / median(seconds))}/s`,
    ];
    console.log(row.join(", "));
    return row;
  });
  console.log(markdownTable(["one register", "legal", "median", "longest", "CPU, median", "operations"], rows));
}
