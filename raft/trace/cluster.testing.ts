import { assert, fromUtf8, seededRandom, toUtf8 } from "../../base/mod.ts";
import type { RaftOptions } from "../config.ts";
import { MemoryStorage } from "../memory-storage.ts";
import { RawNode } from "../rawnode.ts";
import type { Ready } from "../ready.ts";
import {
  ConfChangeTransition,
  ConfChangeType,
  type ConfChangeV2,
  type ConfState,
  EntryType,
  emptyConfState,
  type Index,
  type Message,
  MessageType,
  type NodeId,
  noBytes,
} from "../types.ts";
import { formatConfState, formatEntry, formatMessage } from "./format.testing.ts";

interface Member {
  readonly storage: MemoryStorage;
  node: RawNode;
  applied: Index;
  confState: ConfState;
  committed: Index;
  /** Not durable yet, while the disk hangs. */
  waiting: Ready[];
  diskHangs: boolean;
}

/**
 * Members with hosts that do at once what they are told, and tell what happens, line by line. Everybody starts from a
 * snapshot at 1/1, so that logs begin at index 2.
 */
export class TraceCluster {
  readonly #members = new Map<NodeId, Member>();
  readonly #options: Partial<RaftOptions>;
  readonly #own: (id: NodeId) => Partial<RaftOptions>;
  readonly #tell: (line: string) => void;
  #network: Message[] = [];
  readonly #cut = new Set<string>();

  /** `own`: options of one member alone. */
  constructor(
    tell: (line: string) => void,
    voters: readonly NodeId[],
    options: Partial<RaftOptions>,
    own: (id: NodeId) => Partial<RaftOptions> = () => ({}),
  ) {
    this.#tell = tell;
    this.#options = options;
    this.#own = own;
    const confState = { ...emptyConfState(), voters };
    for (const id of voters) {
      const storage = new MemoryStorage();
      storage.applySnapshot({ data: noBytes, metadata: { confState, index: 1, term: 1 } });
      storage.setHardState({ term: 1, vote: 0n, commit: 1 });
      this.#start(id, storage, 1, confState);
    }
  }

  /** A member that nobody knows of yet, with an empty disk. */
  start(id: NodeId): void {
    this.#start(id, new MemoryStorage(), 0, emptyConfState());
  }

  #start(id: NodeId, storage: MemoryStorage, applied: Index, confState: ConfState): void {
    const random = seededRandom(Number(id));
    const node = new RawNode({ ...this.#options, ...this.#own(id), id, storage, random, applied, confState });
    const committed = node.committed;
    this.#members.set(id, { storage, node, applied, confState, committed, waiting: [], diskHangs: false });
  }

  /** Loses what is not durable, and finds everything else again. */
  restart(id: NodeId): void {
    const { storage, applied, confState } = this.#member(id);
    this.#start(id, storage, applied, confState);
  }

  node(id: NodeId): RawNode {
    return this.#member(id).node;
  }

  storage(id: NodeId): MemoryStorage {
    return this.#member(id).storage;
  }

  #member(id: NodeId): Member {
    const member = this.#members.get(id);
    assert(member !== undefined, `there is a member ${id}`);
    return member;
  }

  cut(from: NodeId, to: NodeId): void {
    this.#cut.add(`${from}>${to}`);
  }

  cutOff(id: NodeId): void {
    for (const other of this.#members.keys()) {
      this.cut(id, other);
      this.cut(other, id);
    }
  }

  heal(): void {
    this.#cut.clear();
  }

  hangDisk(id: NodeId): void {
    this.#member(id).diskHangs = true;
  }

  releaseDisk(id: NodeId): void {
    const member = this.#member(id);
    member.diskHangs = false;
    for (const ready of member.waiting.splice(0)) this.#persist(member, ready);
  }

  propose(id: NodeId, text: string): void {
    this.#tellOutcome(id, this.node(id).propose(toUtf8(text)));
  }

  proposeChange(id: NodeId, text: string): void {
    const change = parseChange(text);
    const data = change.changes.length === 0 ? noBytes : toUtf8(text);
    this.#tellOutcome(id, this.node(id).proposeConfChange(change, EntryType.EntryConfChangeV2, data));
  }

  readIndex(id: NodeId, context: string): void {
    this.#tellOutcome(id, this.node(id).readIndex(toUtf8(context)));
  }

