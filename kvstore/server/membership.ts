import { assert, fromUtf8, toUtf8 } from "../../base/mod.ts";
import type { membershippb } from "../../proto/mod.ts";
import { type ConfState, emptyConfState } from "../../raft/mod.ts";
import { parseJson, toJson } from "./json.ts";
import type { PeerAddress } from "./transport.ts";
import { compareVersions, minorOf } from "./version.ts";

export interface ClusterMember extends PeerAddress {
  /** Empty until the member has started for the first time. */
  readonly name: string;
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
}

/** Where the membership is kept: written together with the applied index. */
export interface MembershipRecords {
  get(bucket: "members" | "members_removed" | "cluster" | "meta", key: string): Uint8Array | undefined;
  put(bucket: "members" | "members_removed" | "cluster" | "meta", key: string, value: Uint8Array): void;
  delete(bucket: "members" | "meta", key: string): void;
}

/** What a configuration change of the log says, next to the id: etcd's ConfigChangeContext. */
export interface MemberChange {
  readonly member: ClusterMember;
  readonly isPromote: boolean;
  /**
   * Of a learner: with so many others it is refused. Part of the entry, so that members with different flags decide alike (etcd's
   * entries have no such part, and each of its members goes by its own flag).
   */
  readonly maxLearners?: number | undefined;
}

/** A downgrade under way: the version, such as "3.6.0", that members will be restarted with. */
export interface Downgrade {
  readonly enabled: boolean;
  /** Empty if none is under way. */
  readonly targetVersion: string;
}

const noDowngrade: Downgrade = { enabled: false, targetVersion: "" };

/** Who is in the cluster, who was, and which version it agreed on. Changed by applied entries only. */
export class Membership {
  readonly #records: MembershipRecords;
  #members = new Map<bigint, ClusterMember>();
  #removed = new Set<bigint>();
  #version: string | undefined;
  #downgrade = noDowngrade;
  #confState: ConfState = emptyConfState();
  #onChange: (() => void) | undefined;

  constructor(records: MembershipRecords) {
    this.#records = records;
    this.load();
  }

  /** Reads everything again, after a snapshot was installed. */
  load(): void {
    const ids = (bytes: Uint8Array | undefined) =>
      bytes === undefined ? [] : (parseJson(fromUtf8(bytes)) as bigint[]).map(BigInt);
    this.#members = new Map();
    for (const id of ids(this.#records.get("cluster", "memberIDs"))) {
      const record = this.#records.get("members", hex(id));
      assert(record !== undefined, "every member that is listed has a record");
      this.#members.set(id, memberFromJson(fromUtf8(record)));
    }
    this.#removed = new Set(ids(this.#records.get("cluster", "removedIDs")));
    const version = this.#records.get("cluster", "clusterVersion");
    this.#version = version === undefined ? undefined : fromUtf8(version);
    const downgrade = this.#records.get("cluster", "downgrade");
    this.#downgrade = downgrade === undefined ? noDowngrade : downgradeFromJson(fromUtf8(downgrade));
    const confState = this.#records.get("meta", "confState");
    this.#confState = confState === undefined ? emptyConfState() : confStateFromJson(fromUtf8(confState));
    this.#onChange?.();
  }

  onChange(listener: () => void): void {
    this.#onChange = listener;
  }

  /** In order of id. */
  get members(): readonly ClusterMember[] {
    return [...this.#members.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  member(id: bigint): ClusterMember | undefined {
    return this.#members.get(id);
  }

  isRemoved(id: bigint): boolean {
    return this.#removed.has(id);
  }

  /** "3.7.0"; undefined until the first leader has set it. */
  get version(): string | undefined {
    return this.#version;
  }

  /** As of the last applied change. */
  get confState(): ConfState {
    return this.#confState;
  }

  setConfState(confState: ConfState): void {
    this.#confState = confState;
    this.#records.put("meta", "confState", toUtf8(confStateToJson(confState)));
  }

  get downgrade(): Downgrade {
    return this.#downgrade;
  }

  /** The version of what is stored goes with it, from 3.6 on, which was the first to say it. */
  setVersion(version: string): void {
    this.#version = version;
    this.#records.put("cluster", "clusterVersion", toUtf8(version));
    if (compareVersions(version, "3.6.0") < 0) this.#records.delete("meta", "storageVersion");
    else this.#records.put("meta", "storageVersion", toUtf8(minorOf(version)));
  }

  setDowngrade(downgrade: Downgrade): void {
    this.#downgrade = downgrade;
    const { enabled, targetVersion } = downgrade;
    this.#records.put("cluster", "downgrade", toUtf8(toJson({ "target-version": targetVersion, enabled })));
  }

  add(member: ClusterMember): void {
    this.#put(member);
  }

  remove(id: bigint): void {
    this.#members.delete(id);
    this.#removed.add(id);
    this.#records.delete("members", hex(id));
    this.#records.put("members_removed", hex(id), toUtf8("removed"));
    this.#list();
  }

  setAttributes(id: bigint, attributes: membershippb.Attributes): void {
    const member = this.#members.get(id);
    // A member that was removed may still publish itself: that changes nothing.
    if (member !== undefined) this.#put({ ...member, name: attributes.name, clientUrls: attributes.clientUrls });
  }

  /** Learner or not is left as it is: only `promote` changes that. */
  setPeerUrls(id: bigint, peerUrls: readonly string[]): void {
    const member = this.#members.get(id);
    if (member !== undefined) this.#put({ ...member, peerUrls });
  }

  promote(id: bigint): void {
    const member = this.#members.get(id);
    if (member !== undefined) this.#put({ ...member, isLearner: false });
  }

  #put(member: ClusterMember): void {
    this.#members.set(member.id, member);
    this.#records.put("members", hex(member.id), toUtf8(memberToJson(member)));
    this.#list();
  }

  #list(): void {
    this.#records.put("cluster", "memberIDs", toUtf8(toJson([...this.#members.keys()])));
    this.#records.put("cluster", "removedIDs", toUtf8(toJson([...this.#removed])));
    this.#onChange?.();
  }
}

