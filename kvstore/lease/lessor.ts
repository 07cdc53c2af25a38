import { assert, type Clock, type Timer } from "../../base/mod.ts";
import { leasepb } from "../../proto/mod.ts";
import { failpoints } from "../failpoint/mod.ts";
import type { MemberMetrics } from "../metrics/mod.ts";
import type { Backend } from "../mvcc/backend.ts";
import { type ByteString, sliceToByteString } from "../mvcc/byte-string.ts";
import { type Failure, fail } from "../mvcc/failure.ts";
import type { LeaseItems } from "../mvcc/store.ts";
import { Alarm, ExpiryQueue } from "./expiry.ts";
import type { Lease } from "./lease.ts";
import { Spread } from "./spread.ts";

/** Longest TTL that can be granted, in seconds: about 285 years. */
const maxTtl = 9_000_000_000;
const scanIntervalMs = 500;
/** Leases revoked per second at most; a scan takes half of them. */
const revokeRate = 1000;
/** Leases whose time a new primary starts in one go: about 2 ms. */
const startsInOneGo = 2000;
const revokesInFlight = 16;
/** How long after a revocation was asked for it is asked for again. */
const retryMs = 3000;
const checkpointsPerProposal = 1000;
/** What is left of a lease is told when it was not renewed for half of that, or for this long, whatever is longer. */
const minCheckpointMs = 30_000;

export interface LessorOptions {
  readonly backend: Backend;
  readonly clock: Clock;
  readonly metrics: Pick<MemberMetrics, "leasesGranted" | "leasesRevoked" | "leasesRenewed" | "leaseTtls">;
  /** Shorter TTLs are raised to this, in seconds: 1.5 election timeouts, rounded up. */
  readonly minTtl: number;
  /** What is left of a lease that nobody renews is told to the other members at least this often. Default 5 minutes. */
  readonly checkpointIntervalMs?: number;
}

/**
 * How the primary gets its decisions into the log: as the leader it is, never by way of another one. Each promise resolves
 * when the proposal was applied here, and rejects when nobody knows whether it will be.
 */
export interface Proposer {
  revoke(id: bigint): Promise<unknown>;
  /** `remainingTTL` in seconds; 0: the lease was renewed, and is as long as it was granted. */
  checkpoint(checkpoints: readonly { readonly id: bigint; readonly remainingTTL: number }[]): Promise<unknown>;
  /** Whether what is left of leases is to be told at all. */
  readonly makesCheckpoints: boolean;
}

export interface TimeToLive {
  /** Whole seconds left; 0 or less when the lease has expired and is not revoked yet. */
  readonly ttl: number;
  readonly grantedTtl: number;
  readonly keys: readonly ByteString[];
}

/** Leases: which exist and what hangs on them is replicated, and equal on all members; when they expire is decided by the
 * primary, which is the leader, alone. A member that is not the primary never counts time. */
export class Lessor implements LeaseItems {
  readonly #backend: Backend;
  readonly #clock: Clock;
  readonly #minTtl: number;
  readonly #metrics: LessorOptions["metrics"];
  readonly #checkpointIntervalMs: number;
  readonly #leases = new Map<bigint, Lease>();
  readonly #expiry = new ExpiryQueue();
  readonly #checkpoints = new ExpiryQueue();
  /** Present on the primary. */
  #proposer: Proposer | undefined;
  #scan: Timer | undefined;
  /** Present until the time of every lease there was at the promotion runs. */
  #starting: Starting | undefined;
  #revoking = 0;
  /** Renewals of one moment whose checkpoints are taken back together. */
  #takingBack: { readonly ids: bigint[]; readonly done: Promise<unknown> } | undefined;
  readonly #toRevoke: bigint[] = [];

  private constructor({ backend, clock, minTtl, metrics, checkpointIntervalMs = 300_000 }: LessorOptions) {
    this.#backend = backend;
    this.#clock = clock;
    this.#minTtl = minTtl;
    this.#metrics = metrics;
    this.#checkpointIntervalMs = checkpointIntervalMs;
  }

  /** Reads the leases back; the store attaches their keys when it is opened. */
  static async open(options: LessorOptions): Promise<Lessor> {
    const lessor = new Lessor(options);
    for await (const entries of options.backend.scan("lease")) {
      for (const { value } of entries) {
        const { id, ttl, remainingTTL } = leasepb.Lease.decode(value);
        lessor.#add(id, Math.max(ttl, options.minTtl), remainingTTL);
      }
    }
    return lessor;
  }

