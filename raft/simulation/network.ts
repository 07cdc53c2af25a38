import type { Random } from "../../base/mod.ts";
import type { Message, NodeId } from "../types.ts";

/** Messages on their way. They may be lost, doubled, late and out of order; cut links swallow what they carry. */
export class SimulatedNetwork {
  readonly #random: Random;
  #onTheWay: Message[] = [];
  readonly #cut = new Set<string>();
  /** Of 100 messages. */
  readonly #lostPercent: number;
  readonly #doubledPercent: number;
  readonly #inOrderPercent: number;
  readonly onLost: (m: Message) => void;

  constructor(random: Random, onLost: (m: Message) => void) {
    this.#random = random;
    this.#lostPercent = random.below(3) === 0 ? random.below(20) : 0;
    this.#doubledPercent = random.below(3) === 0 ? random.below(20) : 0;
    this.#inOrderPercent = random.below(101);
    this.onLost = onLost;
  }

  get size(): number {
    return this.#onTheWay.length;
  }

  send(m: Message): void {
    this.#onTheWay.push(m);
  }

  /** The next message to arrive, under faults; undefined if that one does not. */
  take(): Message | undefined {
    const inOrder = this.#random.below(100) < this.#inOrderPercent;
    const at = inOrder ? 0 : this.#random.below(this.#onTheWay.length);
    const m = this.#onTheWay[at];
    if (m === undefined) return undefined;
    if (this.#random.below(100) >= this.#doubledPercent) this.#remove(at, inOrder);
    if (this.isCut(m.from, m.to) || this.#random.below(100) < this.#lostPercent) {
      this.onLost(m);
      return undefined;
    }
    return m;
  }

  #remove(at: number, inOrder: boolean): void {
    if (inOrder) this.#onTheWay.shift();
    else {
      const last = this.#onTheWay.pop() as Message;
      if (at < this.#onTheWay.length) this.#onTheWay[at] = last;
    }
  }

  /** All that is on its way, oldest first, without faults. */
  takeAll(): Message[] {
    const all = this.#onTheWay;
    this.#onTheWay = [];
    return all;
  }

  isCut(from: NodeId, to: NodeId): boolean {
    return this.#cut.size > 0 && this.#cut.has(`${from}>${to}`);
  }

  /** One direction only. */
  cut(from: NodeId, to: NodeId): void {
    this.#cut.add(`${from}>${to}`);
  }

  heal(): void {
    this.#cut.clear();
  }
}
