import { randomBytes } from "node:crypto";
import { seededRandom } from "../base/mod.ts";
import { PutRequest, TxnRequest } from "../proto/mod.ts";
import { Latencies, type Measured } from "./latencies.ts";
import { prepared, RawConnection } from "./raw-client.ts";

export interface KeySpace {
  readonly keys: number;
  readonly valueBytes: number;
}

const putPath = "/etcdserverpb.KV/Put";
const txnPath = "/etcdserverpb.KV/Txn";
const putsPerTxn = 100;

export function keyOf(i: number): Uint8Array {
  return Buffer.from(`/registry/scale/namespace-${i % 100}/object-${String(i).padStart(8, "0")}`);
}

/** What a disk cannot compress, and no two the same, without drawing each byte: a window on a few megabytes of chance. */
function windowOf(i: number, bytes: number): Uint8Array {
  const start = (i * 8191) % (noise.length - bytes);
  return noise.subarray(start, start + bytes);
}

const noise = randomBytes(4 << 20);

/** Writes every key once, a hundred in a transaction. `onProgress` hears of keys written. Returns keys per second. */
export async function fillKeys(url: string, { keys, valueBytes }: KeySpace, inFlight: number): Promise<number> {
  const start = performance.now();
  await closedLoop(url, inFlight, Math.ceil(keys / putsPerTxn), (connection, i, done) => {
    const first = i * putsPerTxn;
    const success = Array.from({ length: Math.min(putsPerTxn, keys - first) }, (_, n) => ({
      requestPut: { key: keyOf(first + n), value: windowOf(first + n, valueBytes) },
    }));
    connection.unary(txnPath, prepared(TxnRequest.encode({ success })), done);
  });
  return (keys * 1000) / (performance.now() - start);
}

/** Puts of keys drawn at random. */
export async function putRandomKeys(
  url: string,
  { keys, valueBytes }: KeySpace,
  inFlight: number,
  count: number,
): Promise<Measured> {
  const random = seededRandom(1);
  const latencies = new Latencies();
  const start = performance.now();
  await closedLoop(url, inFlight, count, (connection, i, done) => {
    const sentMs = performance.now();
    connection.unary(
      putPath,
      prepared(PutRequest.encode({ key: keyOf(random.below(keys)), value: windowOf(i, valueBytes) })),
      () => {
        latencies.add(performance.now() - sentMs);
        done();
      },
    );
  });
  const perSecond = (count * 1000) / (performance.now() - start);
  return { operations: count, perSecond, ...latencies.quantiles() };
}

/** Makes `count` requests, `inFlight` at a time. */
async function closedLoop(
  url: string,
  inFlight: number,
  count: number,
  send: (connection: RawConnection, i: number, done: () => void) => void,
): Promise<void> {
  const failed = Promise.withResolvers<never>();
  const connection = await RawConnection.open(url, failed.reject);
  try {
    let sent = 0;
    let answered = 0;
    const finished = new Promise<void>((resolve) => {
      const next = () => {
        if (sent < count) {
          send(connection, sent++, () => {
            if (++answered === count) resolve();
            else next();
          });
        }
      };
      for (let i = 0; i < inFlight; i++) next();
    });
    await Promise.race([finished, failed.promise]);
  } finally {
    connection.close();
  }
}

/** Small puts at a steady pace, whatever else goes on: what a client notices. */
export class Probe {
  readonly #connection: RawConnection;
  readonly #timer: NodeJS.Timeout;
  #latencies = new Latencies();

  private constructor(connection: RawConnection, everyMs: number) {
    this.#connection = connection;
    const put = prepared(PutRequest.encode({ key: Buffer.from("probe"), value: Buffer.from("x") }));
    this.#timer = setInterval(() => {
      const sentMs = performance.now();
      connection.unary(putPath, put, () => this.#latencies.add(performance.now() - sentMs));
    }, everyMs);
  }

  static async start(url: string, everyMs: number, onFailure: (error: Error) => void): Promise<Probe> {
    return new Probe(await RawConnection.open(url, onFailure), everyMs);
  }

  /** Of what was answered since the last look. */
  look(): { readonly medianMs: number; readonly p99Ms: number; readonly longestMs: number; readonly count: number } {
    const latencies = this.#latencies;
    this.#latencies = new Latencies();
    if (latencies.count === 0) return { medianMs: Number.NaN, p99Ms: Number.NaN, longestMs: Number.NaN, count: 0 };
    return { ...latencies.quantiles(), longestMs: latencies.longestMs, count: latencies.count };
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#connection.close();
  }
}
