// Usage: node --expose-gc bench/mvcc.ts
// One state machine alone, on one core, over LevelDB in a temporary directory: what an entry of the log costs once raft
// has committed it, and how long a start takes. Times are CPU times of the thread, whatever else the machine does.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, toUtf8 } from "../base/mod.ts";
import { isFailure, LevelHome, openState, WatchHub } from "../kvstore/mvcc/mod.ts";
import { KVService, PutRequest, RangeRequest, TxnRequest } from "../proto/mod.ts";
import { median } from "./stats.ts";

const keys = 100_000;
const batch = 200;
const rounds = 5;

const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, fire) {
    const timer = setTimeout(fire, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

const directory = mkdtempSync(join(tmpdir(), "bench-mvcc-"));
const options = {
  home: new LevelHome(join(directory, "db")),
  clock,
  minLeaseTtl: 2,
  onFailure: (error: unknown) => {
    throw error;
  },
};

try {
  let state = await openState(options);
  let index = 0;

  /** Microseconds per entry, applied in batches as they come from raft, with the loop free in between. */
  async function measure(name: string, count: number, apply: (i: number) => unknown): Promise<void> {
    const perRound: number[] = [];
    for (let round = 0; round < rounds; round++) {
      let busyMs = 0;
      for (let from = 0; from < count; from += batch) {
        const start = threadCpuMs();
        for (let i = from; i < from + batch; i++) apply(i);
        busyMs += threadCpuMs() - start;
        await new Promise((resolve) => setImmediate(resolve));
      }
      perRound.push((busyMs * 1000) / count);
    }
    console.log(`${name.padEnd(44)} ${median(perRound).toFixed(2).padStart(9)} µs`);
  }

  const keyOf = (i: number) => toUtf8(`/registry/pods/namespace-${i % 50}/pod-${(i * 7919) % keys}`);
  const value = new Uint8Array(256).fill(120);
  // Decoded from bytes, as they come from the log.
  const puts = Array.from({ length: keys }, (_, i) => PutRequest.decode(PutRequest.encode({ key: keyOf(i), value })));
  const put = (i: number) => {
    state.applier.put(puts[i] as PutRequest);
    state.store.setApplied(++index, 1);
  };
  await measure("put, 256 B, 100,000 keys", keys, put);

  const txns = puts.slice(0, 20_000).map((requestPut) => {
    const compare = [{ key: requestPut.key, target: 2, result: 1, modRevision: 1 } as const];
    const encoded = TxnRequest.encode({ compare, success: [{ requestPut }], failure: [] });
    return TxnRequest.decode(encoded);
  });
  await measure("txn: compare mod revision, put", txns.length, (i) => {
    const answer = state.applier.txn(txns[i] as TxnRequest);
    if (isFailure(answer) || !answer.succeeded) throw new Error("the comparison holds");
    state.store.setApplied(++index, 1);
  });

  const { response } = KVService.methods.range;
  const gets = puts.slice(0, 20_000).map(({ key }) => RangeRequest.create({ key, serializable: true }));
  await measure("get, 256 B, encoded", gets.length, (i) => {
    const answer = state.applier.range(gets[i] as RangeRequest);
    if (!isFailure(answer)) response.encode(answer);
  });

  const list = RangeRequest.create({ key: toUtf8("/registry/pods/"), rangeEnd: toUtf8("/registry/pods0"), limit: 500 });
  await measure("list of 500 with count, encoded", 1000, () => {
    const answer = state.applier.range(list);
    if (!isFailure(answer)) response.encode(answer);
  });

  const hub = new WatchHub({ store: state.store, clock, onFailure: options.onFailure });
  let delivered = 0;
  const sink = {
    deliver(_: unknown, { encode, events }: { encode(prevKv: boolean): unknown; events: readonly unknown[] }) {
      delivered += events.length;
      return encode !== undefined;
    },
    compacted: () => true,
    caughtUp() {
      // Nobody waits for it.
    },
  };
  for (let i = 0; i < 1000; i++) {
    const from = `/registry/pods/namespace-${i}/`;
    const keys = { from, to: `/registry/pods/namespace-${i}0` };
    hub.watch({ keys, startRevision: 0, prevKv: true, noPut: false, noDelete: false }, sink);
  }
  await measure("put with 1,000 watched ranges", 20_000, put);
  if (delivered === 0) throw new Error("the watchers heard of it");
  hub.stop();

  let worstMs = 0;
  let last = threadCpuMs();
  const pulse = setInterval(() => {
    worstMs = Math.max(worstMs, threadCpuMs() - last);
    last = threadCpuMs();
  }, 1);
  const compactStart = threadCpuMs();
  const compaction = state.store.compact(state.store.revision);
  if (!isFailure(compaction)) await compaction.physical;
  console.log(`compaction of ${index} revisions: ${seconds(compactStart)}, longest stall ${worstMs.toFixed(0)} ms`);
  worstMs = 0;
  last = threadCpuMs();
  const hashStart = threadCpuMs();
  await state.store.hashKv(0);
  console.log(`hash of ${keys} keys: ${seconds(hashStart)}, longest stall ${worstMs.toFixed(0)} ms`);
  clearInterval(pulse);

  const before = memory();
  for (let i = 0; i < 900_000; i++) {
    state.applier.put(PutRequest.create({ key: toUtf8(`/registry/more/${i}`), value }));
    state.store.setApplied(++index, 1);
    if (i % 5000 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const after = memory();
  console.log(
    `memory per key of 256 B: heap ${perKey("heapUsed")} B, outside of it ${perKey("arrayBuffers")} B, resident ${perKey("rss")} B`,
  );
  await measure("put, 256 B, of 1,000,000 keys", 100_000, (i) => {
    const key = toUtf8(`/registry/more/${(i * 7919) % 900_000}`);
    state.applier.put(PutRequest.create({ key, value }));
    state.store.setApplied(++index, 1);
  });
  await state.backend.close();
  const openStart = threadCpuMs();
  state = await openState(options);
  console.log(`start with ${state.store.size} keys: ${seconds(openStart)}`);
  await state.backend.close();

  function perKey(kind: "heapUsed" | "arrayBuffers" | "rss"): string {
    return ((after[kind] - before[kind]) / 900_000).toFixed(0);
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}

/** After a collection, where `--expose-gc` allows it. */
function memory(): NodeJS.MemoryUsage {
  globalThis.gc?.();
  return process.memoryUsage();
}

function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function seconds(since: number): string {
  return `${((threadCpuMs() - since) / 1000).toFixed(2)} s`;
}