  get isPrimary(): boolean {
    return this.#proposer !== undefined;
  }

  get size(): number {
    return this.#leases.size;
  }

  has(id: bigint): boolean {
    return this.#leases.has(id);
  }

  attach(id: bigint, key: ByteString): void {
    const lease = this.#known(id);
    lease.keys ??= new Set();
    lease.keys.add(key);
  }

  detach(id: bigint, key: ByteString): void {
    // The lease may be gone when a snapshot held a key of it: then nobody keeps its keys.
    this.#leases.get(id)?.keys?.delete(key);
  }

  grant(
    id: bigint,
    ttl: number,
  ): { readonly ttl: number } | Failure<"LeaseNotFound" | "LeaseExist" | "LeaseTTLTooLarge"> {
    if (id === 0n) return fail("LeaseNotFound");
    if (ttl > maxTtl) return fail("LeaseTTLTooLarge");
    if (this.#leases.has(id)) return fail("LeaseExist");
    const lease = this.#add(id, Math.max(ttl, this.#minTtl), 0);
    this.#persist(lease);
    this.#metrics.leasesGranted.value++;
    this.#metrics.leaseTtls.observe(lease.ttl);
    if (this.isPrimary) this.#refresh(lease);
    return { ttl: lease.ttl };
  }

  /** Keys of a lease in byte order, the order in which all members delete them. */
  keysOf(id: bigint): readonly ByteString[] | Failure<"LeaseNotFound"> {
    const lease = this.#leases.get(id);
    return lease === undefined ? fail("LeaseNotFound") : sortedKeys(lease);
  }

  /** The same keys in no order, for who only looks at them. None of a lease that does not exist. */
  attachedTo(id: bigint): Iterable<ByteString> {
    return this.#leases.get(id)?.keys ?? [];
  }

  /** Forgets a lease whose keys are deleted. */
  remove(id: bigint): void {
    const lease = this.#known(id);
    assert(lease.keys === undefined || lease.keys.size === 0, "a lease goes after its keys");
    this.#leases.delete(id);
    this.#metrics.leasesRevoked.value++;
    this.#backend.delete("lease", leaseKey(id));
    this.#expiry.delete(lease.expiryAlarm);
    this.#checkpoints.delete(lease.checkpointAlarm);
    wake(lease);
  }

  /** What the primary said is left of a lease. On a primary it shortens nothing, for that one knows better. */
  checkpoint(id: bigint, remainingTtl: number): void {
    const lease = this.#leases.get(id);
    if (lease === undefined) return;
    if (this.isPrimary) this.#start(lease);
    lease.remainingTtl = remainingTtl;
    lease.toldMs = this.#clock.monotonic();
    lease.mayBeCheckpointed = remainingTtl > 0;
    this.#persist(lease);
    if (!this.isPrimary) return;
    // A renewal that an earlier primary promised, and that this one hears of only now.
    if (remainingTtl === 0) this.#refresh(lease);
    else this.#scheduleCheckpoint(lease);
  }

  /** Starts the lease's time afresh and returns its TTL. Of one that has expired but is not revoked yet, the answer waits
   * for the revocation. `NotPrimary`: ask the leader. */
  async renew(id: bigint): Promise<{ readonly ttl: number } | Failure<"LeaseNotFound" | "NotPrimary">> {
    if (!this.isPrimary) return fail("NotPrimary");
    const lease = this.#leases.get(id);
    if (lease === undefined) return fail("LeaseNotFound");
    this.#start(lease);
    if (lease.expiryMs <= this.#clock.monotonic()) {
      await new Promise<void>((resolve) => {
        lease.waiting ??= [];
        lease.waiting.push(resolve);
      });
      return this.#leases.has(id) ? fail("NotPrimary") : fail("LeaseNotFound");
    }
    if (lease.mayBeCheckpointed) {
      // Others must not think less of the lease than this renewal promises.
      if (failpoints.armed) await failpoints.pause("beforeCheckpointInLeaseRenew");
      if (!(await this.#takeBackCheckpoint(id)) || !this.isPrimary) return fail("NotPrimary");
      if (this.#leases.get(id) !== lease) return fail("LeaseNotFound");
    }
    this.#refresh(lease);
    this.#metrics.leasesRenewed.value++;
    return { ttl: lease.ttl };
  }

  /** On the primary only: no other member knows the time. `NotPrimary`: ask the leader. */
  timeToLive(id: bigint): TimeToLive | Failure<"LeaseNotFound" | "NotPrimary"> {
    if (!this.isPrimary) return fail("NotPrimary");
    const lease = this.#leases.get(id);
    if (lease === undefined) return fail("LeaseNotFound");
    this.#start(lease);
    const leftMs = lease.expiryMs - this.#clock.monotonic();
    return { ttl: Math.trunc(leftMs / 1000), grantedTtl: lease.ttl, keys: sortedKeys(lease) };
  }

  /** All leases, the first to expire first; last those of which this member does not know when they will. */
  leases(): readonly bigint[] {
    return [...this.#leases.values()].sort((a, b) => compare(a.expiryMs, b.expiryMs)).map(({ id }) => id);
  }

  /** This member is the leader now. Nobody renewed while there was none, so every lease gets its full time (or what a
   * checkpoint left of it) and `extendMs`, the election timeout, on top. All that from this moment on, though with a great many
   * leases it takes a while until each has been told: whoever asks for one before its turn comes makes it that one's turn. */
  promote(extendMs: number, proposer: Proposer): void {
    // Elected twice in a row, it begins anew.
    if (this.isPrimary) this.demote();
    this.#proposer = proposer;
    this.#starting = {
      atMs: this.#clock.monotonic(),
      extendMs,
      leases: this.#leases.values(),
      spread: new Spread((3 * revokeRate) / 4),
      next: undefined,
    };
    this.#startSome();
    this.#scheduleScan();
  }

  /** This member is the leader no longer: from this moment it lets nothing expire and renews nothing. */
  demote(): void {
    this.#proposer = undefined;
    this.#scan?.cancel();
    this.#scan = undefined;
    this.#starting?.next?.cancel();
    this.#starting = undefined;
    this.#toRevoke.length = 0;
    this.#expiry.clear();
    this.#checkpoints.clear();
    for (const lease of this.#leases.values()) {
      lease.expiryMs = Number.POSITIVE_INFINITY;
      wake(lease);
    }
  }

  /** One proposal for all that are renewed in the same moment. False if it came to nothing. */
  async #takeBackCheckpoint(id: bigint): Promise<boolean> {
    if (this.#takingBack === undefined) {
      const ids: bigint[] = [];
      const propose = () => {
        this.#takingBack = undefined;
        return this.#proposer?.checkpoint(ids.map((one) => ({ id: one, remainingTTL: 0 })));
      };
      this.#takingBack = { ids, done: Promise.resolve().then(propose) };
    }
    const { ids, done } = this.#takingBack;
    ids.push(id);
    this.#checkpoints.delete(this.#known(id).checkpointAlarm); // one that comes behind this in the log would tell of the time before
    try {
      await done;
      return true;
    } catch {
      return false; // the leader changed, or there is no quorum: whoever renews asks again
    }
  }

  #add(id: bigint, ttl: number, remainingTtl: number): Lease {
    const lease: Lease = {
      id,
      ttl,
      remainingTtl,
      toldMs: this.#clock.monotonic(),
      mayBeCheckpointed: remainingTtl > 0,
      expiryMs: Number.POSITIVE_INFINITY,
      expiryAlarm: new Alarm(id),
      checkpointAlarm: new Alarm(id),
      keys: undefined,
      waiting: undefined,
    };
    this.#leases.set(id, lease);
    return lease;
  }

  #known(id: bigint): Lease {
    const lease = this.#leases.get(id);
    assert(lease !== undefined, "the lease was checked to exist");
    return lease;
  }

  #persist({ id, ttl, remainingTtl }: Lease): void {
    this.#backend.put("lease", leaseKey(id), leasepb.Lease.encode({ id, ttl, remainingTTL: remainingTtl }));
  }

