// Events on their way from a writer to watchers. The value of each put begins with the time it was sent.
import { PutRequest, TxnRequest, WatchRequest, WatchResponse } from "../proto/mod.ts";
import { Latencies, type Measured } from "./latencies.ts";
import { prepared, RawConnection } from "./raw-client.ts";

export interface WatchLoad {
  readonly watchers: number;
  readonly connections: number;
  readonly seconds: number;
  /** Undefined: one writer puts, one put after the other. Else so many events per second are written, ten in a transaction,
   * whether or not the store keeps up. */
  readonly eventsPerSecond?: number;
}

const prefix = Buffer.from("watched/");
const prefixEnd = Buffer.from("watched0");
const valueBytes = 100;
const putsPerTxn = 10;
const tickMs = 10;
/** Decoding everything would make the generator the bottleneck: of so many messages, one is looked at for its delay. */
const sampleEvery = 16;
const patienceMs = 60_000;

/** Measures events delivered per second, until the last watcher has the last of them, and their delays. */
export async function runWatchLoad(url: string, load: WatchLoad): Promise<Measured> {
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);
  const connections: RawConnection[] = [];
  const open = async () => {
    const connection = await RawConnection.open(url, failed.reject);
    connections.push(connection);
    return connection;
  };
  try {
    const watchers = new Watchers();
    const perConnection = load.watchers / load.connections;
    for (let i = 0; i < load.connections; i++) watchers.open(await open(), perConnection);
    await Promise.race([watchers.reached(() => watchers.created === load.watchers), failed.promise]);
    const writer = await open();
    const start = performance.now();
    const write = load.eventsPerSecond === undefined ? putOneByOne(writer, load.seconds) : putAtRate(writer, load);
    const written = await Promise.race([write, failed.promise]);
    const expected = written * load.watchers;
    await Promise.race([watchers.reached(() => watchers.events === expected), failed.promise]);
    const operations = watchers.events;
    return { operations, perSecond: (operations * 1000) / (watchers.lastMs - start), ...watchers.delays.quantiles() };
  } finally {
    for (const connection of connections) connection.close();
  }
}

/** Watches of single keys, all over one stream; what they hear is not looked at. */
export function openWatchers(connection: RawConnection, keys: readonly Uint8Array[]): void {
  const send = connection.stream("/etcdserverpb.Watch/Watch", () => undefined);
  for (const key of keys) send(prepared(WatchRequest.encode({ createRequest: { key } })));
}

class Watchers {
  created = 0;
  events = 0;
  lastMs = 0;
  readonly delays = new Latencies();
  #messages = 0;

  /** All over one stream, as a Kubernetes API server or a Go client holds them. */
  open(connection: RawConnection, count: number): void {
    const send = connection.stream("/etcdserverpb.Watch/Watch", (bytes, start, end) =>
      this.#message(bytes, start, end),
    );
    const create = WatchRequest.encode({ createRequest: { key: prefix, rangeEnd: prefixEnd } });
    for (let i = 0; i < count; i++) send(prepared(create));
  }

  async reached(condition: () => boolean): Promise<void> {
    const deadline = performance.now() + patienceMs;
    while (!condition()) {
      if (performance.now() > deadline) throw new Error(`the watchers have ${this.events} events, and no more come`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  #message(bytes: Uint8Array, start: number, end: number): void {
    const events = countEvents(bytes, start, end);
    if (events === 0) {
      if (WatchResponse.decodeRange(bytes, start, end).created) this.created++;
      return;
    }
    this.events += events;
    this.lastMs = performance.now();
    if (this.#messages++ % sampleEvery > 0) return;
    for (const { kv } of WatchResponse.decodeRange(bytes, start, end).events) {
      const value = kv?.value as Uint8Array;
      this.delays.add(this.lastMs - new DataView(value.buffer, value.byteOffset).getFloat64(0));
    }
  }
}

/** Fields of a WatchResponse with the number of `events`, without decoding them. */
function countEvents(bytes: Uint8Array, start: number, end: number): number {
  let count = 0;
  for (let at = start; at < end; ) {
    const tag = bytes[at++] as number;
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] as number;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    if (tag === 0x5a) count++;
    if ((tag & 7) === 2) at += value;
  }
  return count;
}

function put(i: number) {
  const value = new Uint8Array(valueBytes);
  new DataView(value.buffer).setFloat64(0, performance.now());
  return { key: Buffer.from(`watched/${i % 1000}`), value };
}

/** Returns how many. */
function putOneByOne(connection: RawConnection, seconds: number): Promise<number> {
  const until = performance.now() + seconds * 1000;
  return new Promise((resolve) => {
    let count = 0;
    const next = () => {
      if (performance.now() >= until) {
        resolve(count);
        return;
      }
      connection.unary("/etcdserverpb.KV/Put", prepared(PutRequest.encode(put(count++))), () => next());
    };
    next();
  });
}

function putAtRate(connection: RawConnection, { seconds, eventsPerSecond = 0 }: WatchLoad): Promise<number> {
  const total = Math.round((seconds * eventsPerSecond) / putsPerTxn);
  const start = performance.now();
  return new Promise((resolve) => {
    let sent = 0;
    let answered = 0;
    const answer = () => {
      if (++answered === total) resolve(total * putsPerTxn);
    };
    const ticker = setInterval(() => {
      const due = Math.min(total, ((performance.now() - start) / 1000) * (eventsPerSecond / putsPerTxn));
      for (; sent < due; sent++) {
        const success = Array.from({ length: putsPerTxn }, (_, i) => ({ requestPut: put(sent * putsPerTxn + i) }));
        connection.unary("/etcdserverpb.KV/Txn", prepared(TxnRequest.encode({ success })), answer);
      }
      if (sent === total) clearInterval(ticker);
    }, tickMs);
  });
}
