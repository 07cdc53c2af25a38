import { Failure } from "../../base/mod.ts";
import { AlarmAction, AlarmType, HashKVResponse } from "../../proto/mod.ts";
import { type HashOfRevision, isFailure } from "../mvcc/mod.ts";
import type { Member } from "./member.ts";
import { peerRequests } from "./transport.ts";

type Hash = Pick<HashOfRevision, "hash" | "hashRevision" | "compactRevision" | "currentRevision">;

interface PeerHash {
  readonly id: bigint;
  /** Undefined if it did not answer, or no longer or not yet has that revision. */
  readonly found: Hash | undefined;
}

/** How long a member that starts waits for another to be there to be compared with. */
const peerPatienceMs = 2000;
const peerRetryMs = 100;
/** How many revisions at which compactions ended are remembered, as in the original. */
const rememberedCompactions = 10;

/**
 * Compares what members have made of the same log: their keys up to a revision have one hash, or somebody's disk or code has
 * failed. Whoever differs gets the alarm CORRUPT, which stops the cluster from making it worse.
 */
export class CorruptionChecks {
  readonly #member: Member;
  readonly #compacted: number[] = [];
  #checkedCompaction = 0;
  #periodicDueMs: number | undefined;
  #compactionDueMs: number | undefined;
  #running = false;

