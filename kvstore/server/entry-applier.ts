import { assert } from "../../base/mod.ts";
import {
  AlarmAction,
  type AlarmMember,
  type AlarmRequest,
  AlarmType,
  type EtcdErrorName,
  InternalRaftRequest,
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
import { type Failure, fail, type State } from "../mvcc/mod.ts";
import type { Alarms } from "./alarms.ts";
import { decodeMemberChange, type Membership } from "./membership.ts";

export interface EntryApplierOptions {
  /** The current one: a snapshot puts another in its place. */
  readonly state: () => State;
  readonly membership: Membership;
  readonly alarms: Alarms;
  readonly applyConfChange: (change: ConfChangeV2, index: number) => ConfState;
  /** What came of a request, by its id; also of those that other members proposed. */
  readonly settle: (id: bigint, outcome: unknown) => void;
}

/** Turns entries of the log into changes of the state, the membership and the alarms. The same on every member. */
export class EntryApplier {
  readonly #options: EntryApplierOptions;

  constructor(options: EntryApplierOptions) {
    this.#options = options;
  }

  apply(entry: Entry): void {
    if (entry.type !== EntryType.EntryNormal) this.#confChange(entry);
    else if (entry.data.length > 0) this.#request(InternalRaftRequest.decode(entry.data));
    this.#options.state().store.setApplied(entry.index, entry.term);
  }

  #request(request: InternalRaftRequest): void {
    this.#options.settle(request.header?.id ?? request.id, this.#answer(request));
  }

  #answer(request: InternalRaftRequest): unknown {
    const { membership } = this.#options;
    if (request.clusterVersionSet !== undefined) return membership.setVersion(request.clusterVersionSet.ver);
    if (request.clusterMemberAttrSet !== undefined) {
      const { memberID, memberAttributes } = request.clusterMemberAttrSet;
      return membership.setAttributes(memberID, memberAttributes ?? { name: "", clientUrls: [] });
    }
    if (request.alarm !== undefined) return this.#alarm(request.alarm);
    return this.#refusal(request) ?? this.#keyValue(request);
  }

  #keyValue(request: InternalRaftRequest): unknown {
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

  #alarm({ action, memberID, alarm }: AlarmRequest): readonly AlarmMember[] {
    const { alarms } = this.#options;
    if (action === AlarmAction.GET) return alarms.ofKind(alarm);
    const changed =
      action === AlarmAction.ACTIVATE ? alarms.activate(memberID, alarm) : alarms.deactivate(memberID, alarm);
    return changed === undefined ? [] : [changed];
  }

  #confChange(entry: Entry): void {
    const { membership, applyConfChange, settle } = this.#options;
    // The end of a joint configuration, which Raft proposes by itself, names no member.
    if (entry.type === EntryType.EntryConfChangeV2) {
      const change = raftpb.ConfChangeV2.decode(entry.data) as ConfChangeV2;
      membership.setConfState(applyConfChange(change, entry.index));
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

  /** Changes race: one that was right when it was proposed may come after another. */
  #checkChange(change: ConfChange): Failure<EtcdErrorName> | undefined {
    const { membership } = this.#options;
    const { nodeId, type } = change;
    if (membership.isRemoved(nodeId)) return fail("MemberNotFound");
    const known = membership.member(nodeId);
    if (type === ConfChangeType.ConfChangeRemoveNode || type === ConfChangeType.ConfChangeUpdateNode) {
      return known === undefined ? fail("MemberNotFound") : undefined;
    }
    const { member, isPromote } = decodeMemberChange(change.context);
    if (isPromote) {
      if (known === undefined) return fail("MemberNotFound");
      return known.isLearner ? undefined : fail("MemberNotLearner");
    }
    if (known !== undefined) return fail("MemberExist");
    const urls = new Set(membership.members.flatMap(({ peerUrls }) => peerUrls));
    return member.peerUrls.some((url) => urls.has(url)) ? fail("PeerURLExist") : undefined;
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
