import type { Clock, Log, Random } from "../../base/mod.ts";
import type { Lease } from "../api/mod.ts";
import { isAlreadyExists, isConflict, isNotFound } from "./api-error.ts";
import type { Client } from "./client.ts";
import { microTimestamp } from "./event-recorder.ts";
import { sleep } from "./sleep.ts";
import { systemClock, systemRandom } from "./system.ts";

export interface LeaderElectionOptions {
  readonly namespace: string;
  /** Name of the Lease that the candidates compete for. */
  readonly name: string;
  /** Unlike that of any other candidate, also of our former self. */
  readonly identity: string;
  readonly log: Log;
  /** How long others wait, from the last renewal they saw, before they take over. Default 15 s. */
  readonly leaseDurationMs?: number;
  /** How long the leader tries to renew before it steps down. Less than the lease's duration. Default 10 s. */
  readonly renewDeadlineMs?: number;
  /** Between attempts. Default 2 s. */
  readonly retryPeriodMs?: number;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly onNewLeader?: (identity: string) => void;
}

/**
 * Waits for the Lease, then runs `lead` as long as it is renewed. Returns when the signal aborts (the Lease is released for the next
 * one) or `lead` returns. Throws LeadershipLost when renewal failed for too long: `lead`'s signal was aborted before, yet a process that
 * lost its lease should end rather than trust that everything in it stopped.
 *
 * Two leaders at once are possible only for somebody who looks at wall clocks; by each candidate's own monotonic clock the old
 * leader stops (renewDeadline) before a new one starts (leaseDuration), provided the clocks run about equally fast.
 */
