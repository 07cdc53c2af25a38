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

/** What a load gave, and how many of its calls had to be made again since the store was not available. */
export interface Written {
  readonly perSecond: number;
  readonly repeats: number;
}

/** Writes every key once, a hundred in a transaction. */
export async function fillKeys(url: string, { keys, valueBytes }: KeySpace, inFlight: number): Promise<Written> {
  const start = performance.now();
  const repeats = await closedLoop(url, inFlight, Math.ceil(keys / putsPerTxn), (connection, i, done) => {
    const first = i * putsPerTxn;
    const success = Array.from({ length: Math.min(putsPerTxn, keys - first) }, (_, n) => ({
      requestPut: { key: keyOf(first + n), value: windowOf(first + n, valueBytes) },
    }));
    connection.persistent(txnPath, prepared(TxnRequest.encode({ success })), done);
  });
  return { perSecond: (keys * 1000) / (performance.now() - start), repeats };
}

/** Puts of keys drawn at random. */
export async function putRandomKeys(
  url: string,
  { keys, valueBytes }: KeySpace,
  inFlight: number,
  count: number,
): Promise<Measured & Written> {
  const random = seededRandom(1);
  const latencies = new Latencies();
  const start = performance.now();
  const repeats = await closedLoop(url, inFlight, count, (connection, i, done) => {
    const sentMs = performance.now();
    connection.persistent(
      putPath,
      prepared(PutRequest.encode({ key: keyOf(random.below(keys)), value: windowOf(i, valueBytes) })),
      () => {
        latencies.add(performance.now() - sentMs);
        done();
      },
    );
  });
  const perSecond = (count * 1000) / (performance.now() - start);
  return { operations: count, perSecond, repeats, ...latencies.quantiles() };
}

/** Makes `count` requests, `inFlight` at a time. Returns how many calls had to be made again. */
async function closedLoop(
  url: string,
  inFlight: number,
  count: number,
  send: (connection: RawConnection, i: number, done: () => void) => void,
): Promise<number> {
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
    return connection.repeats;
  } finally {
    connection.close();
  }
}

/** What a client noticed. */
export interface Noticed {
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly longestMs: number;
  /** Puts that were answered, and those that were answered with a failure. */
  readonly count: number;
  readonly failed: number;
}

/** Small puts at a steady pace, whatever else goes on. */
export class Probe {
  readonly #connection: RawConnection;
  readonly #timer: NodeJS.Timeout;
  #latencies = new Latencies();
  #failed = 0;

  private constructor(connection: RawConnection, everyMs: number) {
    this.#connection = connection;
    const put = prepared(PutRequest.encode({ key: Buffer.from("probe"), value: Buffer.from("x") }));
    this.#timer = setInterval(() => {
      const sentMs = performance.now();
      const onAnswer = () => this.#latencies.add(performance.now() - sentMs);
      connection.unary(putPath, put, onAnswer, undefined, () => {
        this.#failed++;
      });
    }, everyMs);
  }

  static async start(url: string, everyMs: number, onFailure: (error: Error) => void): Promise<Probe> {
    return new Probe(await RawConnection.open(url, onFailure), everyMs);
  }

  /** Of what was answered since the last look. */
  look(): Noticed {
    const [latencies, failed] = [this.#latencies, this.#failed];
    this.#latencies = new Latencies();
    this.#failed = 0;
    if (latencies.count === 0)
      return { medianMs: Number.NaN, p99Ms: Number.NaN, longestMs: Number.NaN, count: 0, failed };
    return { ...latencies.quantiles(), longestMs: latencies.longestMs, count: latencies.count, failed };
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#connection.close();
  }
}
