import { assert } from "../../base/mod.ts";
import type { Index, NodeId } from "../types.ts";
import type { Inflights } from "./inflights.ts";

/**
 * `probe`: where the logs agree is not known; one append at a time looks for it. `replicate`: it is known; appends are
 * sent ahead of their answers. `snapshot`: what the follower lacks was compacted away; it is sent a snapshot and nothing
 * else until it has arrived or failed.
 */
export type ProgressState = "probe" | "replicate" | "snapshot";

/** What a leader knows about one member, itself included. Invariant: match < next. */
export class Progress {
  readonly id: NodeId;
  readonly inflights: Inflights;
  #match: Index = 0;
  #next: Index;
  #state: ProgressState = "probe";
  #pendingSnapshot: Index = 0;
  /** Highest commit index the follower was told of: next time it must be higher to be news. */
  #sentCommit: Index = 0;
  /** No append until the next sign of life: a probe is out, or the window is full. */
  #paused = false;
  /** An append is owed even if it carries nothing: it finds out what the follower has. */
  appendOwed = false;
  /** Heard from since the last look: counts as present for checkQuorum. */
  recentActive = false;
  /** The last round of reads it has answered. */
  readRound = 0;
  /** Ticks spent in `snapshot`. */
  snapshotTicks = 0;
  /** The follower asked for a snapshot at this index or later: its log is fine, its state machine is not. 0: it did not. */
  requestedSnapshot: Index = 0;
  /** As it told last. 0 while nothing is heard from it: it could not take over. */
  priority = 0;

  constructor(id: NodeId, next: Index, inflights: Inflights) {
    this.id = id;
    this.#next = next;
    this.inflights = inflights;
  }

  /** Highest index known durable there. Only grows. */
  get match(): Index {
    return this.#match;
  }

  /** First index to send next. In `replicate`, runs ahead of what was acknowledged. */
  get next(): Index {
    return this.#next;
  }

  get state(): ProgressState {
    return this.#state;
  }

  get pendingSnapshot(): Index {
    return this.#pendingSnapshot;
  }

  get paused(): boolean {
    return this.#paused || this.#state === "snapshot";
  }

  becomeProbe(): void {
    // A snapshot that was sent is taken as arrived: if it was not, the probe is rejected and backs off.
    const next = this.#state === "snapshot" ? Math.max(this.#match, this.#pendingSnapshot) + 1 : this.#match + 1;
    this.#become("probe", next);
    this.#sentCommit = Math.min(this.#sentCommit, next - 1);
  }

  becomeReplicate(): void {
    this.#become("replicate", this.#match + 1);
  }

  becomeSnapshot(index: Index): void {
    assert(index >= this.#match, "a snapshot takes nothing back that the follower has");
    this.#become("snapshot", index + 1);
    this.requestedSnapshot = 0;
    this.#pendingSnapshot = index;
    this.#sentCommit = index;
  }

  #become(state: ProgressState, next: Index): void {
    this.#state = state;
    this.#next = next;
    this.#paused = false;
    this.#pendingSnapshot = 0;
    this.snapshotTicks = 0;
    this.inflights.clear();
  }

  /** The snapshot did not arrive. */
  snapshotFailed(): void {
    this.#pendingSnapshot = 0;
    this.becomeProbe();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
  }

  /** An append with `count` entries from `next` on was sent. */
  sentEntries(count: number, sizeBytes: number, commit: Index): void {
    assert(this.#state !== "snapshot", "nothing is appended behind a snapshot on its way");
    if (this.#state === "probe") this.#paused = true;
    else if (count > 0) {
      this.#next += count;
      this.inflights.add(this.#next - 1, sizeBytes);
    }
    // A full window lets one more through, empty, after each sign of life: it tells whether what filled it was lost.
    if (this.#state === "replicate" && this.inflights.full) this.#paused = true;
    this.#sentCommit = commit;
  }

  /** Would an append tell the follower of a commit it has not heard of and can use? */
  canBumpCommit(commit: Index): boolean {
    return commit > this.#sentCommit && this.#sentCommit < this.#next - 1;
  }

  /** The follower has everything up to `index`. False if that is no news. */
  maybeUpdate(index: Index): boolean {
    if (index <= this.#match) return false;
    this.#match = index;
    this.#next = Math.max(this.#next, index + 1);
    this.#paused = false;
    return true;
  }

  /**
   * The follower rejected an append that came right after `rejected`; its log can agree with the leader's at `hint` at
   * best. Moves `next` back, or answers false if the rejection is an old one.
   */
  maybeDecrease(rejected: Index, hint: Index): boolean {
    if (this.#state === "snapshot") return false; // about an append from before it
    if (this.#state === "replicate") {
      // Appends are sent blindly here: one that was sent before what is known to match says nothing.
      if (rejected <= this.#match) return false;
      this.#next = this.#match + 1;
    } else {
      if (this.#next - 1 !== rejected) return false; // only the last probe counts
      this.#next = Math.max(Math.min(rejected, hint + 1), this.#match + 1);
    }
    this.#sentCommit = Math.min(this.#sentCommit, this.#next - 1);
    this.#paused = false;
    assert(this.#match < this.#next, "what matches is not sent again");
    return true;
  }

  checkInvariants(lastIndex: Index): void {
    assert(this.#match < this.#next && this.#next <= lastIndex + 1, "what matches is not sent again");
    assert(this.#match <= lastIndex, "nobody has more than the leader");
    if (this.#state === "snapshot") {
      assert(this.#next === this.#pendingSnapshot + 1, "after a snapshot comes the entry after it");
      assert(this.#sentCommit === this.#pendingSnapshot, "a snapshot says that it is committed");
    }
  }
}
