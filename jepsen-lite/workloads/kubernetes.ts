import { caches, durability, reads, watches } from "../checkers/mod.ts";
import { performRead } from "./perform.ts";
import { type Pair, prefixed, type RangeAsked, StoreOperations } from "./store-operations.ts";
import type { Workload, WorkloadClient, WorkloadContext, WorkloadDefinition } from "./workload.ts";

const objects = prefixed("/registry/pods/");

/** An informer's: what it listed, and all that its watches have told since. */
interface Cache {
  readonly pairs: Map<string, Pair>;
  revision: number;
}

/**
 * What Kubernetes asks of its store. Half of the clients create, update and delete objects if these are still as they were seen; the others are informers:
 * they list in pages at one revision, watch from there, resume where they left off, list anew when that was compacted, and show their caches.
 */
export const kubernetes: WorkloadDefinition = {
  name: "kubernetes",
  summary: "objects changed optimistically, listed in pages and watched by informers, whose caches are the store",
  compacts: true,
  start,
  judge: (history) => [caches(history, {}), watches(history, {}), reads(history, {}), durability(history, {})],
};

function start(context: WorkloadContext): Workload {
  const operations = new StoreOperations(context);
  const informers = new Map<number, Cache>();
  /** As somebody saw them last: what an optimistic change is based on. */
  const seen = new Map<string, number>();

  /** If the object is not as it was seen, whoever asked gets it as it is, and may try again. */
  async function change(client: WorkloadClient): Promise<void> {
    const key = `${objects.key}p${client.chance.below(context.keys * 3)}`;
    const mod = seen.get(key) ?? 0;
    const isDelete = mod > 0 && client.chance.percent(30);
    const request = isDelete
      ? { f: "delete" as const, key }
      : { f: "put" as const, key, value: `v${context.unique()}` };
    const unchanged = { key, target: "mod" as const, result: "=" as const, value: mod };
    const answer = await operations.transact(client, [unchanged], [request], [{ f: "range", key }]);
    if (answer === undefined) return;
    if (answer.succeeded) seen.set(key, isDelete ? 0 : answer.revision);
    else seen.set(key, answer.found.at(0)?.mod ?? 0);
  }

  /** All pages are of the first one's revision. */
  async function list(client: WorkloadClient): Promise<Cache | undefined> {
    const pairs = new Map<string, Pair>();
    const limit = client.chance.between(1, 5);
    let asked: RangeAsked = { ...objects, limit };
    for (;;) {
      const page = await operations.range(client, asked);
      if (page === undefined) return undefined;
      for (const pair of page.kvs) pairs.set(pair.key, pair);
      const revision = asked.revision ?? page.revision;
      const last = page.kvs.at(-1);
      if (!page.more || last === undefined) return { pairs, revision };
      asked = { ...objects, key: `${last.key}\0`, limit, revision };
    }
  }

  async function inform(client: WorkloadClient, longestMs: number, until?: number): Promise<void> {
    const cache = informers.get(client.number) ?? (await list(client));
    if (cache === undefined) return;
    informers.set(client.number, cache);
    await show(client, cache);
    const asked = { ...objects, startRevision: cache.revision + 1, prevKv: true };
    const end = until === undefined ? { longestMs } : { longestMs, until };
    const { events, revision, isCompacted } = await operations.watch(client, asked, end);
    if (isCompacted) informers.delete(client.number);
    for (const event of events) {
      if (event.type === "delete") cache.pairs.delete(event.key);
      else cache.pairs.set(event.key, event);
    }
    cache.revision = Math.max(cache.revision, revision);
    await show(client, cache);
  }

  async function show(client: WorkloadClient, { pairs, revision }: Cache): Promise<void> {
    await performRead(context, client, "cache", { ...objects }, async () => {
      const kvs = [...pairs.values()].map(({ key, value, mod }) => ({ key, value, mod }));
      return { informer: `informer ${client.number}`, revision, kvs };
    });
  }

  return {
    async step(client) {
      const { chance, number } = client;
      if (number % 2 === 1) await inform(client, chance.between(300, 3000));
      else if (number === 0 && chance.percent(2))
        await operations.compact(client, Math.max(1, operations.newest - chance.between(5, 50)), false);
      else await change(client);
    },
    async finish(client) {
      // Something to wait for.
      const last = await operations.put(client, `${objects.key}last`, `v${context.unique()}`);
      const until = last?.revision ?? operations.newest;
      await inform(client, 10_000, until);
      if (!informers.has(client.number)) await inform(client, 10_000, until);
      if (client.number === 0) await operations.dump(client);
    },
  };
}
