import { pause } from "../../base/mod.ts";
import { CompareResult, CompareTarget, type Event, EventType, type KeyValue } from "../../proto/mod.ts";
import { durability, reads, watches } from "../checkers/mod.ts";
import type { Json } from "../history/mod.ts";
import { bytes, perform, text } from "./perform.ts";
import type { Workload, WorkloadClient, WorkloadContext, WorkloadDefinition } from "./workload.ts";

const all = { key: Uint8Array.of(0), rangeEnd: Uint8Array.of(0) };
const allJson = { key: "\0", end: "\0" };

/** Puts, deletes, reads of today and of the past, transactions, compactions, and watches of everything, over a few keys. */
export const store: WorkloadDefinition = {
  name: "store",
  summary: "the whole API: ranges, puts, deletes, transactions, compactions, watches",
  start,
  judge: (history) => [durability(history, {}), reads(history, {}), watches(history, {})],
};

function start(context: WorkloadContext): Workload {
  /** Newest revision that anybody was told of. */
  let newest = 1;
  const keyOf = ({ chance }: WorkloadClient) => `s${chance.below(context.keys)}`;
  const saw = (revision: number | undefined): number => {
    newest = Math.max(newest, revision ?? 0);
    return revision ?? 0;
  };

  async function put(client: WorkloadClient): Promise<void> {
    const asked = { key: keyOf(client), value: `v${context.unique()}` };
    await perform(context, client, "put", asked, true, async () => {
      const { header, prevKv } = await client.etcd.kv.put({
        key: bytes(asked.key),
        value: bytes(asked.value),
        prevKv: true,
      });
      return { revision: saw(header?.revision), prev: prevKv === undefined ? null : pairOf(prevKv) };
    });
  }

  async function remove(client: WorkloadClient): Promise<void> {
    const key = keyOf(client);
    await perform(context, client, "delete", { key }, true, async () => {
      const { header, deleted } = await client.etcd.kv.deleteRange({ key: bytes(key) });
      return { revision: saw(header?.revision), deleted };
    });
  }

  async function range(client: WorkloadClient): Promise<void> {
    const serializable = client.chance.percent(25);
    const revision = client.chance.percent(20) ? Math.max(1, newest - client.chance.below(20)) : 0;
    const asked = { ...allJson, ...(serializable ? { serializable } : {}), ...(revision > 0 ? { revision } : {}) };
    await perform(context, client, "range", asked, false, async () => {
      const { header, kvs } = await client.etcd.kv.range({ ...all, serializable, revision });
      return { revision: saw(header?.revision), kvs: kvs.map(pairOf) };
    });
  }

  /** Writes one key if another has not changed since it was last seen, and reads it otherwise. */
  async function transact(client: WorkloadClient): Promise<void> {
    const [guard, key, value] = [keyOf(client), keyOf(client), `v${context.unique()}`];
    const mod = Math.max(0, newest - client.chance.below(5));
    const asked = {
      compare: [{ key: guard, target: "mod", result: "less", value: mod }],
      success: [{ f: "put", key, value }],
      failure: [{ f: "range", key: guard }],
    };
    await perform(context, client, "kv-txn", asked, true, async () => {
      const { header, succeeded, responses } = await client.etcd.kv.txn({
        compare: [{ key: bytes(guard), target: CompareTarget.MOD, result: CompareResult.LESS, modRevision: mod }],
        success: [{ requestPut: { key: bytes(key), value: bytes(value) } }],
        failure: [{ requestRange: { key: bytes(guard) } }],
      });
      const found: Json = succeeded ? {} : { kvs: (responses[0]?.responseRange?.kvs ?? []).map(pairOf) };
      return { revision: saw(header?.revision), succeeded, responses: [found] };
    });
  }

  async function compact(client: WorkloadClient): Promise<void> {
    const revision = Math.max(1, newest - client.chance.below(50));
    await perform(context, client, "compact", { revision }, true, async () => {
      await client.etcd.kv.compact({ revision, physical: client.chance.percent(20) });
      return { revision };
    });
  }

  /** Watches everything for some seconds, over as many streams as it takes. */
  async function watch(client: WorkloadClient): Promise<void> {
    const startRevision = client.chance.percent(50) ? 0 : Math.max(1, newest - client.chance.below(30));
    const asked = { ...allJson, startRevision, prevKv: true };
    await perform(context, client, "watch", asked, false, async () => {
      const responses: Json[] = [];
      const watcher = client.etcd.watch.open(
        { ...all, startRevision, prevKv: true, progressNotify: client.chance.percent(50) },
        {
          onCreated: (revision) => {
            if (responses.length === 0) responses.push({ revision, created: true });
          },
          onEvents: (events, revision) => responses.push({ revision: saw(revision), events: events.map(eventOf) }),
          onProgress: (revision) => responses.push({ revision, progress: true }),
          onEnd: (end) => {
            if (end.kind === "compacted") responses.push({ revision: end.compactRevision, canceled: true });
          },
        },
      );
      await pause(client.clock, client.chance.between(500, 5000));
      watcher.close();
      return { responses };
    });
  }

  return {
    step(client) {
      if (client.number % 2 === 1 && client.chance.percent(30)) return watch(client);
      const die = client.chance.below(100);
      if (die < 45) return put(client);
      if (die < 55) return remove(client);
      if (die < 85) return range(client);
      return die < 97 ? transact(client) : compact(client);
    },
    async finish(client) {
      if (client.number > 0) return;
      for (const { name, revision, kvs } of await context.dump()) {
        await perform(context, client, "dump", { member: name }, false, async () => ({
          member: name,
          revision,
          kvs: kvs.map(pairOf),
        }));
      }
    },
  };
}

type Pair = Pick<KeyValue, "key" | "value" | "modRevision" | "createRevision" | "version">;

function pairOf({ key, value, modRevision, createRevision, version }: Pair) {
  return { key: text(key), value: text(value), mod: modRevision, create: createRevision, version };
}

function eventOf({ type, kv, prevKv }: Event): Json {
  const prev = prevKv === undefined ? null : pairOf(prevKv);
  if (type === EventType.DELETE) return { type: "delete", key: text(kv!.key), mod: kv!.modRevision, prev };
  return { type: "put", ...pairOf(kv!), prev };
}
