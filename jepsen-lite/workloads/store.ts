import { durability, reads, watches } from "../checkers/mod.ts";
import { wholeStoreIfSmall } from "./small-store.ts";
import { allKeys, StoreOperations } from "./store-operations.ts";
import type { Workload, WorkloadClient, WorkloadContext, WorkloadDefinition } from "./workload.ts";

/** Puts, deletes, reads of today and of the past, transactions, compactions, and watches of everything, over a few keys. */
export const store: WorkloadDefinition = {
  name: "store",
  summary: "the whole API: ranges, puts, deletes, transactions, compactions, watches",
  compacts: true,
  start,
  judge: (history) => [
    durability(history, {}),
    reads(history, {}),
    watches(history, {}),
    ...wholeStoreIfSmall(history),
  ],
};

function start(context: WorkloadContext): Workload {
  const operations = new StoreOperations(context);
  const keyOf = ({ chance }: WorkloadClient) => `s${chance.below(context.keys)}`;
  const value = () => `v${context.unique()}`;
  /** A revision of a while ago. */
  const past = ({ chance }: WorkloadClient, most: number) => Math.max(1, operations.newest - chance.below(most));

  function range(client: WorkloadClient) {
    const serializable = client.chance.percent(25);
    const revision = client.chance.percent(20) ? past(client, 20) : 0;
    return operations.range(client, {
      ...allKeys,
      ...(serializable ? { serializable } : {}),
      ...(revision > 0 ? { revision } : {}),
    });
  }

  /** Writes one key if another has not changed since it was last seen, and reads it otherwise. */
  function transact(client: WorkloadClient) {
    const [guard, key] = [keyOf(client), keyOf(client)];
    return operations.transact(
      client,
      [{ key: guard, target: "mod", result: "<", value: past(client, 5) }],
      [{ f: "put", key, value: value() }],
      [{ f: "range", key: guard }],
    );
  }

  function watch(client: WorkloadClient) {
    const startRevision = client.chance.percent(50) ? 0 : past(client, 30);
    const longestMs = client.chance.between(500, 5000);
    return operations.watch(client, { ...allKeys, startRevision, prevKv: true }, { longestMs });
  }

  return {
    async step(client) {
      const { chance } = client;
      const die = chance.below(100);
      if (client.number % 2 === 1 && chance.percent(30)) await watch(client);
      else if (die < 45) await operations.put(client, keyOf(client), value());
      else if (die < 55) await operations.delete(client, keyOf(client));
      else if (die < 85) await range(client);
      else if (die < 97) await transact(client);
      else await operations.compact(client, past(client, 50), chance.percent(20));
    },
    async finish(client) {
      if (client.number === 0) await operations.dump(client);
    },
  };
}
