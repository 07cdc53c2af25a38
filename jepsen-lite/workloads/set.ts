import { setFull } from "../checkers/mod.ts";
import { type Found, readTogether, writeUnlessChanged } from "./guarded.ts";
import { nothing, performRead, performWrite } from "./perform.ts";
import type { Workload, WorkloadClient, WorkloadContext, WorkloadDefinition } from "./workload.ts";

const key = "set";

/** Numbers that are added to one key, by comparing and setting it, and reads of it: jepsen.etcd's set. */
export const set: WorkloadDefinition = {
  name: "set",
  summary: "add elements to a set in one key and read it",
  start,
  judge: (history) => [setFull(history, {})],
};

function start(context: WorkloadContext): Workload {
  async function read(client: WorkloadClient): Promise<void> {
    await performRead(context, client, "read", null, async () => {
      const [found] = await readTogether(client, [key]);
      return { elements: elementsOf(found) };
    });
  }

  async function add(client: WorkloadClient): Promise<void> {
    const element = context.unique();
    await performWrite(context, client, "add", { element }, async () => {
      const found = await readTogether(client, [key]);
      const next = JSON.stringify([...elementsOf(found[0]), element]);
      return (await writeUnlessChanged(client, found, new Map([[key, next]]))) ? { element } : nothing;
    });
  }

  return {
    step: (client) => (client.chance.percent(60) ? add(client) : read(client)),
    finish: read,
  };
}

function elementsOf(found: Found | undefined): number[] {
  return found?.value === undefined ? [] : (JSON.parse(found.value) as number[]);
}
