// Usage: npm run bench -- fairness [--rounds 3] [--seconds 4] [--mib 100] [--dir DIR]
// What small puts and reads take while one client lists everything in a loop and another opens a watch on everything and never
// reads, beside what they take alone; three members of Flotilla and three of etcd in turns.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { PutRequest, RangeRequest, WatchRequest } from "../proto/mod.ts";
import { openStore } from "./etcd-access.ts";
import { Latencies } from "./latencies.ts";
import { mebibytes } from "./memory.ts";
import { loadAverage, residentBytes } from "./process-stats.ts";
import { prepared, RawConnection } from "./raw-client.ts";
import { markdownTable, median } from "./stats.ts";
import { type Product, StoreCluster } from "./store-cluster.ts";
import { fillKeys, keyOf } from "./write-load.ts";

const valueBytes = 4096;
const everyMs = 5;
const everything = { key: Buffer.from("/registry/scale/"), rangeEnd: Buffer.from("/registry/scale0") };
const value = new Uint8Array(valueBytes).fill(0x61);

interface Seen {
  readonly puts: { readonly medianMs: number; readonly p99Ms: number };
  readonly reads: { readonly medianMs: number; readonly p99Ms: number };
  readonly lists: number;
  readonly peakBytes: number;
}

/** Puts of 4 KiB and linearizable reads of one key, each every 5 ms. */
async function smallRequests(url: string, seconds: number): Promise<Pick<Seen, "puts" | "reads">> {
  const failed = Promise.withResolvers<never>();
  const connection = await RawConnection.open(url, failed.reject);
  const [puts, reads] = [new Latencies(), new Latencies()];
  const put = prepared(PutRequest.encode({ key: keyOf(0), value }));
  const get = prepared(RangeRequest.encode({ key: keyOf(1) }));
  let open = 0;
  const send = (path: string, message: Uint8Array, latencies: Latencies) => {
    const sentMs = performance.now();
    open++;
    connection.unary(path, message, () => {
      latencies.add(performance.now() - sentMs);
      open--;
    });
  };
  const ticker = setInterval(() => {
    send("/etcdserverpb.KV/Put", put, puts);
    send("/etcdserverpb.KV/Range", get, reads);
  }, everyMs);
  try {
    await Promise.race([new Promise((resolve) => setTimeout(resolve, seconds * 1000)), failed.promise]);
    clearInterval(ticker);
    while (open > 0) await Promise.race([new Promise((resolve) => setTimeout(resolve, everyMs)), failed.promise]);
    return { puts: puts.quantiles(), reads: reads.quantiles() };
  } finally {
    clearInterval(ticker);
    connection.close();
  }
}

/** Lists everything, again and again. Returns how to stop, which tells how often. */
async function heavyReader(url: string): Promise<() => number> {
  let lists = 0;
  let stopped = false;
  const connection = await RawConnection.open(url, (error) => {
    throw error;
  });
  const request = prepared(RangeRequest.encode(everything));
  const list = () => {
    connection.unary("/etcdserverpb.KV/Range", request, () => {
      lists++;
      if (!stopped) list();
    });
  };
  list();
  return () => {
    stopped = true;
    connection.close();
    return lists;
  };
}

async function frozenWatcher(url: string): Promise<() => void> {
  const connection = await RawConnection.open(url, (error) => {
    throw error;
  });
  const send = connection.stream("/etcdserverpb.Watch/Watch", () => connection.freeze());
  send(prepared(WatchRequest.encode({ createRequest: everything })));
  return () => connection.close();
}

async function measure(product: Product, folder: string, seconds: number, bytes: number): Promise<[Seen, Seen]> {
  const cluster = await StoreCluster.start(product, folder);
  try {
    const store = openStore(cluster.urls);
    const url = await store.leaderUrl();
    await store.close();
    const peakBytes = () => Math.max(...cluster.pids().map((pid) => residentBytes(pid).peak));
    await fillKeys(url, { keys: Math.floor(bytes / valueBytes), valueBytes }, 2);
    await smallRequests(url, seconds / 2); // unmeasured: code is compiled
    const alone = { ...(await smallRequests(url, seconds)), lists: 0, peakBytes: peakBytes() };
    const [stopReader, stopWatcher] = [await heavyReader(url), await frozenWatcher(url)];
    const beside = await smallRequests(url, seconds);
    const lists = stopReader();
    stopWatcher();
    return [alone, { ...beside, lists, peakBytes: peakBytes() }];
  } finally {
    await cluster.stop();
    cluster.remove();
  }
}

export async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: "string", default: "3" },
      seconds: { type: "string", default: "4" },
      mib: { type: "string", default: "100" },
      dir: { type: "string", default: tmpdir() },
    },
  });
  const folder = mkdtempSync(join(values.dir, "flotilla-bench-"));
  const seconds = Number(values.seconds);
  const results: Record<Product, [Seen, Seen][]> = { flotilla: [], etcd: [] };
  try {
    for (let round = 1; round <= Number(values.rounds); round++) {
      const order: Product[] = round % 2 === 1 ? ["flotilla", "etcd"] : ["etcd", "flotilla"];
      for (const product of order) {
        const seen = await measure(product, folder, seconds, Number(values.mib) * 2 ** 20);
        results[product].push(seen);
        console.log(`round ${round} ${product.padEnd(8)} ${JSON.stringify(seen)}, load ${loadAverage()}`);
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const rows = (Object.keys(results) as Product[]).flatMap((product) =>
    ["alone", "beside the two"].map((when, i) => {
      const of = (get: (seen: Seen) => number) => median(results[product].map((both) => get(both[i] as Seen)));
      const latency = (get: (seen: Seen) => { medianMs: number; p99Ms: number }) =>
        `${of((seen) => get(seen).medianMs).toFixed(2)} / ${of((seen) => get(seen).p99Ms).toFixed(1)} ms`;
      return [
        `${product}, ${when}`,
        latency((seen) => seen.puts),
        latency((seen) => seen.reads),
        i === 0 ? "" : `${(of((seen) => seen.lists) / seconds).toFixed(1)}/s`,
        mebibytes(of((seen) => seen.peakBytes)),
      ];
    }),
  );
  console.log();
  console.log(markdownTable(["", "puts: p50 / p99", "reads: p50 / p99", "lists of everything", "peak memory"], rows));
}
