import { Ring } from "../base/mod.ts";
import type { Index, NodeId } from "./types.ts";

/** Somebody wants to read, linearizably: a state machine that has applied `index` will do, once leadership is confirmed. */
export interface ReadRequest {
  readonly index: Index;
  readonly from: NodeId;
  /** The asker's; it means nothing here. */
  readonly context: Uint8Array;
}

/**
 * Reads waiting for a quorum to say that its leader still leads (ReadIndex, thesis §6.4).
 *
 * They are confirmed in rounds: heartbeats carry the number of the newest round, answers return it. The number only
 * grows within a leadership and an answer counts in one term only, so an answer never confirms a read that came after
 * the heartbeat it answers. The asker's own context would not do as that number: askers may repeat it (etcd#20418).
 */
export class ReadOnly {
  /** Came before this leader committed anything: it does not know how far its predecessors got (§8). */
  #held: Omit<ReadRequest, "index">[] = [];
  /** In no round yet. Many reads of one turn share a round. */
  #fresh: ReadRequest[] = [];
  readonly #rounds = new Ring<{ readonly number: number; readonly requests: readonly ReadRequest[] }>();
  #lastRound = 0;

  hold(from: NodeId, context: Uint8Array): void {
    this.#held.push({ from, context });
  }

  /** The leader has committed in its own term: what was held may go on. */
  release(committed: Index): void {
    for (const { from, context } of this.#held) this.add({ index: committed, from, context });
    this.#held = [];
  }

  add(request: ReadRequest): void {
    this.#fresh.push(request);
  }

  get hasFresh(): boolean {
    return this.#fresh.length > 0;
  }

  /** A round is out that no quorum has answered. */
  get waiting(): boolean {
    return this.#rounds.size > 0;
  }

  get lastRound(): number {
    return this.#lastRound;
  }

  /** Puts the fresh requests into a round of their own. */
  startRound(): void {
    this.#rounds.push({ number: ++this.#lastRound, requests: this.#fresh });
    this.#fresh = [];
  }

  /** A quorum has answered `round` or a later one. */
  confirm(round: number): ReadRequest[] {
    const confirmed: ReadRequest[] = [];
    for (
      let oldest = this.#rounds.peek();
      oldest !== undefined && oldest.number <= round;
      oldest = this.#rounds.peek()
    ) {
      this.#rounds.shift();
      confirmed.push(...oldest.requests);
    }
    return confirmed;
  }
}

/** Eight bytes, big-endian. */
export function encodeRound(round: number): Uint8Array {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(round));
  return bytes;
}

/** Undefined for a context that no round made. */
export function decodeRound(context: Uint8Array): number | undefined {
  if (context.length !== 8) return undefined;
  return Number(new DataView(context.buffer, context.byteOffset, 8).getBigUint64(0));
}
