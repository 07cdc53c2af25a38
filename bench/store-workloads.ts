import { connect } from "../kvstore/client/mod.ts";
import { PutRequest, RangeRequest, TxnRequest } from "../proto/mod.ts";
import { h2load, type Load } from "./h2load.ts";
import { runKubernetesLoad } from "./kubernetes-load.ts";
import type { Measured } from "./latencies.ts";
import { grantLeases, runLeaseLoad } from "./lease-load.ts";
import { runWatchLoad } from "./watch-load.ts";

export interface Workload {
  readonly name: string;
  /** What it needs to be there. Runs once per cluster. */
  prepare?(url: string): Promise<void>;
  /** Loads the member at `url`, which leads. `folder` is for the generator's files. */
  run(url: string, folder: string): Promise<Measured>;
  /** By how much a run moves the store's revision, where that tells whether the writes were really made. */
  readonly writes?: number;
}

const key = Buffer.from("bench/key");
const value = new Uint8Array(256).fill(0x61);
const put = PutRequest.encode({ key, value });
const get = RangeRequest.encode({ key });
const serializableGet = RangeRequest.encode({ key, serializable: true });
const range = RangeRequest.encode({ key: Buffer.from("bench/range/"), rangeEnd: Buffer.from("bench/range0") });
const rangeKeys = 1000;
/** Version is greater than 0: the key is there. */
const compareAndPut = TxnRequest.encode({
  compare: [{ key, target: 0, result: 1, version: 0 }],
  success: [{ requestPut: { key, value } }],
});

const leases = 10_000;

/** `requests` is the size of the larger loads; the others' sizes follow from it. */
export function workloads(requests: number): Workload[] {
  const seconds = Math.max(1, requests / 10_000);
  const simple = (name: string, method: string, message: Uint8Array, inFlight: number, share = 1): Workload => {
    const connections = Math.min(8, inFlight);
    const load: Load = {
      method: `/etcdserverpb.KV/${method}`,
      message,
      requests: Math.round(requests * share),
      connections,
      streams: inFlight / connections,
    };
    const writes = method === "Range" ? 0 : load.requests;
    return { name: `${name}, ${inFlight} in flight`, writes, run: (url, folder) => h2load(url, load, folder) };
  };
  return [
    simple("put 256 B", "Put", put, 1, 0.3),
    simple("put 256 B", "Put", put, 256),
    simple("put 256 B", "Put", put, 1024),
    simple("linearizable get", "Range", get, 256),
    simple("serializable get", "Range", serializableGet, 256),
    { ...simple("range of 1,000 keys", "Range", range, 16, 0.05), prepare: fillRange },
    simple("txn: compare, put", "Txn", compareAndPut, 256),
    {
      name: "watch: 1 writer, 1,000 watchers (events)",
      run: (url) => runWatchLoad(url, { watchers: 1000, connections: 10, seconds }),
    },
    {
      name: "watch: 100 watchers, 10,000 events/s (events)",
      run: (url) => runWatchLoad(url, { watchers: 100, connections: 10, seconds, eventsPerSecond: 10_000 }),
    },
    {
      name: "10,000 lease keep-alives/s",
      prepare: async (url) => void (await grantLeases(url, leases)),
      run: (url) => runLeaseLoad(url, { leases, streams: 10, seconds, perSecond: 10_000 }),
    },
    { name: "as Kubernetes: 64 workers", run: (url) => runKubernetesLoad(url, { workers: 64, seconds }) },
  ];
}

/**
 * Runs before anything is measured: V8 compiles while it runs, and what it has compiled for many requests in flight it compiles again for
 * one; both stores fill their caches.
 */
export async function warmUp(url: string, folder: string): Promise<void> {
  for (const [method, message, requests, connections, streams] of [
    ["Put", put, 30_000, 8, 8],
    ["Range", get, 10_000, 8, 8],
    ["Txn", compareAndPut, 10_000, 8, 8],
    ["Put", put, 20_000, 1, 1],
  ] as const) {
    await h2load(url, { method: `/etcdserverpb.KV/${method}`, message, requests, connections, streams }, folder);
  }
}

async function fillRange(url: string): Promise<void> {
  const client = connect({ endpoints: [url] });
  try {
    for (let from = 0; from < rangeKeys; from += 100) {
      const success = Array.from({ length: 100 }, (_, i) => ({
        requestPut: { key: Buffer.from(`bench/range/${String(from + i).padStart(4, "0")}`), value },
      }));
      await client.kv.txn({ success });
    }
    const { count } = await client.kv.range(RangeRequest.decode(range));
    if (count !== rangeKeys) throw new Error(`the range has ${count} keys`);
  } finally {
    await client.close();
  }
}
