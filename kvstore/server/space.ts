import { AlarmAction, type AlarmMember, AlarmType } from "../../proto/mod.ts";
import { isFailure } from "../mvcc/mod.ts";
import type { Member } from "./member.ts";

/** What it needs of its member. */
export type SpaceHost = Pick<
  Member,
  "alarms" | "auth" | "id" | "isLeader" | "log" | "membership" | "options" | "proposed" | "quotaBytes" | "state"
>;

const checkMs = 1000;
/** So full of its quota a database may be for its alarm to end: what fits barely would raise it again at once. */
const freeEnough = 0.9;
/** For so long before its alarm ends: who makes space by script takes back the alarm at the end of it, and expects to find it there. */
const graceMs = 5000;

/**
 * Ends NOSPACE by itself. A member takes back its own alarm when its database is well below the quota again, and the leader those of members
 * that are none any more (a snapshot of another cluster brings them along). While the alarm stands, nothing is written that would make the
 * engine tidy up, so each compaction is followed by a defragmentation here.
 */
export class Space {
  readonly #member: SpaceHost;
  #checkedMs = 0;
  #busy = false;
  /** Since when the alarms of which members have no reason any more. */
  readonly #needlessSinceMs = new Map<bigint, number>();
  /** Compact revision up to which the disk was tidied. */
  #tidied = -1;

  constructor(member: SpaceHost) {
    this.#member = member;
  }

  tick(nowMs: number): void {
    const { alarms, options, log } = this.#member;
    if (alarms.active.length === 0 || options.autoDisarmNospace === false) return;
    if (this.#busy || nowMs - this.#checkedMs < checkMs) return;
    this.#checkedMs = nowMs;
    this.#busy = true;
    this.#check(nowMs)
      .catch((error: unknown) => log("warn", "cannot measure the database", { error: String(error) }))
      .finally(() => {
        this.#busy = false;
      });
  }

  async #check(nowMs: number): Promise<void> {
    const { alarms, id, isLeader, membership } = this.#member;
    for (const alarm of alarms.ofKind(AlarmType.NOSPACE)) {
      const { memberID } = alarm;
      const isOrphan = isLeader && membership.member(memberID) === undefined;
      const isNeedless = isOrphan || (memberID === id && (await this.#isFree()));
      const sinceMs = this.#needlessSinceMs.get(memberID) ?? nowMs;
      if (isNeedless) this.#needlessSinceMs.set(memberID, sinceMs);
      else this.#needlessSinceMs.delete(memberID);
      if (isNeedless && nowMs - sinceMs >= graceMs) await this.#disarm(alarm);
    }
  }

  async #isFree(): Promise<boolean> {
    const { state, quotaBytes } = this.#member;
    const { backend, store } = state;
    if (quotaBytes < 0) return true;
    if (store.compactRevision > this.#tidied && backend.sizeBytes > quotaBytes * freeEnough) {
      this.#tidied = store.compactRevision;
      await backend.defragment();
    } else await backend.measure();
    return backend.sizeBytes <= quotaBytes * freeEnough;
  }

  async #disarm({ memberID, alarm }: AlarmMember): Promise<void> {
    const { log, auth } = this.#member;
    this.#needlessSinceMs.delete(memberID);
    const request = { action: AlarmAction.DEACTIVATE, memberID, alarm };
    const outcome = await this.#member.proposed("alarm", request, auth.self);
    if (!isFailure(outcome))
      log("info", "there is space again: the alarm NOSPACE is over", { member: memberID.toString(16) });
  }
}
