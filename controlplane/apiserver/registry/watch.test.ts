import { expect, test } from "vitest";
import { VirtualClock } from "../../../base/mod.ts";
import { JsonWatchEncoder } from "../http/watch-encoder.ts";
import { MemoryStore } from "../storage/memory-store.ts";
import { WatchCache } from "../storage/watch-cache.ts";
import { Lister } from "./list.ts";
import { WatchStream } from "./watch.ts";

const prefix = "/registry/configmaps/";

async function setUp(write: (chunk: Uint8Array | string) => boolean, drained: () => Promise<void>) {
  const store = new MemoryStore();
  const cache = new WatchCache(store, prefix, { clock: new VirtualClock(), log: () => undefined });
  const options = {
    matches: () => true,
    resourceVersion: "0",
    allowBookmarks: false,
    sendInitialEvents: false,
    timeoutMs: 60_000,
  };
  const target = { apiVersion: "v1", kind: "ConfigMap", present: <T>(object: T) => object };
  const stream = new WatchStream(cache, prefix, options, new JsonWatchEncoder(target));
  await stream.prepare(new Lister(store, cache));
  const ended = stream.run({ write, drained, signal: new AbortController().signal });
  const put = (name: string) => store.put(prefix + name, Buffer.from(JSON.stringify({ metadata: { name } })), 0);
  return { ended, put };
}

test("a client that stops reading is cut off when too much waits for it", async () => {
  let written = 0;
  const { ended, put } = await setUp(
    () => {
      written++;
      return false;
    },
    () => new Promise(() => undefined),
  );
  for (let i = 0; i < 1_010; i++) await put(`m${i}`);
  await ended;
  expect(written).toBe(1);
});

test("a client that only pauses gets everything, in order", async () => {
  const written: string[] = [];
  let drain = Promise.withResolvers<void>();
  const { put } = await setUp(
    (chunk) => {
      written.push(JSON.parse(String(chunk)).object.metadata.name);
      return written.length % 3 !== 0;
    },
    () => drain.promise,
  );
  const names = Array.from({ length: 20 }, (_, i) => `m${String(i).padStart(2, "0")}`);
  for (const name of names) await put(name);
  while (written.length < names.length) {
    const waiting = drain;
    drain = Promise.withResolvers();
    waiting.resolve();
    await new Promise(setImmediate);
  }
  expect(written).toEqual(names);
});
