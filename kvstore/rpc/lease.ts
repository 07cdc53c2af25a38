import { type Clock, pause } from "../../base/mod.ts";
import {
  type EtcdErrorName,
  type LeaseGrantRequest,
  type LeaseKeepAliveResponse,
  type LeaseRevokeRequest,
  LeaseService,
  type LeaseTimeToLiveRequest,
  type ResponseHeader,
} from "../../proto/mod.ts";
import type { Caller } from "../auth/mod.ts";
import { failpoints } from "../failpoint/mod.ts";
import type { Lessor, TimeToLive } from "../lease/mod.ts";
import {
  type Failure,
  fail,
  fromByteString,
  type HeaderAnswer,
  isFailure,
  type LeaseGrantAnswer,
} from "../mvcc/mod.ts";
import type { Access } from "./access.ts";
import { failCallWith } from "./answer.ts";
import { failureToRpcError } from "./errors.ts";
import { type BidiCall, type Implementation, implement } from "./grpc/mod.ts";

/** How the leader is asked for what only it knows. `NotPrimary`: whoever was asked does not lead (any more). */
export interface LeaderLeases {
  renew(id: bigint): Promise<{ readonly ttl: number } | Failure<EtcdErrorName | "NotPrimary">>;
  timeToLive(id: bigint): Promise<TimeToLive | Failure<EtcdErrorName | "NotPrimary">>;
}

export interface LeaseServiceOptions {
  /** The current one: a snapshot brings another. */
  readonly lessor: () => Lessor;
  readonly clock: Clock;
  /** With the store's current revision. */
  readonly header: () => ResponseHeader;
  /** A positive number of 63 bits, for a client that leaves the choice to the server. */
  readonly drawLeaseId: () => bigint;
  readonly propose: {
    grant(request: LeaseGrantRequest, caller?: Caller): Promise<LeaseGrantAnswer | Failure<EtcdErrorName>>;
    revoke(request: LeaseRevokeRequest, caller?: Caller): Promise<HeaderAnswer | Failure<EtcdErrorName>>;
  };
  /** Whether this member, which thinks it leads, still does and has applied all that was committed before. A primary that
   * was paused while another took over must not renew what that one may have revoked. */
  readonly confirmLeadership: () => Promise<boolean>;
  readonly leader: LeaderLeases;
  /** Who calls, and whether they may; what it throws is the answer. Absent: everybody may. */
  readonly access?: Pick<Access, "caller" | "renewal" | "readLeases" | "readKeys">;
  /** After this the leader is given up on. etcd's is 5 s and two election timeouts. */
  readonly requestTimeoutMs: number;
}

/** While there is no leader, or a new one does not know it yet. */
const retryMs = 50;

/** This member's share of `LeaderLeases`: what it answers to its own clients and to members that think it leads. */
export function localLeases({
  lessor,
  confirmLeadership,
}: Pick<LeaseServiceOptions, "lessor" | "confirmLeadership">): LeaderLeases {
  const mayAnswer = async () => lessor().isPrimary && (await confirmLeadership());
  return {
    renew: async (id) => ((await mayAnswer()) ? lessor().renew(id) : fail("NotPrimary")),
    timeToLive: async (id) => ((await mayAnswer()) ? lessor().timeToLive(id) : fail("NotPrimary")),
  };
}

/** The Lease service. Grants and revocations go through the log; renewals and remaining times are the leader's alone. */
export function leaseService(options: LeaseServiceOptions): Implementation {
  const { lessor, header, drawLeaseId, propose, access } = options;
  const local = localLeases(options);
  const filled = (answer: HeaderAnswer) => ({ ...header(), ...answer.header });

  async function timeToLive({ id, keys }: LeaseTimeToLiveRequest) {
    if (failpoints.armed) await failpoints.pause("beforeLookupWhenLeaseTimeToLive");
    const found = await askPrimary(options, (leases) => leases.timeToLive(id), local);
    if (isFailure(found)) {
      if (found.failure !== "LeaseNotFound") throw failureToRpcError(found);
      return { header: header(), id, ttl: -1, keys: [] };
    }
    const attached = keys ? found.keys.map(fromByteString) : [];
    return { header: header(), id, ttl: found.ttl, grantedTTL: found.grantedTtl, keys: attached };
  }

  return implement(LeaseService, {
    async leaseGrant(request, call) {
      const id = request.id === 0n ? drawLeaseId() : request.id;
      const granted = await propose.grant({ ttl: request.ttl, id }, access?.caller(call));
      if (isFailure(granted)) throw failureToRpcError(granted);
      call.reply({ header: filled(granted), id: granted.id, ttl: granted.ttl });
    },
    async leaseRevoke(request, call) {
      const revoked = await propose.revoke(request, access?.caller(call));
      if (isFailure(revoked)) throw failureToRpcError(revoked);
      call.reply({ header: filled(revoked) });
    },
    async leaseTimeToLive(request, call) {
      if (request.keys) access?.readLeases(call, [request.id]);
      const found = await timeToLive(request);
      // The leader may know keys that this member has yet to hear of; and rights may have changed meanwhile.
      if (request.keys) access?.readKeys(call, found.keys);
      call.reply(found);
    },
    leaseLeases(_, call) {
      const leases = lessor().leases();
      access?.readLeases(call, leases);
      call.reply({ header: header(), leases: leases.map((id) => ({ id })) });
    },
    leaseKeepAlive(call) {
      const renewals = new Renewals(call, options, local);
      return {
        message: ({ id }) => renewals.add(id),
        end: () => renewals.end(),
      };
    },
  });
}

