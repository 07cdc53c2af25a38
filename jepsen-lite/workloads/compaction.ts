import { reads } from "../checkers/mod.ts";
import { wholeStoreIfSmall } from "./small-store.ts";
import { allKeys, StoreOperations } from "./store-operations.ts";
import type { Workload, WorkloadClient, WorkloadContext, WorkloadDefinition } from "./workload.ts";

/** Reads of the past while the past is cut off: each is right, or refused because what it asks for may be gone. */
export const compaction: WorkloadDefinition = {
  name: "compaction",
  summary: "reads at old revisions while others compact: right, or refused as compacted",
  compacts: true,
  start,
  judge: (history) => [reads(history, {}), ...wholeStoreIfSmall(history)],
};

function start(context: WorkloadContext): Workload {
  const operations = new StoreOperations(context);
  const past = ({ chance }: WorkloadClient) => Math.max(1, operations.newest - chance.below(40));

  /** All keys as they were, a few at a time, as whoever lists much reads: each page at the revision of the first. */
  async function readPages(client: WorkloadClient): Promise<void> {
    const asked = { limit: client.chance.between(1, 3), revision: past(client) };
    for (let key: string | undefined = "\0"; key !== undefined; ) {
      const page = await operations.range(client, { ...asked, key, end: "\0" });
      const last = page?.kvs.at(-1);
      key = page?.more === true && last !== undefined ? `${last.key}\0` : undefined;
    }
  }

  async function read(client: WorkloadClient): Promise<void> {
    const serializable = client.chance.percent(30) ? { serializable: true } : {};
    await operations.range(client, { ...allKeys, revision: past(client), ...serializable });
  }

  return {
    async step(client) {
      const die = client.chance.below(100);
      const key = `c${client.chance.below(context.keys)}`;
      if (die < 35) await operations.put(client, key, `v${context.unique()}`);
      else if (die < 45) await operations.delete(client, key);
      else if (die < 80) await read(client);
      else if (die < 92) await readPages(client);
      else await operations.compact(client, past(client), client.chance.percent(30));
    },
    finish: read,
  };
}