/** As etcd names the records of members: no leading zeros. */
function hex(id: bigint): string {
  return id.toString(16);
}

/** etcd's record of a member, and the context of a configuration change: absent parts are left out. */
export function memberToJson(member: ClusterMember, extra: Record<string, unknown> = {}): string {
  const { id, peerUrls, isLearner, name, clientUrls } = member;
  return toJson({
    id,
    peerURLs: peerUrls,
    ...(isLearner ? { isLearner } : {}),
    ...(name === "" ? {} : { name }),
    ...(clientUrls.length === 0 ? {} : { clientURLs: clientUrls }),
    ...extra,
  });
}

export function memberFromJson(text: string): ClusterMember {
  const value = parseJson(text) as Record<string, unknown>;
  return {
    id: BigInt(value.id as bigint | number),
    peerUrls: (value.peerURLs as string[] | undefined) ?? [],
    isLearner: value.isLearner === true,
    name: (value.name as string | undefined) ?? "",
    clientUrls: (value.clientURLs as string[] | undefined) ?? [],
  };
}

function downgradeFromJson(text: string): Downgrade {
  const value = parseJson(text) as Record<string, unknown>;
  return { enabled: value.enabled === true, targetVersion: (value["target-version"] as string | undefined) ?? "" };
}

export function encodeMemberChange({ member, isPromote, maxLearners }: MemberChange): Uint8Array {
  return toUtf8(
    memberToJson(member, { ...(isPromote && { isPromote }), ...(maxLearners !== undefined && { maxLearners }) }),
  );
}

export function decodeMemberChange(context: Uint8Array): MemberChange {
  const text = fromUtf8(context);
  const { isPromote, maxLearners } = parseJson(text) as { isPromote?: boolean; maxLearners?: number };
  return { member: memberFromJson(text), isPromote: isPromote === true, maxLearners };
}

/** etcd's record of a configuration. */
export function confStateToJson({ voters, learners, votersOutgoing, learnersNext, autoLeave }: ConfState): string {
  const ids = (name: string, list: readonly bigint[]) => (list.length === 0 ? {} : { [name]: list });
  return toJson({
    ...ids("voters", voters),
    ...ids("learners", learners),
    ...ids("voters_outgoing", votersOutgoing),
    ...ids("learners_next", learnersNext),
    auto_leave: autoLeave,
  });
}

/** The context of a change that makes several learners voters at once; not etcd's, which changes one member at a time. */
export function encodePromotions(requestId: bigint): Uint8Array {
  return toUtf8(toJson({ promotions: requestId }));
}

/** The request that such a change is about; undefined for a change without a context. */
export function decodePromotions(context: Uint8Array): bigint | undefined {
  if (context.length === 0) return undefined;
  return BigInt((parseJson(fromUtf8(context)) as { promotions: bigint | number }).promotions);
}

export function confStateFromJson(text: string): ConfState {
  const value = parseJson(text) as Record<string, unknown>;
  const ids = (list: unknown) => ((list as bigint[] | undefined) ?? []).map(BigInt);
  return {
    voters: ids(value.voters),
    learners: ids(value.learners),
    votersOutgoing: ids(value.voters_outgoing),
    learnersNext: ids(value.learners_next),
    autoLeave: value.auto_leave === true,
  };
}