/** One client's keep-alives, answered in order. Those that came together are asked for together, so that the leader has to be
 * sure of its leadership but once. */
class Renewals {
  readonly #call: BidiCall<LeaseKeepAliveResponse>;
  readonly #options: LeaseServiceOptions;
  readonly #local: LeaderLeases;
  #waiting: bigint[] = [];
  #running = false;
  #ending = false;

  constructor(call: BidiCall<LeaseKeepAliveResponse>, options: LeaseServiceOptions, local: LeaderLeases) {
    this.#call = call;
    this.#options = options;
    this.#local = local;
  }

  add(id: bigint): void {
    this.#waiting.push(id);
    if (this.#waiting.length === maxWaiting) this.#call.pause();
    if (!this.#running) this.#run().catch((error: unknown) => failCallWith(this.#call, error));
  }

  end(): void {
    this.#ending = true;
    if (!this.#running) this.#call.end();
  }

  async #run(): Promise<void> {
    this.#running = true;
    await undefined; // what else this turn of the event loop brings
    while (this.#waiting.length > 0 && !this.#call.cancelled) {
      const ids = this.#waiting;
      this.#waiting = [];
      if (ids.length >= maxWaiting) this.#call.resume();
      await this.#renew(ids);
    }
    this.#running = false;
    if (this.#ending) this.#call.end();
  }

  async #renew(ids: readonly bigint[]): Promise<void> {
    // Made before the renewal: whoever sees the lease's keys deleted at a later revision knows that this came first.
    const header = this.#options.header();
    const refused = this.#firstRefused(ids);
    const asked = ids
      .slice(0, refused?.at)
      .map((id) => askPrimary(this.#options, (leases) => leases.renew(id), this.#local));
    for (const [i, renewed] of (await Promise.all(asked)).entries()) {
      const id = ids[i] as bigint;
      if (!isFailure(renewed)) this.#call.write({ header, id, ttl: renewed.ttl });
      else if (renewed.failure === "LeaseNotFound") this.#call.write({ header, id, ttl: 0 });
      else throw failureToRpcError(renewed);
    }
    if (refused !== undefined) throw failureToRpcError(refused.failure);
  }

  /** Ends the stream, but only after those before it are answered. */
  #firstRefused(ids: readonly bigint[]) {
    for (const [at, id] of ids.entries()) {
      const failure = this.#options.access?.renewal(this.#call, id);
      if (failure !== undefined) return { at, failure };
    }
    return undefined;
  }
}

const maxWaiting = 1000;

/** Asks this member if it is the primary, else the leader, until one of them knows or the time is over. */
async function askPrimary<T extends object>(
  { lessor, clock, leader, requestTimeoutMs }: LeaseServiceOptions,
  ask: (leases: LeaderLeases) => Promise<T | Failure<EtcdErrorName | "NotPrimary">>,
  local: LeaderLeases,
): Promise<T | Failure<EtcdErrorName>> {
  const untilMs = clock.monotonic() + requestTimeoutMs;
  for (;;) {
    const answer = await ask(lessor().isPrimary ? local : leader);
    if (!isFailure(answer)) return answer;
    if (answer.failure !== "NotPrimary") return answer as Failure<EtcdErrorName>;
    if (clock.monotonic() >= untilMs) return fail("Timeout");
    await pause(clock, retryMs);
  }
}
