import { CompareResult, CompareTarget } from "../../proto/mod.ts";
import { registers } from "../checkers/mod.ts";
import type { Json } from "../history/mod.ts";
import { bytes, performRead, performWrite, text } from "./perform.ts";
import type { Workload, WorkloadClient, WorkloadContext, WorkloadDefinition } from "./workload.ts";

/** Keys that are read, written, and compared and set, with their versions: jepsen.etcd's register. */
export const register: WorkloadDefinition = {
  name: "register",
  summary: "read, write and compare-and-set single keys",
  start,
  judge: (history) => [registers(history, { steps: 5_000_000 })],
};

function start(context: WorkloadContext): Workload {
  const nameOf = (client: WorkloadClient) => `r${client.chance.below(context.keys)}`;

  async function read(client: WorkloadClient, key: string): Promise<void> {
    await performRead(context, client, "read", { key }, async () => {
      const { kvs } = await client.etcd.kv.range({ key: bytes(key) });
      const kv = kvs[0];
      return kv === undefined
        ? { key, value: null, version: 0 }
        : { key, value: Number(text(kv.value)), version: kv.version };
    });
  }

  async function write(client: WorkloadClient, key: string): Promise<void> {
    const value = client.chance.below(5);
    await performWrite(context, client, "write", { key, value }, async () => {
      const { prevKv } = await client.etcd.kv.put({ key: bytes(key), value: bytes(String(value)), prevKv: true });
      return { key, value, version: (prevKv?.version ?? 0) + 1 };
    });
  }

  async function cas(client: WorkloadClient, key: string): Promise<void> {
    const [from, to] = [client.chance.below(5), client.chance.below(5)];
    await performWrite(context, client, "cas", { key, from, to }, async (): Promise<Json> => {
      const { succeeded, responses } = await client.etcd.kv.txn({
        compare: [
          {
            key: bytes(key),
            target: CompareTarget.VALUE,
            result: CompareResult.EQUAL,
            value: bytes(String(from)),
          },
        ],
        success: [{ requestPut: { key: bytes(key), value: bytes(String(to)), prevKv: true } }],
      });
      if (!succeeded) return { key, from, to, succeeded: false };
      return { key, from, to, succeeded: true, version: (responses[0]?.responsePut?.prevKv?.version ?? 0) + 1 };
    });
  }

  return {
    step(client) {
      const key = nameOf(client);
      const die = client.chance.below(10);
      if (die < 5) return read(client, key);
      return die < 8 ? write(client, key) : cas(client, key);
    },
    async finish(client) {
      if (client.number > 0) return;
      for (let key = 0; key < context.keys; key++) await read(client, `r${key}`);
    },
  };
}
