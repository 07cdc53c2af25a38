import { CompareResult, CompareTarget } from "../../proto/mod.ts";
import { queue as judge } from "../checkers/mod.ts";
import { bytes, nothing, performWrite, reading, text } from "./perform.ts";
import { keysOf, prefixed } from "./store-operations.ts";
import type { Workload, WorkloadClient, WorkloadContext, WorkloadDefinition } from "./workload.ts";

const elements = keysOf(prefixed("q/"));

/** Elements are put into a queue, each as a key, and taken out, the one that was created first, by whoever deletes it. In the end it is emptied. */
export const queue: WorkloadDefinition = {
  name: "queue",
  summary: "put elements into a queue and take them out: none twice, none lost, in order",
  start,
  judge: (history) => [judge(history, {})],
};

function start(context: WorkloadContext): Workload {
  async function enqueue(client: WorkloadClient): Promise<void> {
    const element = context.unique();
    await performWrite(context, client, "enqueue", { element }, async () => {
      await client.etcd.kv.put({ key: bytes(`q/${element}`), value: bytes(String(element)) });
      return { element };
    });
  }

  async function dequeue(client: WorkloadClient): Promise<boolean> {
    let isEmpty = false;
    await performWrite(context, client, "dequeue", null, async (tell) => {
      const { kvs } = await reading(client.etcd.kv.range(elements));
      // Keys are in the order of their names, which is not that in which they came.
      const [first] = [...kvs].sort((a, b) => a.createRevision - b.createRevision);
      isEmpty = first === undefined;
      if (first === undefined) return nothing;
      const element = Number(text(first.value));
      tell({ element });
      const { key, modRevision } = first;
      const { succeeded } = await client.etcd.kv.txn({
        compare: [{ key, target: CompareTarget.MOD, result: CompareResult.EQUAL, modRevision }],
        success: [{ requestDeleteRange: { key } }],
      });
      return succeeded ? { element } : nothing;
    });
    return isEmpty;
  }

  return {
    async step(client) {
      if (client.chance.percent(50)) await enqueue(client);
      else await dequeue(client);
    },
    async finish(client) {
      for (let attempt = 0; attempt < 10_000; attempt++) if (await dequeue(client)) return;
    },
  };
}
