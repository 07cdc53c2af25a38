import { setTimeout as delay } from "node:timers/promises";
import { type Random, seededRandom, toUtf8 } from "../../../base/mod.ts";
import { type ClientTlsOptions, connect, type EtcdClient, EtcdError } from "../../../kvstore/client/mod.ts";
import type { History, Write } from "./history.ts";

export interface LoadOptions {
  readonly history: History;
  readonly endpoints: readonly string[];
  readonly tls?: ClientTlsOptions;
  readonly seed: number;
  readonly writers?: number;
  readonly timeoutMs?: number;
  /** Longest pause of a writer between two requests. */
  readonly pauseMs?: number;
  onFailure?(failure: FailedRequest): void;
}

/** Times as `performance.now()` has them. */
export interface FailedRequest {
  readonly sentAt: number;
  readonly failedAt: number;
  readonly message: string;
}

const keyCount = 40;

/**
 * Writers that put, transact and delete on the same few keys, each one request after the other, through whatever member is there. Every writer has a
 * connection of its own, so that different members serve them.
 */
export class Load {
  readonly #options: LoadOptions;
  readonly #history: History;
  readonly #running: Promise<void>[];
  #stopped = false;
  /** While set, nobody sends. */
  #gate: { readonly opened: Promise<void>; open(): void } | undefined;
  /** Of each writer the request that it sent last. */
  readonly #sent: Promise<boolean>[] = [];
  #clients: EtcdClient[];

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#history = options.history;
    const writers = options.writers ?? 12;
    this.#clients = this.#connect(options.endpoints, options.tls, writers);
    this.#running = this.#clients.map((_, at) => this.#write(at, seededRandom(options.seed + at)));
  }

  #connect(endpoints: readonly string[], tls: ClientTlsOptions | undefined, writers: number): EtcdClient[] {
    return Array.from({ length: writers }, () => connect({ endpoints, ...(tls && { tls }), dialTimeoutMs: 1000 }));
  }

  /** From now on requests go there. Resolves when those under way have ended where they were. */
  async use(endpoints: readonly string[], tls = this.#options.tls): Promise<void> {
    const old = this.#clients;
    this.#clients = this.#connect(endpoints, tls, old.length);
    await Promise.all(this.#sent);
    await Promise.all(old.map((client) => client.close()));
  }

  /** Resolves when nothing is under way any more. */
  async pause(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate ??= { opened: promise, open: resolve };
    await Promise.all(this.#sent);
  }

  resume(): void {
    this.#gate?.open();
    this.#gate = undefined;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.resume();
    await Promise.all(this.#running);
    await Promise.all(this.#clients.map((client) => client.close()));
  }

  /** Resolves when so many more requests were acknowledged, or the time is over. */
  async acknowledged(more: number, timeoutMs = 20_000): Promise<void> {
    const wanted = this.#history.acknowledged + more;
    const until = performance.now() + timeoutMs;
    while (this.#history.acknowledged < wanted && performance.now() < until) await delay(5);
  }

  async #write(at: number, random: Random): Promise<void> {
    for (let count = 0; !this.#stopped; count++) {
      await this.#gate?.opened;
      if (this.#stopped) break;
      const sent = this.#one(this.#clients[at] as EtcdClient, `${at}.${count}`, random);
      this.#sent[at] = sent;
      const failed = await sent;
      await delay(failed ? 20 : random.below(this.#options.pauseMs ?? 25));
    }
  }

  async #one(client: EtcdClient, value: string, random: Random): Promise<boolean> {
    const first = random.below(keyCount);
    const dice = random.below(20);
    // Of a transaction the keys differ.
    const other = (first + 1 + random.below(keyCount - 1)) % keyCount;
    const keys = (dice < 3 ? [first, other] : [first]).map((key) => `soak/${String(key).padStart(2, "0")}`);
    const write = this.#history.send(dice === 19 ? "delete" : "put", keys, value, performance.now());
    try {
      this.#history.done(write, await this.#send(client, write), performance.now());
      return false;
    } catch (error) {
      if (!(error instanceof EtcdError)) throw error;
      this.#history.failed(write, error.maybeApplied);
      this.#options.onFailure?.({ sentAt: write.sentAt, failedAt: performance.now(), message: error.message });
      return true;
    }
  }

  /** The revision at which it happened; undefined for a deletion of nothing. */
  async #send({ kv }: EtcdClient, { kind, keys, value }: Write): Promise<number | undefined> {
    const options = { timeoutMs: this.#options.timeoutMs ?? 2000 };
    const [key = new Uint8Array(), ...more] = keys.map(toUtf8);
    if (kind === "delete") {
      const { deleted, header } = await kv.deleteRange({ key }, options);
      return Number(deleted) === 0 ? undefined : header?.revision;
    }
    if (more.length === 0) return (await kv.put({ key, value: toUtf8(value) }, options)).header?.revision;
    const success = [key, ...more].map((one) => ({ requestPut: { key: one, value: toUtf8(value) } }));
    return (await kv.txn({ compare: [], success, failure: [] }, options)).header?.revision;
  }
}