  constructor(member: Member) {
    this.#member = member;
    member.answerPeers(peerRequests.hashKv, async (payload) => this.#answer(readRevision(payload)));
  }

  /** Before clients are served. Rejects with a `Failure` if this member's keys are not those of the others. */
  async initial(): Promise<void> {
    const { log, id } = this.#member;
    log("info", "starting initial corruption check", { "local-member-id": hex(id) });
    const own = await this.#hashHere(0);
    if (own === undefined) return;
    const differing = (await this.#hashesOfPeers(own.hashRevision, peerPatienceMs)).filter(
      ({ found }) => found !== undefined && found.compactRevision === own.compactRevision && found.hash !== own.hash,
    );
    for (const { id: peer, found } of differing) {
      log("warn", "found different hash values from remote peer", {
        "local-member-id": hex(id),
        "local-member-revision": own.hashRevision,
        "local-member-hash": own.hash,
        "remote-peer-id": hex(peer),
        "remote-peer-hash": found?.hash,
      });
    }
    if (differing.length > 0) {
      const advice = "Remove the member from the cluster, delete its data directory and add it again";
      throw new Failure("DataInconsistent", `${hex(id)} found data inconsistency with peers`, advice);
    }
    log("info", "initial corruption checking passed; no corruption", { "local-member-id": hex(id) });
  }

  /** Whatever was compacted here before `revision` is gone. */
  compactionFinished(revision: number): void {
    this.#compacted.push(revision);
    if (this.#compacted.length > rememberedCompactions) this.#compacted.shift();
  }

  /** Starts what is due. Only a leader compares. */
  tick(nowMs: number): void {
    const { corruptCheckMs = 0, compactHashCheckMs = 0 } = this.#member.options;
    if (corruptCheckMs > 0) {
      this.#periodicDueMs ??= nowMs + corruptCheckMs;
      if (nowMs >= this.#periodicDueMs && this.#start(() => this.#compareNewest())) {
        this.#periodicDueMs = nowMs + corruptCheckMs;
      }
    }
    if (compactHashCheckMs > 0) {
      this.#compactionDueMs ??= nowMs + compactHashCheckMs;
      if (nowMs >= this.#compactionDueMs && this.#start(() => this.#compareCompactions())) {
        this.#compactionDueMs = nowMs + compactHashCheckMs;
      }
    }
  }

  /** One at a time: each reads the whole database. */
  #start(check: () => Promise<void>): boolean {
    if (this.#running) return false;
    if (!this.#member.isLeader) return true;
    this.#running = true;
    check()
      .catch((error: unknown) => this.#member.log("warn", "cannot compare members' keys", { error }))
      .finally(() => {
        this.#running = false;
      });
    return true;
  }

  async #compareNewest(): Promise<void> {
    const { log, id, state } = this.#member;
    const before = await this.#hashHere(0);
    if (before === undefined) return;
    const peers = await this.#hashesOfPeers(before.hashRevision);
    // From here on whatever they had applied when they answered is applied here too.
    const failure = await new Promise((resolve) => this.#member.linearizable(resolve));
    if (failure !== undefined) return;
    const { revision, compactRevision } = state.store;
    let alarmed = false;
    const alarm = (peer: bigint, why: string, fields: Readonly<Record<string, unknown>>) => {
      log("warn", why, { "leader-revision": revision, "follower-peer-id": hex(peer), ...fields });
      if (!alarmed) this.#alarm(peer);
      alarmed = true;
    };
    const again = await this.#hashHere(before.hashRevision);
    if (again !== undefined && again.compactRevision === before.compactRevision && again.hash !== before.hash) {
      alarm(id, "found hash mismatch", { "hash-1": before.hash, "hash-2": again.hash });
    }
    for (const { id: peer, found } of peers) {
      if (found === undefined) continue;
      if (found.currentRevision > revision) {
        const why = "revision from follower must be less than or equal to leader's";
        alarm(peer, why, { "follower-revision": found.currentRevision });
      }
      if (found.compactRevision > compactRevision) {
        const why = "compact revision from follower must be less than or equal to leader's";
        alarm(peer, why, { "follower-compact-revision": found.compactRevision });
      }
      if (found.compactRevision === before.compactRevision && found.hash !== before.hash) {
        const why = "same compact revision then hashes must match";
        alarm(peer, why, { "leader-hash": before.hash, "follower-hash": found.hash });
      }
    }
    const checked = peers.filter(({ found }) => found !== undefined).length;
    log("info", "finished peer corruption check", { "number-of-peers-checked": checked });
  }

  /** At the newest compaction that all members have made. */
  async #compareCompactions(): Promise<void> {
    const { log, id } = this.#member;
    log("info", "starting compact hash check", { "local-member-id": hex(id) });
    const unchecked = this.#compacted.filter((revision) => revision > this.#checkedCompaction).reverse();
    let checked = 0;
    for (const revision of unchecked) {
      checked++;
      const own = await this.#hashHere(revision);
      if (own === undefined) continue;
      if (this.#judge(own, await this.#hashesOfPeers(revision))) break;
    }
    log("info", "finished compaction hash check", { "number-of-hashes-checked": checked });
  }

  /** Whether everybody was compared, or somebody was found to differ. */
  #judge(own: Hash, peers: readonly PeerHash[]): boolean {
    const { log, id } = this.#member;
    const holders = new Map<number, bigint[]>([[own.hash, [id]]]);
    let compared = 0;
    for (const { id: peer, found } of peers) {
      if (found === undefined || found.compactRevision !== own.compactRevision) continue;
      compared++;
      holders.set(found.hash, [...(holders.get(found.hash) ?? []), peer]);
    }
    if (holders.size === 1) {
      if (compared < peers.length) return false;
      this.#checkedCompaction = own.hashRevision;
      log("info", "successfully checked hash on whole cluster", {
        "number-of-peers-checked": compared,
        revision: own.hashRevision,
        compactRevision: own.compactRevision,
      });
      return true;
    }
    // Most are right. Without a majority nobody knows who is, and the alarm is the cluster's.
    const majority = [...holders].find(([, ids]) => ids.length > (peers.length + 1) / 2)?.[0];
    for (const [hash, ids] of holders) {
      if (hash === majority) continue;
      log("error", "Detected compaction hash mismatch", {
        revision: own.hashRevision,
        "leader-hash": own.hash,
        "peer-hash": hash,
        "peer-ids": ids.map(hex).join(","),
        "quorum-exist": majority !== undefined,
      });
      if (majority !== undefined) for (const one of ids) this.#alarm(one);
    }
    if (majority === undefined) this.#alarm(0n);
    return true;
  }

  #alarm(memberID: bigint): void {
    const request = { action: AlarmAction.ACTIVATE, memberID, alarm: AlarmType.CORRUPT };
    this.#member.propose("alarm", request, () => undefined, this.#member.auth.self);
  }

  async #hashHere(revision: number): Promise<Hash | undefined> {
    const found = await this.#member.state.store.hashKv(revision);
    return isFailure(found) ? undefined : found;
  }

  async #hashesOfPeers(revision: number, patienceMs = 0): Promise<PeerHash[]> {
    const { membership, id: self } = this.#member;
    const others = membership.members.filter(({ id }) => id !== self);
    return Promise.all(others.map(async ({ id }) => ({ id, found: await this.#hashAt(id, revision, patienceMs) })));
  }

  async #hashAt(id: bigint, revision: number, patienceMs: number): Promise<Hash | undefined> {
    const { transport, clock, log } = this.#member;
    const payload = new Uint8Array(8);
    new DataView(payload.buffer).setBigInt64(0, BigInt(revision));
    const untilMs = clock.monotonic() + patienceMs;
    for (;;) {
      try {
        return hashOf(HashKVResponse.decode(await transport.request(id, peerRequests.hashKv, payload)));
      } catch (error) {
        if (clock.monotonic() >= untilMs) {
          log("warn", "failed hash kv request", { "remote-peer-id": hex(id), "requested-revision": revision, error });
          return undefined;
        }
      }
      await new Promise<void>((resolve) => clock.after(peerRetryMs, resolve));
    }
  }

  async #answer(revision: number): Promise<Uint8Array> {
    const found = await this.#member.state.store.hashKv(revision);
    if (isFailure(found)) throw new Error(found.failure);
    const { hash, hashRevision, compactRevision, currentRevision } = found;
    return HashKVResponse.encode({ header: { revision: currentRevision }, hash, compactRevision, hashRevision });
  }
}

function hashOf({ header, hash, compactRevision, hashRevision }: HashKVResponse): Hash {
  return { hash, compactRevision, hashRevision, currentRevision: header?.revision ?? 0 };
}

function readRevision(payload: Uint8Array): number {
  return Number(new DataView(payload.buffer, payload.byteOffset).getBigInt64(0));
}

function hex(id: bigint): string {
  return id.toString(16);
}
