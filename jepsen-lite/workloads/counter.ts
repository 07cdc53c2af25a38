import { counter as judge } from "../checkers/mod.ts";
import { type Found, readTogether, writeUnlessChanged } from "./guarded.ts";
import { nothing, performRead, performWrite } from "./perform.ts";
import type { Workload, WorkloadClient, WorkloadContext, WorkloadDefinition } from "./workload.ts";

const key = "counter";

/** Additions to one number, by comparing and setting it, and reads of it. What was done twice, or not at all, stays in the sum. */
export const counter: WorkloadDefinition = {
  name: "counter",
  summary: "add to a counter by compare-and-set, and read it",
  start,
  judge: (history) => [judge(history, {})],
};

function start(context: WorkloadContext): Workload {
  async function read(client: WorkloadClient): Promise<void> {
    await performRead(context, client, "read", null, async () => {
      const [found] = await readTogether(client, [key]);
      return { value: sumOf(found) };
    });
  }

  async function add(client: WorkloadClient): Promise<void> {
    const delta = client.chance.between(1, 5);
    await performWrite(context, client, "add", { delta }, async () => {
      const found = await readTogether(client, [key]);
      const next = String(sumOf(found[0]) + delta);
      return (await writeUnlessChanged(client, found, new Map([[key, next]]))) ? { delta } : nothing;
    });
  }

  return {
    step: (client) => (client.chance.percent(60) ? add(client) : read(client)),
    finish: read,
  };
}

function sumOf(found: Found | undefined): number {
  return Number(found?.value ?? 0);
}
