import { assert } from "../base/mod.ts";
import { isPassedOn, namesItsTerm, waitsForDisk } from "./messages.ts";
import type { ReadState } from "./ready.ts";
import { type Index, type Message, type NodeId, nobody, type Term, type UnsignedMessage } from "./types.ts";

/** What a node has to say since its last Ready, and when it may be said. */
export class Outbox {
  readonly #id: NodeId;
  /** May leave at once. */
  #messages: Message[] = [];
  /** Speak of what may not be durable yet: term, vote, entries. Those to this node itself never leave it. */
  #messagesAfterPersist: Message[] = [];
  #readStates: ReadState[] = [];

  constructor(id: NodeId) {
    this.#id = id;
  }

  /** Takes the message over, which was made for this, and signs it: it comes from this node, in its term. */
  send(m: UnsignedMessage, term: Term): void {
    if (m.from === nobody) m.from = this.#id;
    assert(namesItsTerm(m.type) === (m.term !== 0), "only votes and what answers them name a term");
    if (m.term === 0 && !isPassedOn(m.type)) m.term = term;
    if (waitsForDisk(m.type)) this.#messagesAfterPersist.push(m);
    else {
      assert(m.to !== this.#id, "a node tells itself only what has to be durable first");
      this.#messages.push(m);
    }
  }

  answerRead(index: Index, context: Uint8Array): void {
    this.#readStates.push({ index, context });
  }

  get isEmpty(): boolean {
    return this.#messages.length === 0 && this.#messagesAfterPersist.length === 0 && this.#readStates.length === 0;
  }

  take(): { messages: Message[]; messagesAfterPersist: Message[]; readStates: ReadState[] } {
    const output = {
      messages: this.#messages,
      messagesAfterPersist: this.#messagesAfterPersist,
      readStates: this.#readStates,
    };
    this.#messages = [];
    this.#messagesAfterPersist = [];
    this.#readStates = [];
    return output;
  }
}
