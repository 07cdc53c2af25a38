import type { Timer } from "../../base/mod.ts";
import { type LeaseKeepAliveResponse, LeaseService, Status } from "../../proto/mod.ts";
import type { ClientCall, Outcome } from "./call.ts";
import type { Channel } from "./channel.ts";
import type { CallConnection } from "./connection.ts";
import { EtcdError } from "./error.ts";
import { backoffMs, errorOf, mayResume, wantsNewToken } from "./retry.ts";
import { serverStream } from "./server-stream.ts";
import type { CallOptions, KeepAlive, KeepAliveListener, LeaseClient } from "./types.ts";

const { leaseGrant, leaseRevoke, leaseTimeToLive, leaseLeases, leaseKeepAlive } = LeaseService.methods;

/** Until the server has told a lease's TTL, this long without an answer is taken for its loss. */
const unknownTtlMs = 10_000;

/** Tokens in a row: users may change again while leases are renewed, but not for ever. */
const maxRefusals = 3;

interface Renewal {
  readonly id: bigint;
  readonly listener: KeepAliveListener;
  /** When the lease ends if it is not renewed, by our clock. */
  deadlineMs: number;
  timer: Timer | undefined;
}

export class LeaseRenewals implements LeaseClient {
  readonly #channel: Channel;
  /** By lease; more than one may keep the same lease alive. */
  readonly #renewals = new Map<bigint, Set<Renewal>>();
  #connection: CallConnection | undefined;
  #call: ClientCall | undefined;
  /** As whom the stream was begun. */
  #session: unknown;
  #connecting = false;
  #attempts = 0;
  /** Tokens refused since a lease was last renewed. */
  #refusals = 0;
  #retry: Timer | undefined;

  constructor(channel: Channel) {
    this.#channel = channel;
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
    if (this.#call === undefined) this.#connect();
    else this.#renew(id);
    return { close: () => this.#forget(renewal) };
  }

  stop(): void {
    for (const renewals of this.#renewals.values()) for (const renewal of renewals) renewal.timer?.cancel();
    this.#renewals.clear();
    this.#endStream();
  }

  #nowMs(): number {
    return this.#channel.clock.monotonic();
  }

  #renew(id: bigint): void {
    if (this.#call !== undefined) this.#connection?.send(this.#call, { id });
  }

  #forget(renewal: Renewal): void {
    renewal.timer?.cancel();
    const renewals = this.#renewals.get(renewal.id);
    if (renewals?.delete(renewal) !== true || renewals.size > 0) return;
    this.#renewals.delete(renewal.id);
    if (this.#renewals.size === 0) this.#endStream();
  }

  #endStream(): void {
    this.#retry?.cancel();
    if (this.#call !== undefined) this.#connection?.cancel(this.#call);
    this.#call = undefined;
  }

  #connect(): void {
    if (this.#connecting || this.#renewals.size === 0 || this.#channel.closed) return;
    this.#connecting = true;
    this.#channel.connection().then(
      (connection) => {
        this.#connecting = false;
        this.#begin(connection);
      },
      (error: EtcdError) => {
        this.#connecting = false;
        this.#broken({ code: error.code, message: error.message, unprocessed: true });
      },
    );
  }

  #begin(connection: CallConnection): void {
    if (this.#renewals.size === 0) return;
    this.#connection = connection;
    this.#session = this.#channel.session;
    const call: ClientCall<LeaseKeepAliveResponse> = connection.start(leaseKeepAlive, undefined, {
      message: (response) => this.#renewed(response),
      end: (outcome) => {
        if (this.#call !== call) return;
        if (mayResume(outcome, this.#channel.hasOthers)) this.#channel.avoid(connection);
        this.#broken(outcome);
      },
    });
    this.#call = call;
    for (const id of this.#renewals.keys()) this.#renew(id);
  }

  #broken(outcome: Outcome): void {
    this.#call = undefined;
    const error = errorOf(outcome, false);
    const login = wantsNewToken(error) && this.#refusals++ < maxRefusals && this.#channel.forgetToken(this.#session);
    if (!mayResume(outcome, this.#channel.hasOthers) && !login) {
      for (const id of [...this.#renewals.keys()]) this.#lost(id, error);
      return;
    }
    this.#retry = this.#channel.clock.after(backoffMs(this.#attempts++, this.#channel.random), () => this.#connect());
  }

  #renewed({ id, ttl }: LeaseKeepAliveResponse): void {
    this.#attempts = 0;
    this.#refusals = 0;
    if (ttl <= 0) {
      this.#lost(id, leaseNotFound());
      return;
    }
    for (const renewal of this.#renewals.get(id) ?? []) {
      renewal.deadlineMs = this.#nowMs() + ttl * 1000;
      renewal.timer?.cancel();
      renewal.timer = this.#channel.clock.after((ttl * 1000) / 3, () => {
        this.#renew(id);
        this.#watchDeadline(renewal);
      });
      renewal.listener.onRenewed?.(ttl);
    }
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
