import { CompareResult, CompareTarget } from "../../proto/mod.ts";
import { setFull } from "../checkers/mod.ts";
import { bytes, perform, reading, text } from "./perform.ts";
import type { Workload, WorkloadClient, WorkloadContext, WorkloadDefinition } from "./workload.ts";

const key = bytes("set");

/** Numbers that are added to one key, by comparing and setting it, and reads of it: jepsen.etcd's set. */
export const set: WorkloadDefinition = {
  name: "set",
  summary: "add elements to a set and read it",
  start,
  judge: (history) => [setFull(history, {})],
};

function start(context: WorkloadContext): Workload {
  async function now({ etcd }: WorkloadClient): Promise<{ elements: number[]; modRevision: number }> {
    const { kvs } = await etcd.kv.range({ key });
    const elements = kvs[0] === undefined ? [] : (JSON.parse(text(kvs[0].value)) as number[]);
    return { elements, modRevision: kvs[0]?.modRevision ?? 0 };
  }

  async function read(client: WorkloadClient): Promise<void> {
    await perform(context, client, "read", null, false, async () => ({ elements: (await now(client)).elements }));
  }

  async function add(client: WorkloadClient): Promise<void> {
    const element = context.unique();
    await perform(context, client, "add", { element }, true, async () => {
      const { elements, modRevision } = await reading(now(client));
      const { succeeded } = await client.etcd.kv.txn({
        compare: [{ key, target: CompareTarget.MOD, result: CompareResult.EQUAL, modRevision }],
        success: [{ requestPut: { key, value: bytes(JSON.stringify([...elements, element])) } }],
      });
      return succeeded ? { element } : "nothing";
    });
  }

  return {
    step: (client) => (client.chance.percent(60) ? add(client) : read(client)),
    finish: (client) => read(client),
  };
}
