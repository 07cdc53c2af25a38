import { longFork as judge } from "../checkers/mod.ts";
import { bytes, performRead, performWrite, text } from "./perform.ts";
import { keysOf, prefixed } from "./store-operations.ts";
import type { Workload, WorkloadClient, WorkloadContext, WorkloadDefinition } from "./workload.ts";

const keysOfGroup = 4;

/**
 * Groups of keys, each written once, and reads of a group, some of them of whatever one member has. Of two reads one is the other's past: no two
 * writes are seen in two orders.
 */
export const longFork: WorkloadDefinition = {
  name: "long-fork",
  summary: "write keys once and read several at once, anywhere",
  start,
  judge: (history) => [judge(history, {})],
};

function start(context: WorkloadContext): Workload {
  let writes = 0;
  const nameOf = (group: number) => `f${group}/`;

  async function write(client: WorkloadClient): Promise<void> {
    const number = writes++;
    const key = `${nameOf(Math.floor(number / keysOfGroup))}${number % keysOfGroup}`;
    await performWrite(context, client, "write", { key, value: number }, async () => {
      await client.etcd.kv.put({ key: bytes(key), value: bytes(String(number)) });
      return { key, value: number };
    });
  }

  async function read(client: WorkloadClient): Promise<void> {
    // Where writes are under way, or have been a moment ago.
    const group = nameOf(Math.max(0, Math.floor(writes / keysOfGroup) - client.chance.below(2)));
    const serializable = client.chance.percent(60);
    await performRead(context, client, "read", { group, serializable }, async () => {
      const { kvs } = await client.etcd.kv.range({ ...keysOf(prefixed(group)), serializable });
      const told = new Map(kvs.map(({ key, value }) => [text(key), Number(text(value))]));
      const keys = Array.from({ length: keysOfGroup }, (_, at) => `${group}${at}`);
      return { values: Object.fromEntries(keys.map((key) => [key, told.get(key) ?? null])) };
    });
  }

  return {
    step: (client) => (client.chance.percent(30) ? write(client) : read(client)),
  };
}
