import { assert, type Random } from "../../base/mod.ts";
import { changeMembership } from "../confchange/change.ts";
import { fromConfState } from "../confchange/membership.ts";
import type { RaftOptions } from "../config.ts";
import type { MemoryStorage } from "../memory-storage.ts";
import { RawNode } from "../rawnode.ts";
import type { Ready } from "../ready.ts";
import {
  type ConfState,
  type Entry,
  EntryType,
  type Index,
  type Message,
  MessageType,
  type NodeId,
  noBytes,
  type Snapshot,
  type Term,
} from "../types.ts";
import type { SimulatedDisk } from "./disk.ts";
import { hold, type Ledger } from "./ledger.ts";
import { numberOf, type Payloads } from "./payload.ts";

/** What the members of a simulation share. */
export interface World {
  readonly random: Random;
  readonly ledger: Ledger;
  readonly payloads: Payloads;
  readonly options: Omit<RaftOptions, "id" | "storage" | "random">;
  /** What was committed anywhere when a read began, by the number in its context. */
  readonly reads: Map<number, Index>;
  priority(id: NodeId): number;
  disk(id: NodeId): SimulatedDisk | undefined;
  send(m: Message): void;
}

type Work = { readonly entries: readonly Entry[] } | { readonly snapshot: Snapshot };

/** A node with its host: takes Readies, writes them, applies what is committed, each at a pace of its own; and crashes. */
export class SimulatedMember {
  readonly id: NodeId;
  readonly disk: SimulatedDisk;
  readonly #world: World;
  #node: RawNode | undefined;
  #storage!: MemoryStorage;
  /** Being written, oldest first. */
  #writing: Ready[] = [];
  #applying: Work[] = [];
  #diskHangs = false;
  #applied: Index;
  /** As of #applied; and as of every change since the snapshot. */
  #confState: ConfState;
  #confStates: { readonly index: Index; readonly confState: ConfState }[] = [];
  /** The node's log, as its Readies tell, after #logStart. */
  #log: Entry[] = [];
  #logStart: { readonly index: Index; readonly term: Term } = { index: 0, term: 0 };
  #seenCommitted: Index = 0;
  #seenTerm: Term = 0;
  #ledTerm: Term = 0;
  /** Up to here the log was compared with what leaders have committed. */
  #checked: Index = 0;

  constructor(world: World, id: NodeId, disk: SimulatedDisk) {
    this.#world = world;
    this.id = id;
    this.disk = disk;
    this.#applied = disk.snapshotIndex;
    this.#confState = disk.confState;
    this.#confStates.push({ index: this.#applied, confState: this.#confState });
    this.start();
  }

  get node(): RawNode | undefined {
    return this.#node;
  }

  get confState(): ConfState {
    return this.#confState;
  }

  get applied(): Index {
    return this.#applied;
  }