export async function runLeaderElection(
  client: Client,
  options: LeaderElectionOptions,
  lead: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const election = new Election(client, options);
  if (!(await election.acquire(signal))) return;
  options.log("info", "became leader", { lease: `${options.namespace}/${options.name}`, identity: options.identity });
  const leading = new AbortController();
  const stop = () => leading.abort(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  const work = lead(leading.signal).finally(() => leading.abort(new Error("the leader's work is done")));
  // Heard below, after the renewals end; until then it must not count as unheard.
  work.catch(() => undefined);
  try {
    await election.renew(leading.signal);
  } catch (error) {
    leading.abort(error);
    await work.catch(() => undefined);
    throw error;
  } finally {
    signal.removeEventListener("abort", stop);
  }
  try {
    await work;
  } finally {
    await election.release();
  }
}

/** The Lease could not be renewed in time: somebody else may lead by now. */
export class LeadershipLost extends Error {
  override readonly name = "LeadershipLost";
}

class Election {
  readonly #client: Client;
  readonly #options: LeaderElectionOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #leaseDurationMs: number;
  readonly #renewDeadlineMs: number;
  readonly #retryPeriodMs: number;
  /** The Lease as last seen, and when by our clock: others' clocks are not trusted. */
  #seen: Lease | undefined;
  #seenAtMs = 0;
  #reported: string | undefined;

  constructor(client: Client, options: LeaderElectionOptions) {
    this.#client = client;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    this.#leaseDurationMs = options.leaseDurationMs ?? 15_000;
    this.#renewDeadlineMs = options.renewDeadlineMs ?? 10_000;
    this.#retryPeriodMs = options.retryPeriodMs ?? 2_000;
  }

  /** True once we hold the Lease, false when aborted before. */
  async acquire(signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      if (await this.#tryHold(signal)) return true;
      // A fifth more or less, so that candidates do not step on each other for ever.
      const jitterMs = (this.#retryPeriodMs * 1.2 * this.#random.below(1000)) / 1000;
      await sleep(this.#clock, this.#retryPeriodMs + jitterMs, signal).catch(() => undefined);
    }
    return false;
  }

  /** Returns when aborted. Throws LeadershipLost. */
  async renew(signal: AbortSignal): Promise<void> {
    let renewedAtMs = this.#clock.monotonic();
    while (!signal.aborted) {
      await sleep(this.#clock, this.#retryPeriodMs, signal).catch(() => undefined);
      if (signal.aborted) return;
      const attemptMs = this.#renewDeadlineMs - (this.#clock.monotonic() - renewedAtMs);
      const overdue = new AbortController();
      const onAbort = () => overdue.abort(signal.reason);
      signal.addEventListener("abort", onAbort, { once: true });
      const timer = this.#clock.after(attemptMs, () => overdue.abort(new Error("the renew deadline passed")));
      const startedAtMs = this.#clock.monotonic();
      try {
        // What counts is when we asked, not when the answer came: others count from what the server stored in between.
        if (await this.#tryHold(overdue.signal)) renewedAtMs = startedAtMs;
        else if (!signal.aborted && this.#clock.monotonic() - renewedAtMs >= this.#renewDeadlineMs) {
          throw new LeadershipLost(`lost the lease ${this.#options.namespace}/${this.#options.name}`);
        }
      } finally {
        timer.cancel();
        signal.removeEventListener("abort", onAbort);
      }
    }
  }

  /** Leaves the Lease to the next one at once instead of after its duration. */
  async release(): Promise<void> {
    if (this.#seen?.spec?.holderIdentity !== this.#options.identity) return;
    const now = microTimestamp(this.#clock.now());
    const spec = { ...this.#seen.spec, holderIdentity: "", leaseDurationSeconds: 1, renewTime: now, acquireTime: now };
    try {
      await this.#client.leases.update({ ...this.#seen, spec });
    } catch (error) {
      this.#options.log("debug", "could not release the lease", { error: (error as Error).message });
    }
  }

  /** Takes or renews the Lease. Failures are logged and mean no. */
  async #tryHold(signal: AbortSignal): Promise<boolean> {
    try {
      return await this.#hold(signal);
    } catch (error) {
      if (!signal.aborted && !isConflict(error) && !isAlreadyExists(error)) {
        this.#options.log("warn", "leader election failed", { error: (error as Error).message });
      }
      return false;
    }
  }

  async #hold(signal: AbortSignal): Promise<boolean> {
    const { namespace, name, identity } = this.#options;
    const lease = await this.#read(signal);
    const now = microTimestamp(this.#clock.now());
    const leaseDurationSeconds = Math.ceil(this.#leaseDurationMs / 1000);
    if (lease === undefined) {
      const spec = {
        holderIdentity: identity,
        leaseDurationSeconds,
        acquireTime: now,
        renewTime: now,
        leaseTransitions: 0,
      };
      this.#observe(
        await this.#client.leases.create(
          { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { namespace, name }, spec },
          { signal },
        ),
      );
      return true;
    }
    const holder = lease.spec?.holderIdentity ?? "";
    const expired = this.#clock.monotonic() - this.#seenAtMs >= this.#leaseDurationMs;
    if (holder !== "" && holder !== identity && !expired) return false;
    const ours = holder === identity;
    const transitions = lease.spec?.leaseTransitions ?? 0;
    const spec = {
      ...lease.spec,
      holderIdentity: identity,
      leaseDurationSeconds,
      renewTime: now,
      acquireTime: ours ? lease.spec?.acquireTime : now,
      leaseTransitions: ours ? transitions : transitions + 1,
    };
    this.#observe(await this.#client.leases.update({ ...lease, spec }, { signal }));
    return true;
  }

  async #read(signal: AbortSignal): Promise<Lease | undefined> {
    try {
      const lease = await this.#client.leases.get(this.#options.namespace, this.#options.name, { signal });
      this.#observe(lease);
      return lease;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  #observe(lease: Lease): void {
    const before = this.#seen?.metadata.resourceVersion;
    if (before !== lease.metadata.resourceVersion) this.#seenAtMs = this.#clock.monotonic();
    this.#seen = lease;
    const holder = lease.spec?.holderIdentity ?? "";
    if (holder === "" || holder === this.#reported) return;
    this.#reported = holder;
    this.#options.onNewLeader?.(holder);
  }
}
