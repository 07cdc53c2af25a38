import type { Timer } from "../../base/mod.ts";
import { type LeaseKeepAliveRequest, type LeaseKeepAliveResponse, LeaseService, Status } from "../../proto/mod.ts";
import type { Channel } from "./channel.ts";
import { EtcdError } from "./error.ts";
import { ResumedStream, type StreamOwner } from "./resumed-stream.ts";
import { serverStream } from "./server-stream.ts";
import type { CallOptions, KeepAlive, KeepAliveListener, LeaseClient } from "./types.ts";

const { leaseGrant, leaseRevoke, leaseTimeToLive, leaseLeases, leaseKeepAlive } = LeaseService.methods;

/** Until the server has told a lease's TTL, this long without an answer is taken for its loss. */
const unknownTtlMs = 10_000;

interface Renewal {
  readonly id: bigint;
  readonly listener: KeepAliveListener;
  /** When the lease ends if it is not renewed, by our clock. */
  deadlineMs: number;
  timer: Timer | undefined;
}

/** All renewals of a client, on one stream. */
export class LeaseRenewals implements LeaseClient, StreamOwner<LeaseKeepAliveResponse> {
  readonly #channel: Channel;
  /** By lease; more than one may keep the same lease alive. */
  readonly #renewals = new Map<bigint, Set<Renewal>>();
  readonly #stream: ResumedStream<LeaseKeepAliveRequest, LeaseKeepAliveResponse>;

  constructor(channel: Channel) {
    this.#channel = channel;
    this.#stream = new ResumedStream(channel, leaseKeepAlive, this);
  }

  grant(ttl: number, id = 0n, options?: CallOptions) {
    return this.#channel.unary(leaseGrant, { ttl, id }, { ...options, isWrite: true });
  }

  revoke(id: bigint, options?: CallOptions) {
    return this.#channel.unary(leaseRevoke, { id }, { ...options, isWrite: true });
  }

  timeToLive(id: bigint, { keys = false }: { readonly keys?: boolean } = {}, options?: CallOptions) {
    return this.#channel.unary(leaseTimeToLive, { id, keys }, { ...options, isWrite: false });
  }

  leases(options?: CallOptions) {
    return this.#channel.unary(leaseLeases, {}, { ...options, isWrite: false });
  }

  /** Rejects with LeaseNotFound if the lease is gone, which the server says with a TTL of 0. */
  async keepAliveOnce(id: bigint, options: CallOptions = {}): Promise<LeaseKeepAliveResponse> {
    for await (const response of serverStream(this.#channel, { ...leaseKeepAlive, kind: "unary" }, { id }, options)) {
      if (response.ttl <= 0) throw leaseNotFound();
      return response;
    }
    throw new EtcdError(Status.Internal, "the server sent no response");
  }

  keepAlive(id: bigint, listener: KeepAliveListener = {}): KeepAlive {
    const renewal: Renewal = { id, listener, deadlineMs: this.#nowMs() + unknownTtlMs, timer: undefined };
    const others = this.#renewals.get(id);
    if (others === undefined) this.#renewals.set(id, new Set([renewal]));
    else others.add(renewal);
    this.#watchDeadline(renewal);
    if (this.#stream.isOpen) this.#stream.send({ id });
    else this.#stream.connect();
    return { close: () => this.#forget(renewal) };
  }

  stop(): void {
    for (const renewals of this.#renewals.values()) for (const renewal of renewals) renewal.timer?.cancel();
    this.#renewals.clear();
    this.#stream.end();
  }

  // What the stream asks and tells.

  get wantsStream(): boolean {
    return this.#renewals.size > 0;
  }

  begun(): void {
    for (const id of this.#renewals.keys()) this.#stream.send({ id });
  }

  received({ id, ttl }: LeaseKeepAliveResponse): void {
    this.#stream.served();
    if (ttl <= 0) {
      this.#lost(id, leaseNotFound());
      return;
    }
    for (const renewal of this.#renewals.get(id) ?? []) {
      renewal.deadlineMs = this.#nowMs() + ttl * 1000;
      renewal.timer?.cancel();
      renewal.timer = this.#channel.clock.after((ttl * 1000) / 3, () => {
        this.#stream.send({ id });
        this.#watchDeadline(renewal);
      });
      renewal.listener.onRenewed?.(ttl);
    }
  }

  failed(error: EtcdError): void {
    for (const id of [...this.#renewals.keys()]) this.#lost(id, error);
  }

  #nowMs(): number {
    return this.#channel.clock.monotonic();
  }

  #forget(renewal: Renewal): void {
    renewal.timer?.cancel();
    const renewals = this.#renewals.get(renewal.id);
    if (renewals?.delete(renewal) !== true || renewals.size > 0) return;
    this.#renewals.delete(renewal.id);
    if (this.#renewals.size === 0) this.#stream.end();
  }

  /** From a renewal's request until its answer. */
  #watchDeadline(renewal: Renewal): void {
    const leftMs = Math.max(0, renewal.deadlineMs - this.#nowMs());
    renewal.timer = this.#channel.clock.after(leftMs, () =>
      this.#lost(renewal.id, new EtcdError(Status.Unavailable, "no member renewed the lease for as long as its TTL")),
    );
  }

  #lost(id: bigint, error: EtcdError): void {
    const renewals = [...(this.#renewals.get(id) ?? [])];
    for (const renewal of renewals) this.#forget(renewal);
    for (const renewal of renewals) renewal.listener.onLost?.(error);
  }
}

function leaseNotFound(): EtcdError {
  return new EtcdError(Status.NotFound, "etcdserver: requested lease not found");
}