  /** Finds its state machine somewhere between its snapshot and where it was: that is stored lazily. */
  start(): void {
    const { random, options } = this.#world;
    const oldest = this.disk.snapshotIndex;
    this.#applied = oldest + random.below(Math.max(0, this.#applied - oldest) + 1);
    this.#confStates = this.#confStates.filter(({ index }) => index <= this.#applied);
    const last = this.#confStates.at(-1);
    this.#confState = last !== undefined && last.index >= oldest ? last.confState : this.disk.confState;
    this.#storage = this.disk.open();
    const id = this.id;
    this.#node = new RawNode({
      ...options,
      id,
      storage: this.#storage,
      random,
      priority: this.#world.priority(id),
      applied: this.#applied,
      confState: this.#confState,
    });
    const start = this.#storage.firstIndex() - 1;
    this.#logStart = { index: start, term: this.#storage.term(start) as Term };
    this.#log = [...this.disk.entriesFrom(start + 1)];
    this.#seenCommitted = this.#node.committed;
    this.#seenTerm = this.#node.term;
    hold(this.#seenTerm >= this.disk.hardState.term, "a term is never forgotten", () => `${id}`);
    this.#checked = start;
    this.#checkCommitted();
  }

  crash(): void {
    this.disk.crash(this.#world.random);
    this.#node = undefined;
    this.#writing = [];
    this.#applying = [];
    this.#diskHangs = false;
  }

  get canTakeReady(): boolean {
    return this.#node?.hasReady() === true;
  }

  get isWriting(): boolean {
    return this.#writing.length > 0;
  }

  get diskHangs(): boolean {
    return this.#diskHangs;
  }

  hangDisk(): void {
    this.#diskHangs = this.#node !== undefined;
  }

  releaseDisk(): void {
    this.#diskHangs = false;
  }

  /** Its state machine is damaged; let us say. */
  requestSnapshot(): void {
    this.#node?.requestSnapshot();
  }

  get isApplying(): boolean {
    return this.#applying.length > 0;
  }

  /** Looks at the node after anything was done to it. */
  observe(): void {
    const node = this.#node;
    if (node === undefined) return;
    const { ledger } = this.#world;
    hold(node.term >= this.#seenTerm, "terms never go back", () => `${this.id}`);
    hold(node.committed >= this.#seenCommitted, "the commit index never goes back", () => `${this.id}`);
    this.#seenTerm = node.term;
    if (node.role === "leader") {
      if (this.#ledTerm !== node.term) {
        this.#ledTerm = node.term;
        ledger.leads(this.id, node.term);
        const { term, vote } = this.disk.hardState;
        hold(
          term === node.term && vote === this.id,
          "a leader's own vote is durable",
          () => `${this.id} in ${node.term}`,
        );
        ledger.isComplete(this.id, node.term, (index) => this.#term(index));
      }
      if (node.committed > this.#seenCommitted) this.#checkLeaderCommits(node.term, node.committed);
    }
    if (node.role === "candidate" || node.role === "pre-candidate") this.#checkCampaign(node.committed);
    node.checkInvariants();
    this.#seenCommitted = node.committed;
    if (this.#applied >= (this.#storage.wantedSnapshot ?? Number.POSITIVE_INFINITY)) this.compact();
  }

  /** A change of membership that is committed here, and not applied, may be one of whose votes count. */
  #checkCampaign(committed: Index): void {
    const { index } = this.#logStart;
    const unapplied = this.#log.slice(Math.max(0, this.#applied - index), Math.max(0, committed - index));
    hold(
      unapplied.every(({ type }) => type === EntryType.EntryNormal),
      "who campaigns knows who votes",
      () => `${this.id} has applied ${this.#applied} of ${committed}`,
    );
  }

  #checkLeaderCommits(term: Term, committed: Index): void {
    const { ledger } = this.#world;
    const { voters, votersOutgoing } = (this.#node as RawNode).confState;
    const committedTerm = this.#term(committed);
    for (const half of [voters, votersOutgoing]) {
      const durable = half.filter((id) => {
        const own = this.#world.disk(id)?.term(committed);
        return own === committedTerm || own === Number.POSITIVE_INFINITY;
      });
      hold(
        half.length === 0 || durable.length > half.length / 2,
        "committed is durable on a quorum",
        () => `${this.id} commits ${committedTerm}/${committed}, durable on ${durable} of ${half}`,
      );
    }
    hold(committedTerm === term, "a leader commits its own term", () => `${this.id} ${committedTerm}/${committed}`);
    for (let index = this.#seenCommitted + 1; index <= committed; index++) {
      ledger.commits(this.#log[index - this.#logStart.index - 1] as Entry, term);
    }
  }

  #term(index: Index): Term | undefined {
    if (index < this.#logStart.index) return Number.POSITIVE_INFINITY;
    if (index === this.#logStart.index) return this.#logStart.term;
    return this.#log[index - this.#logStart.index - 1]?.term;
  }

  takeReady(): void {
    const node = this.#node as RawNode;
    const ready = node.ready();
    if (ready.snapshot !== undefined) this.#replaceLog(ready.snapshot);
    if (ready.entries.length > 0) this.#appendToLog(ready.entries);
    this.#checkCommitted();
    this.#checkMustSync(ready);
    for (const m of ready.messages) this.#send(m);
    for (const { index, context } of ready.readStates) this.#checkRead(index, context);
    this.disk.write(ready);
    this.#writing.push(ready);
    if (ready.committed.length > 0) this.#applying.push({ entries: ready.committed });
  }

  #replaceLog(snapshot: Snapshot): void {
    const { index, term } = snapshot.metadata;
    const { ledger } = this.#world;
    hold(
      index === ledger.start || ledger.committedTerm(index) === term,
      "a snapshot is of what is committed",
      () => `${this.id} restores ${term}/${index}`,
    );
    for (const cut of this.#log.slice(index - this.#logStart.index)) this.#checkCut(cut);
    this.#logStart = { index, term };
    this.#log = [];
    this.#checked = index;
  }

  #appendToLog(entries: readonly Entry[]): void {
    const { ledger } = this.#world;
    const first = entries[0] as Entry;
    const kept = first.index - this.#logStart.index - 1;
    for (const cut of this.#log.slice(kept)) this.#checkCut(cut);
    this.#log.length = kept;
    for (const entry of entries) {
      ledger.holds(entry, this.#term(entry.index - 1) as Term);
      this.#log.push(entry);
    }
  }

  #checkCut(cut: Entry): void {
    const isCommitted = this.#world.ledger.committedTerm(cut.index) === cut.term;
    hold(!isCommitted, "what is committed is never cut off", () => `${this.id} cuts ${cut.term}/${cut.index}`);
  }

  #checkCommitted(): void {
    const { committed } = this.#node as RawNode;
    for (let index = this.#checked + 1; index <= committed; index++) {
      const entry = this.#log[index - this.#logStart.index - 1];
      assert(entry !== undefined, "what is committed is in the log");
      this.#world.ledger.isCommitted(entry, "committed entries agree");
    }
    this.#checked = Math.max(this.#checked, committed);
  }

  #checkMustSync({ mustSync, entries, snapshot, hardState }: Ready): void {
    const { term, vote } = this.disk.hardState;
    if (mustSync || this.#writing.length > 0 || hardState === undefined) return;
    hold(
      entries.length === 0 && snapshot === undefined && hardState.term === term && hardState.vote === vote,
      "what must be durable is synced",
      () => `${this.id}`,
    );
  }

  #send(m: Message): void {
    this.#checkTold(m);
    if (m.type === MessageType.MsgApp) {
      let previousTerm = m.logTerm;
      for (const entry of m.entries) {
        this.#world.ledger.holds(entry, previousTerm);
        previousTerm = entry.term;
      }
    }
    this.#world.send(
      m.type === MessageType.MsgSnap ? { ...m, snapshot: this.#freshSnapshot(m.snapshot as Snapshot) } : m,
    );
  }

  /** The state machine as it is: the snapshot kept may be too old to name the member it is sent to. */
  #freshSnapshot(kept: Snapshot): Snapshot {
    // Or the other way round: it has one from another leader on its disk, and has yet to take it over.
    if (this.#applied < kept.metadata.index) return kept;
    const metadata = { index: this.#applied, term: this.#term(this.#applied) as Term, confState: this.#confState };
    return { data: noBytes, metadata };
  }

  #checkRead(index: Index, context: Uint8Array): void {
    const number = new DataView(context.buffer, context.byteOffset).getUint32(0);
    const atLeast = this.#world.reads.get(number) as Index;
    hold(index >= atLeast, "linearizable reads", () => `${this.id} may read at ${index}, began after ${atLeast}`);
  }

  /** The oldest write is done. */
  finishWrite(): void {
    const ready = this.#writing.shift() as Ready;
    if (ready.mustSync) this.disk.sync(ready.number);
    const { term, vote } = this.disk.hardState;
    if (vote === this.id) this.#world.ledger.grants(this.id, term, this.id);
    if (ready.snapshot !== undefined) {
      this.#storage.applySnapshot(ready.snapshot);
      this.#applying.push({ snapshot: ready.snapshot });
    }
    this.#storage.append(ready.entries);
    for (const m of ready.messagesAfterPersist) this.#send(m);
    (this.#node as RawNode).persisted(ready.number);
  }

  /** What others may build on must not be forgotten in a crash. */
  #checkTold(m: Message): void {
    const { hardState, lastIndex } = this.disk;
    const node = this.#node;
    const tells = (condition: boolean, property: string) =>
      hold(condition, property, () => `${this.id} tells ${m.to} ${m.type} ${m.term}/${m.index}`);
    switch (m.type) {
      case MessageType.MsgVote:
        tells(hardState.term >= m.term, "a term is durable before it is told");
        // One that follows somebody by now may have had its log cut.
        if (node?.role === "candidate" && node.term === m.term)
          tells(lastIndex >= m.index, "a candidate's log is durable");
        break;
      case MessageType.MsgVoteResp:
        tells(hardState.term >= m.term, "a term is durable before it is told");
        if (m.reject) break;
        this.#world.ledger.grants(this.id, m.term, m.to);
        tells(hardState.term > m.term || hardState.vote === m.to, "a vote is durable before it is told");
        break;
      case MessageType.MsgAppResp:
        tells(hardState.term >= m.term, "a term is durable before it is told");
        // What a newer leader has replaced in the meantime is told to an older one only.
        if (!m.reject && hardState.term === m.term)
          tells(lastIndex >= m.index, "entries are durable before they are told");
    }
  }

  /** Applies the oldest batch handed out. */
  apply(): void {
    const work = this.#applying.shift() as Work;
    if ("snapshot" in work) {
      const { index } = work.snapshot.metadata;
      hold(index >= this.#applied, "what is applied never goes back", () => `${this.id} to ${index}`);
      this.#applied = index;
      this.#confState = work.snapshot.metadata.confState;
      this.#confStates.push({ index, confState: this.#confState });
    } else for (const entry of work.entries) this.#applyEntry(entry);
    (this.#node as RawNode).applied(this.#applied);
  }

  #applyEntry(entry: Entry): void {
    const { ledger, payloads } = this.#world;
    hold(entry.index === this.#applied + 1, "entries are applied in order", () => `${this.id} ${entry.index}`);
    ledger.isCommitted(entry, "state machine safety");
    this.#applied = entry.index;
    if (entry.type === EntryType.EntryNormal) return;
    const change = payloads.changeOf(entry);
    if (changeMembership(fromConfState(this.#confState), change).ok) {
      this.#confState = (this.#node as RawNode).applyConfChange(change, entry.index);
      this.#confStates.push({ index: entry.index, confState: this.#confState });
    }
    ledger.hasConfState(entry.index, this.#confState);
  }

  /** Makes a snapshot and forgets a part of the log. */
  compact(): void {
    const index = this.#applied;
    const installing = this.#applying.some((work) => "snapshot" in work) || this.#writing.some((r) => r.snapshot);
    if (installing || index <= this.disk.snapshotIndex) return;
    const snapshot = this.#storage.createSnapshot(index, this.#confState, noBytes);
    const first = this.#storage.firstIndex();
    const compactTo = first + this.#world.random.below(index - first + 1);
    this.#storage.compact(compactTo);
    this.disk.compact(snapshot, compactTo);
  }

  readIndex(): void {
    if (this.#node === undefined) return;
    const { reads, ledger } = this.#world;
    const number = reads.size + 1;
    reads.set(number, ledger.maxCommitted);
    const context = new Uint8Array(4);
    new DataView(context.buffer).setUint32(0, number);
    this.#node.readIndex(context);
  }

  /** The value an applied entry carried; for looking whether a proposal got through. */
  hasInLog(value: number): boolean {
    return this.#log.some((entry) => entry.index <= this.#applied && numberOf(entry) === value);
  }
}
