import { seededRandom, toUtf8 } from "../base/mod.ts";
import type { RaftOptions } from "./config.ts";
import { MemoryStorage } from "./memory-storage.ts";
import { RawNode } from "./rawnode.ts";
import type { Ready } from "./ready.ts";
import {
  type ConfState,
  type Entry,
  EntryType,
  emptyConfState,
  type HardState,
  type Message,
  MessageType,
  message,
  type NodeId,
  noBytes,
  nobody,
  type Term,
} from "./types.ts";

export function entry(term: Term, index: number, text = ""): Entry {
  return { type: EntryType.EntryNormal, term, index, data: toUtf8(text) };
}

/** Entries from index 1 on, of these terms. */
export function logOf(terms: readonly Term[]): Entry[] {
  return terms.map((term, i) => entry(term, i + 1, `${term}/${i + 1}`));
}

export interface Start extends Partial<RaftOptions> {
  readonly voters?: readonly NodeId[];
  readonly log?: readonly Entry[];
  readonly storage?: MemoryStorage;
  readonly hardState?: Partial<HardState>;
  readonly conf?: ConfState;
}

/** A node 1 of voters 1, 2, 3 unless told otherwise, alone with its test: what the others say is made up. */
export class LoneNode {
  readonly node: RawNode;
  readonly storage: MemoryStorage;
  readonly sent: Message[] = [];
  readonly readies: Ready[] = [];

  constructor({ voters = [1n, 2n, 3n], log = [], hardState, conf, storage, ...options }: Start = {}) {
    this.storage = storage ?? new MemoryStorage();
    this.storage.append(log);
    const term = log.at(-1)?.term ?? 0;
    if (storage === undefined) this.storage.setHardState({ term, vote: nobody, commit: 0, ...hardState });
    const confState = conf ?? { ...emptyConfState(), voters };
    this.node = new RawNode({ id: 1n, storage: this.storage, random: seededRandom(1), confState, ...options });
  }

  receive(type: MessageType, from: NodeId, fields: Partial<Message>): Message[] {
    this.node.step(message(type, this.node.id, { from, ...fields }));
    return this.settle();
  }

  /** Does all that the node asks for, at once. What it sent meanwhile. */
  settle(): Message[] {
    const before = this.sent.length;
    while (this.node.hasReady()) {
      const ready = this.take();
      this.persist(ready);
      for (const _ of ready.committed) this.node.applied((ready.committed.at(-1) as Entry).index);
    }
    return this.sent.slice(before);
  }

  /** Takes a Ready without doing what it asks for, but for sending. */
  take(): Ready {
    const ready = this.node.ready();
    this.readies.push(ready);
    this.sent.push(...ready.messages);
    return ready;
  }

  persist(ready: Ready): void {
    if (ready.snapshot !== undefined) this.storage.applySnapshot(ready.snapshot);
    this.storage.append(ready.entries);
    if (ready.hardState !== undefined) this.storage.setHardState(ready.hardState);
    this.sent.push(...ready.messagesAfterPersist);
    this.node.persisted(ready.number);
    if (ready.snapshot !== undefined) this.node.applied(ready.snapshot.metadata.index);
  }

  /** The (term, index) pairs of its log. */
  get log(): string[] {
    const first = this.storage.firstIndex();
    const entries = this.storage.entries(first, this.storage.lastIndex() + 1, Number.POSITIVE_INFINITY);
    return entries.map(({ term, index }) => `${term}/${index}`);
  }
}

/** Node 1 with the votes of `voter` and itself: of three, it is the leader of the term after its log's last. */
export function leader(start: Start = {}, voter: NodeId = 2n): LoneNode {
  const lone = new LoneNode({ preVote: false, ...start });
  lone.node.campaign();
  lone.settle();
  lone.receive(MessageType.MsgVoteResp, voter, { term: lone.node.term });
  return lone;
}

export function snapshotAt(term: Term, index: number, voters: readonly NodeId[]) {
  return { data: noBytes, metadata: { confState: { ...emptyConfState(), voters }, term, index } };
}