  #refresh(lease: Lease): void {
    this.#setExpiry(lease, this.#expiryFrom(lease, this.#clock.monotonic()));
  }

  #setExpiry(lease: Lease, expiryMs: number): void {
    lease.expiryMs = expiryMs;
    this.#expiry.set(lease.expiryAlarm, expiryMs);
    this.#scheduleCheckpoint(lease);
  }

  /** When a lease expires whose time starts at `startMs`. */
  #expiryFrom({ ttl, remainingTtl, toldMs }: Lease, startMs: number): number {
    // What was told is worth less with every second, also while nobody leads or others do.
    return remainingTtl > 0 ? Math.max(startMs, toldMs + remainingTtl * 1000) : startMs + ttl * 1000;
  }

  #startSome(): void {
    const starting = this.#starting;
    if (starting === undefined) return;
    // Leases may come and go between one go and the next: a map's iterator sees to that.
    for (let started = 0; started < startsInOneGo; started++) {
      const { done, value: lease } = starting.leases.next();
      if (done === true) {
        this.#starting = undefined;
        return;
      }
      this.#start(lease);
    }
    starting.next = this.#clock.after(0, () => this.#startSome());
  }

  /** Starts the time of a lease that was there at the promotion, unless it runs. */
  #start(lease: Lease): void {
    if (this.#starting === undefined || lease.expiryMs !== Number.POSITIVE_INFINITY) return;
    const { atMs, extendMs, spread } = this.#starting;
    const expiryMs = this.#expiryFrom(lease, atMs) + extendMs;
    // Many leases started in one moment would expire in one moment too. Those beyond three quarters of the revocation rate
    // within a second are moved into a later one.
    const second = spread.take(Math.floor(expiryMs / 1000));
    this.#setExpiry(lease, Math.max(expiryMs, second * 1000));
  }

  #scheduleScan(): void {
    this.#scan = this.#clock.after(scanIntervalMs, () => {
      this.#scheduleScan();
      this.#expire();
      this.#proposeCheckpoints();
    });
  }

  #expire(): void {
    const nowMs = this.#clock.monotonic();
    const due = this.#expiry.takeDue(nowMs, revokeRate / 2);
    // Until its revocation is applied, an expired lease comes up again.
    for (const id of due) {
      const lease = this.#leases.get(id);
      if (lease !== undefined) this.#expiry.set(lease.expiryAlarm, nowMs + retryMs);
    }
    this.#toRevoke.push(...due);
    while (this.#revoking < revokesInFlight && this.#toRevoke.length > 0) void this.#revokeNext();
  }

  async #revokeNext(): Promise<void> {
    const id = this.#toRevoke.shift();
    if (id === undefined || this.#proposer === undefined) return;
    this.#revoking++;
    try {
      if (this.#leases.has(id)) await this.#proposer.revoke(id);
    } catch {
      // Given up: the leader changed or there is no quorum. The lease comes up again, here or at the next primary.
    } finally {
      this.#revoking--;
    }
    await this.#revokeNext();
  }

  /** Every renewal puts it off: a lease whose owner lives costs nothing in the log. */
  #scheduleCheckpoint(lease: Lease): void {
    if (!this.#proposer?.makesCheckpoints) return;
    const nowMs = this.#clock.monotonic();
    const leftMs = lease.expiryMs - nowMs;
    const afterMs = Math.min(Math.max(leftMs / 2, minCheckpointMs), this.#checkpointIntervalMs);
    if (leftMs > afterMs) this.#checkpoints.set(lease.checkpointAlarm, nowMs + afterMs);
  }

  #proposeCheckpoints(): void {
    const nowMs = this.#clock.monotonic();
    const checkpoints: { id: bigint; remainingTTL: number }[] = [];
    for (const id of this.#checkpoints.takeDue(nowMs, checkpointsPerProposal)) {
      const lease = this.#leases.get(id);
      if (lease === undefined || lease.expiryMs <= nowMs) continue;
      const remainingTTL = Math.ceil((lease.expiryMs - nowMs) / 1000);
      if (remainingTTL >= lease.ttl) continue;
      // From now on, since it may be applied even if nobody is told: a renewal in between must come after it.
      lease.mayBeCheckpointed = true;
      checkpoints.push({ id, remainingTTL });
    }
    if (checkpoints.length === 0) return;
    // When it fails, the next renewal or promotion schedules it again; until then the lease only lives longer.
    this.#proposer?.checkpoint(checkpoints).catch(() => undefined);
  }
}

interface Starting {
  /** When the promotion was. */
  readonly atMs: number;
  readonly extendMs: number;
  /** Those whose turn has not come. */
  readonly leases: Iterator<Lease, undefined>;
  readonly spread: Spread;
  /** The next go. */
  next: Timer | undefined;
}

function leaseKey(id: bigint): ByteString {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, id);
  return sliceToByteString(bytes, 0, 8);
}

function wake(lease: Lease): void {
  const { waiting } = lease;
  if (waiting === undefined) return;
  lease.waiting = undefined;
  for (const resolve of waiting) resolve();
}

function compare(a: number, b: number): number {
  // Two leases that never expire are equal; their difference is not a number.
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function sortedKeys({ keys }: Lease): ByteString[] {
  return keys === undefined ? [] : [...keys].sort(byteOrder);
}

function byteOrder(a: ByteString, b: ByteString): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
