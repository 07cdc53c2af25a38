import { assert, type Clock } from "../../base/mod.ts";
import {
  AlarmAction,
  type AlarmMember,
  type AlarmRequest,
  AlarmType,
  type EtcdErrorName,
  type InternalRaftRequest,
  raftpb,
  type TxnRequest,
} from "../../proto/mod.ts";
import {
  asConfChangeV2,
  type ConfChange,
  ConfChangeType,
  type ConfChangeV2,
  type ConfState,
  type Entry,
  EntryType,
} from "../../raft/mod.ts";
import type { AttachedKeys, Auth } from "../auth/mod.ts";
import type { MemberMetrics } from "../metrics/mod.ts";
import { type Failure, fail, type State } from "../mvcc/mod.ts";
import type { Alarms } from "./alarms.ts";
import { ApplyDurations } from "./apply-durations.ts";
import { attachedKeys } from "./attached-keys.ts";
import { decodeRequest, isNothing } from "./decode-request.ts";
import { decodeMemberChange, decodePromotions, type Membership } from "./membership.ts";

export interface EntryApplierOptions {
  /** The current one: a snapshot puts another in its place. */
  readonly state: () => State;
  readonly membership: Membership;
  readonly alarms: Alarms;
  readonly auth: Auth;
  readonly applyConfChange: (change: ConfChangeV2, index: number) => ConfState;
  readonly clock: Clock;
  readonly metrics: Pick<MemberMetrics, "applySeconds">;
  /** What came of a request, by its id; also of those that other members proposed. */
  readonly settle: (id: bigint, outcome: unknown) => void;
}

/** Turns entries of the log into changes of the state, the membership and the alarms. The same on every member. */
export class EntryApplier {
  readonly #options: EntryApplierOptions;
  readonly #leases: AttachedKeys;
  readonly #durations: ApplyDurations;

  constructor(options: EntryApplierOptions) {
    this.#options = options;
    this.#leases = attachedKeys(options.state);
    this.#durations = new ApplyDurations(options.metrics);
  }

  apply(entry: Entry): void {
    if (entry.type !== EntryType.EntryNormal) this.#confChange(entry);
    else if (entry.data.length > 0) this.#request(decodeRequest(entry.data), entry.index);
    this.#options.state().store.setApplied(entry.index, entry.term);
  }

  /** For a member whose state is missing: only what Raft must know of the entry. */
  applyMembershipAlone(entry: Entry): void {
    if (entry.type === EntryType.EntryNormal) return;
    const change =
      entry.type === EntryType.EntryConfChangeV2
        ? (raftpb.ConfChangeV2.decode(entry.data) as ConfChangeV2)
        : asConfChangeV2(raftpb.ConfChange.decode(entry.data) as ConfChange);
    this.#options.applyConfChange(change, entry.index);
  }

