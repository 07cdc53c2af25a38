import { durability, watches } from "../checkers/mod.ts";
import type { History } from "../history/mod.ts";
import { allKeys, type Keys, prefixed, StoreOperations, type WatchAsked } from "./store-operations.ts";
import type { Workload, WorkloadClient, WorkloadContext, WorkloadDefinition } from "./workload.ts";

const prefixes = ["wa/", "wb/"];

/**
 * Half of the clients write, the others watch: a key, a prefix or all; from now on or from a revision of the past; with filters, previous values and
 * progress or without. In the end everybody watches everything from the beginning.
 */
export const watch: WorkloadDefinition = {
  name: "watch",
  summary: "writes and watches of keys, prefixes and all, from now on and from the past",
  compacts: true,
  start: (context) => start(context, false),
  judge,
};

/**
 * The same, and whoever watches asks how far the watch is. etcd before 3.4.25 and 3.5.8 names revisions whose events are still to come, and is found
 * invalid (etcd-io/etcd#15220).
 */
export const watchProgress: WorkloadDefinition = {
  ...watch,
  name: "watch-progress",
  summary: "writes and watches that ask how far they are: nothing that was announced comes later",
  start: (context) => start(context, true),
};

function judge(history: History) {
  return [watches(history, {}), durability(history, {})];
}

function start(context: WorkloadContext, asksProgress: boolean): Workload {
  const operations = new StoreOperations(context);
  const value = () => `v${context.unique()}`;
  const keyOf = ({ chance }: WorkloadClient) => `${chance.pick(prefixes)}${chance.below(context.keys)}`;

  async function write(client: WorkloadClient): Promise<void> {
    const die = client.chance.below(100);
    if (die < 50) await operations.put(client, keyOf(client), value());
    else if (die < 70) await operations.delete(client, keyOf(client));
    else if (die < 98) await putSeveral(client);
    else await operations.compact(client, Math.max(1, operations.newest - client.chance.between(5, 40)), false);
  }

  /** All at one revision, which no watch may split. */
  async function putSeveral(client: WorkloadClient): Promise<void> {
    const keys = new Set([keyOf(client), keyOf(client), keyOf(client)]);
    const puts = [...keys].map((key) => ({ f: "put" as const, key, value: value() }));
    await operations.transact(client, [], puts, []);
  }

  function drawWatch(client: WorkloadClient): WatchAsked {
    const { chance } = client;
    const keys: Keys = chance.pick([{ key: keyOf(client) }, prefixed(chance.pick(prefixes)), allKeys]);
    return {
      ...keys,
      startRevision: chance.percent(40) ? 0 : Math.max(1, operations.newest - chance.below(30)),
      prevKv: chance.percent(50),
      filters: chance.percent(30) ? [chance.pick(["put", "delete"] as const)] : [],
    };
  }

  const manner = (longestMs: number) => ({ longestMs, asksProgress });

  return {
    async step(client) {
      if (client.number % 2 === 0) await write(client);
      else await operations.watch(client, drawWatch(client), manner(client.chance.between(200, 4000)));
    },
    async finish(client) {
      // Something to wait for: a watch of what is all past would not know that it is at its end.
      const last = await operations.put(client, keyOf(client), value());
      const until = last?.revision ?? operations.newest;
      let startRevision = 1;
      for (let attempt = 0; attempt < 3; attempt++) {
        const asked = { ...allKeys, startRevision, prevKv: true };
        const { isCompacted, compactRevision } = await operations.watch(client, asked, { ...manner(8000), until });
        if (!isCompacted) break;
        startRevision = compactRevision;
      }
      if (client.number === 0) await operations.dump(client);
    },
  };
}
