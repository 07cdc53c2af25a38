import { randomInt } from "node:crypto";
import type { Clock, Log } from "../../base/mod.ts";
import { aged, type CachedResponse, cacheable } from "./cached-response.ts";
import { ask, type Transport, type UpstreamAddress, upstreamAddress } from "./upstream.ts";

export interface ForwarderOptions {
  readonly upstream: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
  /** How long one server has for one answer. */
  readonly timeoutMs?: number;
}

/** Clients wait five seconds as a rule: two servers can be tried within that. */
const defaultTimeoutMs = 2_000;
const longestKeptMs = 30_000;
const mostKept = 4_096;
const mostUnderWay = 1_000;

/** Has other servers answer what is not the cluster's. Bytes pass as they are, so that records of any type do. */
export class Forwarder {
  readonly #servers: readonly UpstreamAddress[];
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #timeoutMs: number;
  /** By the whole query but its id: whoever asks in other words, or with other options, asks anew. Oldest first. */
  readonly #kept = new Map<string, CachedResponse>();
  readonly #stopping = new AbortController();
  #underWay = 0;

  constructor({ upstream, clock, log, timeoutMs = defaultTimeoutMs }: ForwarderOptions) {
    this.#servers = upstream.map(upstreamAddress);
    this.#clock = clock;
    this.#log = log;
    this.#timeoutMs = timeoutMs;
  }

  get hasServers(): boolean {
    return this.#servers.length > 0;
  }

  /** The response under the query's id; undefined when no server gives one in time. */
  async forward(query: Buffer, transport: Transport): Promise<Buffer | undefined> {
    const id = query.readUInt16BE(0);
    const key = `${transport}${query.toString("latin1", 2)}`;
    const kept = this.#kept.get(key);
    if (kept !== undefined && kept.expiresMs > this.#clock.now()) return aged(kept, id, this.#clock.now());
    if (this.#underWay >= mostUnderWay) return undefined;
    this.#underWay++;
    try {
      const response = await this.#ask(query, transport);
      if (response === undefined) return undefined;
      this.#keep(key, response);
      response.writeUInt16BE(id, 0);
      return response;
    } finally {
      this.#underWay--;
    }
  }

  stop(): void {
    this.#stopping.abort(new Error("the DNS server stops"));
  }

  async #ask(query: Buffer, transport: Transport): Promise<Buffer | undefined> {
    // Our own id: the client's may be guessable.
    const asked = Buffer.from(query);
    asked.writeUInt16BE(randomInt(0x1_0000), 0);
    for (const server of this.#servers) {
      const late = new AbortController();
      const timer = this.#clock.after(this.#timeoutMs, () => late.abort(new Error("no answer in time")));
      try {
        const response = await ask(server, asked, transport, AbortSignal.any([late.signal, this.#stopping.signal]));
        return Buffer.from(response);
      } catch (error) {
        if (this.#stopping.signal.aborted) return undefined;
        const { message } = error as Error;
        this.#log("debug", "a server does not answer", { server: `${server.host}:${server.port}`, error: message });
      } finally {
        timer.cancel();
      }
    }
    return undefined;
  }

  #keep(key: string, response: Buffer): void {
    this.#kept.delete(key);
    const entry = cacheable(Buffer.from(response), this.#clock.now(), longestKeptMs);
    if (entry === undefined) return;
    this.#kept.set(key, entry);
    if (this.#kept.size <= mostKept) return;
    const [oldest] = this.#kept.keys();
    if (oldest !== undefined) this.#kept.delete(oldest);
  }
}