  #request(request: InternalRaftRequest, index: number): void {
    const { clock } = this.#options;
    const startMs = clock.monotonic();
    const isHot = request.put !== undefined || request.txn !== undefined;
    const answer = isHot ? this.#keyValue(request) : this.#answer(request, index);
    this.#durations.observe(request, answer, (clock.monotonic() - startMs) / 1000);
    this.#options.settle(request.header?.id ?? request.id, answer);
  }

  #answer(request: InternalRaftRequest, index: number): unknown {
    const { membership, auth } = this.#options;
    if (request.clusterVersionSet !== undefined) return membership.setVersion(request.clusterVersionSet.ver);
    if (request.clusterMemberAttrSet !== undefined) {
      const { memberID, memberAttributes } = request.clusterMemberAttrSet;
      return membership.setAttributes(memberID, memberAttributes ?? { name: "", clientUrls: [] });
    }
    if (request.downgradeInfoSet !== undefined) {
      const { enabled, ver } = request.downgradeInfoSet;
      return membership.setDowngrade({ enabled, targetVersion: enabled ? ver : "" });
    }
    if (request.alarm !== undefined) return this.#alarm(request.alarm);
    if (isNothing(request)) return undefined;
    return auth.apply(request, index) ?? this.#keyValue(request);
  }

  #keyValue(request: InternalRaftRequest): unknown {
    return this.#refusal(request) ?? this.#denial(request) ?? this.#apply(request);
  }

  #apply(request: InternalRaftRequest): unknown {
    const { applier } = this.#options.state();
    if (request.put !== undefined) return applier.put(request.put);
    if (request.txn !== undefined) return applier.txn(request.txn);
    if (request.deleteRange !== undefined) return applier.deleteRange(request.deleteRange);
    if (request.compaction !== undefined) return applier.compact(request.compaction);
    if (request.leaseGrant !== undefined) return applier.leaseGrant(request.leaseGrant);
    if (request.leaseRevoke !== undefined) return applier.leaseRevoke(request.leaseRevoke);
    if (request.leaseCheckpoint !== undefined) return applier.leaseCheckpoint(request.leaseCheckpoint);
    // A log that a member of a later version wrote: ignoring an entry would part this member from the others for good.
    assert(false, "every request in the log is one that this version knows");
  }

  /** Alarms are part of the state, so all members refuse the same entries. */
  #refusal(request: InternalRaftRequest): Failure<EtcdErrorName> | undefined {
    const { alarms } = this.#options;
    if (alarms.active.length === 0) return undefined;
    if (alarms.has(AlarmType.CORRUPT)) return fail("Corrupt");
    if (!alarms.has(AlarmType.NOSPACE)) return undefined;
    const grows =
      request.put !== undefined || request.leaseGrant !== undefined || (request.txn && putsAnything(request.txn));
    return grows ? fail("NoSpace") : undefined;
  }

  /** What the caller may do as of this entry: it may have been more when the request was proposed. */
  #denial(request: InternalRaftRequest): Failure<EtcdErrorName> | undefined {
    const { auth } = this.#options;
    const denied = auth.enabled ? auth.denial(request, this.#leases) : undefined;
    return denied && fail(denied);
  }

  #alarm({ action, memberID, alarm }: AlarmRequest): readonly AlarmMember[] {
    const { alarms } = this.#options;
    if (action === AlarmAction.GET) return alarms.ofKind(alarm);
    const changed =
      action === AlarmAction.ACTIVATE ? alarms.activate(memberID, alarm) : alarms.deactivate(memberID, alarm);
    return changed === undefined ? [] : [changed];
  }

  #confChange(entry: Entry): void {
    const { membership, applyConfChange, settle } = this.#options;
    if (entry.type === EntryType.EntryConfChangeV2) {
      this.#promotions(raftpb.ConfChangeV2.decode(entry.data) as ConfChangeV2, entry.index);
      return;
    }
    const change = raftpb.ConfChange.decode(entry.data) as ConfChange;
    const failure = this.#checkChange(change);
    // What no longer fits must still be told to Raft, which waits for its change to be settled.
    const settled = failure === undefined ? asConfChangeV2(change) : nothingChanges;
    membership.setConfState(applyConfChange(settled, entry.index));
    if (failure === undefined) this.#changeMembership(change);
    settle(change.id, failure ?? membership.members);
  }

  /** Several learners become voters at once; or, without any changes, the joint configuration that makes is left. */
  #promotions(change: ConfChangeV2, index: number): void {
    const { membership, applyConfChange, settle } = this.#options;
    const isLearner = (id: bigint) => membership.member(id)?.isLearner === true;
    // A change of nobody keeps its place: without any the joint configuration would be left instead.
    const changes = change.changes.map((one) => (isLearner(one.nodeId) ? one : { ...one, nodeId: 0n }));
    membership.setConfState(applyConfChange({ ...change, changes }, index));
    for (const { nodeId } of changes) membership.promote(nodeId);
    const request = decodePromotions(change.context);
    if (request !== undefined) settle(request, membership.members);
  }

  /** Changes race: one that was right when it was proposed may come after another. */
  #checkChange(change: ConfChange): Failure<EtcdErrorName> | undefined {
    const { membership } = this.#options;
    const { nodeId, type } = change;
    if (membership.isRemoved(nodeId)) return fail("MemberNotFound");
    const known = membership.member(nodeId);
    if (type === ConfChangeType.ConfChangeRemoveNode) return known === undefined ? fail("MemberNotFound") : undefined;
    const { member, isPromote, maxLearners = Number.POSITIVE_INFINITY } = decodeMemberChange(change.context);
    const isUpdate = type === ConfChangeType.ConfChangeUpdateNode;
    if ((isUpdate || isPromote) && known === undefined) return fail("MemberNotFound");
    if (isPromote) return known?.isLearner ? undefined : fail("MemberNotLearner");
    if (!isUpdate && known !== undefined) return fail("MemberExist");
    const others = membership.members.filter(({ id }) => id !== nodeId);
    const urls = new Set(others.flatMap(({ peerUrls }) => peerUrls));
    if (member.peerUrls.some((url) => urls.has(url))) return fail("PeerURLExist");
    const learners = others.filter(({ isLearner }) => isLearner).length;
    const isOneTooMany = type === ConfChangeType.ConfChangeAddLearnerNode && learners >= maxLearners;
    return isOneTooMany ? fail("TooManyLearners") : undefined;
  }

  #changeMembership(change: ConfChange): void {
    const { membership } = this.#options;
    if (change.type === ConfChangeType.ConfChangeRemoveNode) {
      membership.remove(change.nodeId);
      return;
    }
    const { member, isPromote } = decodeMemberChange(change.context);
    if (change.type === ConfChangeType.ConfChangeUpdateNode) membership.setPeerUrls(member.id, member.peerUrls);
    else if (isPromote) membership.promote(member.id);
    else membership.add({ ...member, isLearner: change.type === ConfChangeType.ConfChangeAddLearnerNode });
  }
}

/** A change without changes would leave a joint configuration; updating nobody changes nothing. */
const nothingChanges: ConfChangeV2 = asConfChangeV2({
  id: 0n,
  type: ConfChangeType.ConfChangeUpdateNode,
  nodeId: 0n,
  context: new Uint8Array(0),
});

function putsAnything({ success, failure }: TxnRequest): boolean {
  return [...success, ...failure].some(
    ({ requestPut, requestTxn }) => requestPut !== undefined || (requestTxn !== undefined && putsAnything(requestTxn)),
  );
}
