import { pause } from "../../base/mod.ts";
import { EventType } from "../../proto/mod.ts";
import { setFull } from "../checkers/mod.ts";
import { bytes, performRead, performWrite, reading, text } from "./perform.ts";
import { keysOf, prefixed } from "./store-operations.ts";
import type { Workload, WorkloadClient, WorkloadContext, WorkloadDefinition } from "./workload.ts";

const range = keysOf(prefixed("e/"));

/** What a client has seen of the set. */
interface Copy {
  readonly elements: Set<number>;
  /** All changes up to here are in it. */
  revision: number;
}

/**
 * Elements are added as keys of their own. Each client keeps a copy of the set, which it lists once and then only watches, from where it left off: a read
 * is its copy. It may be old, but in the end nothing is missing.
 */
export const setWatch: WorkloadDefinition = {
  name: "set-watch",
  summary: "add elements to a set, and follow it by watching: what was missed once stays missing",
  start,
  judge: (history) => [setFull(history, { linearizable: false })],
};

function start(context: WorkloadContext): Workload {
  const copies = new Map<number, Copy>();
  /** Revision of the last element that anybody knows to be in the set. */
  let newest = 0;

  function add(client: WorkloadClient) {
    const element = context.unique();
    return performWrite(context, client, "add", { element }, async () => {
      const { header } = await client.etcd.kv.put({ key: bytes(`e/${element}`), value: bytes(String(element)) });
      newest = Math.max(newest, header?.revision ?? 0);
      return { element };
    });
  }

  async function list({ etcd, number }: WorkloadClient): Promise<Copy> {
    const { header, kvs } = await reading(etcd.kv.range(range));
    const copy = { elements: new Set(kvs.map(({ value }) => Number(text(value)))), revision: header?.revision ?? 0 };
    copies.set(number, copy);
    return copy;
  }

  /** Watches for so long, or until all up to a revision has come. */
  async function follow(client: WorkloadClient, copy: Copy, longestMs: number, until: number): Promise<void> {
    const { clock, etcd, number } = client;
    let isEnded = false;
    const watcher = etcd.watch.open(
      { ...range, startRevision: copy.revision + 1 },
      {
        onEvents: (events) => {
          for (const { type, kv } of events) if (type === EventType.PUT) copy.elements.add(Number(text(kv!.value)));
          copy.revision = events.at(-1)?.kv?.modRevision ?? copy.revision;
        },
        onEnd: () => {
          isEnded = true;
          copies.delete(number); // it is listed anew
        },
      },
    );
    const endMs = clock.monotonic() + longestMs;
    while (!isEnded && clock.monotonic() < endMs && copy.revision < until) await pause(clock, 50);
    watcher.close();
  }

  async function read(client: WorkloadClient, longestMs: number, until = Number.POSITIVE_INFINITY): Promise<void> {
    await performRead(context, client, "read", null, async () => {
      const copy = copies.get(client.number) ?? (await list(client));
      await follow(client, copy, longestMs, until);
      return { elements: [...copy.elements] };
    });
  }

  return {
    async step(client) {
      if (client.chance.percent(60)) await add(client);
      else await read(client, client.chance.between(100, 1000));
    },
    async finish(client) {
      await read(client, 10_000, newest);
      // A copy whose past was cut off has to be made anew.
      if (!copies.has(client.number)) await read(client, 10_000, newest);
    },
  };
}