  #tellOutcome(id: NodeId, outcome: ReturnType<RawNode["propose"]>): void {
    if (!outcome.ok) this.#tell(`${id} refuses: ${outcome.reason}`);
  }

  compact(id: NodeId, index: Index): void {
    const { storage, confState } = this.#member(id);
    storage.createSnapshot(index, confState, noBytes);
    storage.compact(index);
  }

  /** Lets hosts and network work until nothing is left to do, or `deliveries` messages have arrived. */
  stabilize(deliveries = Number.POSITIVE_INFINITY): void {
    for (let left = deliveries; left > 0; left--) {
      for (const [id, member] of this.#members) while (member.node.hasReady()) this.#handle(id, member);
      const m = this.#network.shift();
      if (m === undefined) return;
      this.#deliver(m);
    }
  }

  #deliver(m: Message): void {
    const member = this.#members.get(m.to);
    if (member === undefined || this.#cut.has(`${m.from}>${m.to}`)) {
      this.#tell(`${formatMessage(m)} (lost)`);
      return;
    }
    this.#tell(formatMessage(m));
    member.node.step(m);
    if (m.type === MessageType.MsgSnap) this.#members.get(m.from)?.node.reportSnapshot(m.to, true);
  }

  #handle(id: NodeId, member: Member): void {
    const ready = member.node.ready();
    if (ready.softState !== undefined) this.#tellRole(id, member.node);
    this.#send(ready.messages, member);
    this.#tellCommit(id, member);
    for (const { index, context } of ready.readStates) this.#tell(`${id} may read "${fromUtf8(context)}" at ${index}`);
    if (member.diskHangs) member.waiting.push(ready);
    else this.#persist(member, ready);
    for (const entry of ready.committed) this.#apply(id, member, entry);
    if (ready.committed.length > 0) member.node.applied(member.applied);
  }

  #tellRole(id: NodeId, { role, leader, term }: RawNode): void {
    const whom = role === "follower" && leader !== 0n ? ` of ${leader}` : "";
    this.#tell(`${id} is ${role}${whom} in term ${term}`);
  }

  #tellCommit(id: NodeId, member: Member): void {
    if (member.node.committed === member.committed) return;
    member.committed = member.node.committed;
    this.#tell(`${id} commits ${member.committed}`);
  }

  #persist(member: Member, ready: Ready): void {
    const { snapshot } = ready;
    if (snapshot !== undefined) {
      member.storage.applySnapshot(snapshot);
      member.applied = snapshot.metadata.index;
      member.confState = snapshot.metadata.confState;
      this.#tell(`${member.node.id} installs ${snapshot.metadata.term}/${snapshot.metadata.index}`);
    }
    member.storage.append(ready.entries);
    if (ready.hardState !== undefined) member.storage.setHardState(ready.hardState);
    this.#send(ready.messagesAfterPersist, member);
    member.node.persisted(ready.number);
    if (snapshot !== undefined) member.node.applied(member.applied);
  }

  /** A snapshot is made of what is there when it is sent. */
  #send(messages: readonly Message[], { applied, confState, storage }: Member): void {
    for (const m of messages) {
      const metadata = { index: applied, term: storage.term(applied) ?? 0, confState };
      this.#network.push(m.type === MessageType.MsgSnap ? { ...m, snapshot: { data: noBytes, metadata } } : m);
    }
  }

  #apply(id: NodeId, member: Member, entry: Parameters<typeof formatEntry>[0]): void {
    member.applied = entry.index;
    if (entry.type === EntryType.EntryNormal) {
      if (entry.data.length > 0) this.#tell(`${id} applies ${formatEntry(entry)}`);
      return;
    }
    member.confState = member.node.applyConfChange(parseChange(fromUtf8(entry.data)), entry.index);
    this.#tell(`${id} applies ${formatEntry(entry)}: ${formatConfState(member.confState)}`);
  }

  status(id: NodeId): void {
    const { role, term, leader, committed, applied, lastIndex, confState, progress } = this.node(id).status();
    const leads = leader === 0n ? "no leader" : `leader ${leader}`;
    this.#tell(
      `${id} ${role} term ${term} ${leads} log ${applied}<=${committed}<=${lastIndex} ${formatConfState(confState)}`,
    );
    for (const [peer, { match, next, state, paused, inflightMessages }] of progress) {
      if (peer === id) continue;
      this.#tell(
        `  ${peer} ${state} match ${match} next ${next}${paused ? " paused" : ""} inflight ${inflightMessages}`,
      );
    }
  }
}

/** `add 4`, `joint add 4 remove 1`, `joint-explicit …`, `leave`. */
function parseChange(text: string): ConfChangeV2 {
  const words = text.split(" ").filter((word) => word !== "" && word !== "leave");
  const transitions: Readonly<Record<string, ConfChangeTransition>> = {
    joint: ConfChangeTransition.ConfChangeTransitionJointImplicit,
    "joint-explicit": ConfChangeTransition.ConfChangeTransitionJointExplicit,
  };
  const types: Readonly<Record<string, ConfChangeType>> = {
    add: ConfChangeType.ConfChangeAddNode,
    remove: ConfChangeType.ConfChangeRemoveNode,
    learner: ConfChangeType.ConfChangeAddLearnerNode,
  };
  const transition = transitions[words[0] ?? ""];
  if (transition !== undefined) words.shift();
  const changes = [];
  for (let i = 0; i < words.length; i += 2) {
    const type = types[words[i] as string];
    assert(type !== undefined, `a change of membership is made of add, remove and learner, not ${words[i]}`);
    changes.push({ type, nodeId: BigInt(words[i + 1] as string) });
  }
  return { transition: transition ?? ConfChangeTransition.ConfChangeTransitionAuto, changes, context: noBytes };
}
