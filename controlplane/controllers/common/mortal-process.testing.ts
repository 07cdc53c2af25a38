import { Deferred, type Random, seededRandom } from "../../../base/mod.ts";
import { type Client, sleep, type Transport, type TransportResponse } from "../../client/mod.ts";
import type { TestCluster } from "./cluster.testing.ts";

/** A process that dies after so many writes: from then on nothing of it reaches the server, and it hears nothing. */
export class MortalProcess implements Transport {
  readonly client: Client;
  /** Events are courtesy and do not count. */
  writesLeft = Number.POSITIVE_INFINITY;
  /** Told of every write that the server is about to see. */
  onWrite: (method: string, path: string) => void = () => undefined;
  readonly #cluster: TestCluster;
  readonly #random: Random;
  /** Watch events arrive up to so much later than they happen. */
  readonly #maxDelayMs: number;

  constructor(cluster: TestCluster, maxDelayMs = 0, seed = 1) {
    this.#cluster = cluster;
    this.#maxDelayMs = maxDelayMs;
    this.#random = seededRandom(seed);
    this.client = cluster.server.client({ transport: this, random: seededRandom(seed) });
  }

  get isDead(): boolean {
    return this.writesLeft <= 0;
  }

  async request(request: Parameters<Transport["request"]>[0]): Promise<TransportResponse> {
    const isWrite = request.method !== "GET" && !request.path.includes("/events");
    if (isWrite && this.isDead) throw new Error("this process is dead");
    if (isWrite) {
      this.writesLeft--;
      this.onWrite(request.method, request.path);
    }
    const response = await this.#cluster.server.request(request);
    const isWatch = request.path.includes("watch=true");
    return isWatch && this.#maxDelayMs > 0
      ? { ...response, body: this.#late(response.body, request.signal) }
      : response;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** In order, each at most so late as it may be. */
  async *#late(body: AsyncIterable<Uint8Array>, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const { clock } = this.#cluster;
    const waiting: { readonly frame: Uint8Array; readonly dueMs: number }[] = [];
    let arrived = new Deferred<void>();
    let ended = false;
    const receive = async () => {
      try {
        for await (const frame of body) {
          const delayMs = this.#random.below(4) === 0 ? this.#random.below(this.#maxDelayMs + 1) : 0;
          waiting.push({ frame, dueMs: clock.monotonic() + delayMs });
          arrived.resolve();
        }
      } finally {
        ended = true;
        arrived.resolve();
      }
    };
    const received = receive();
    // Heard when the frames before it are delivered, or not at all when the reader has left.
    received.catch(() => undefined);
    for (;;) {
      const next = waiting.shift();
      if (next === undefined) {
        if (ended) return received;
        await arrived.promise;
        arrived = new Deferred<void>();
        continue;
      }
      const delayMs = next.dueMs - clock.monotonic();
      if (delayMs > 0) await sleep(clock, delayMs, signal);
      yield next.frame;
    }
  }
}
