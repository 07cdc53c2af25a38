import { assert, Heap } from "../../base/mod.ts";

interface Alarm {
  readonly id: bigint;
  readonly atMs: number;
}

/** When each lease is due. Moving a lease leaves its old alarm in the heap, where it is skipped when it comes up: a lease
 * that is renewed every second costs a push a second and no search. */
export class ExpiryQueue {
  #heap = new Heap<Alarm>((a, b) => a.atMs - b.atMs);
  readonly #due = new Map<bigint, number>();

  set(id: bigint, atMs: number): void {
    this.#due.set(id, atMs);
    this.#heap.push({ id, atMs });
    if (this.#heap.size > 64 + 4 * this.#due.size) this.#rebuild();
  }

  delete(id: bigint): void {
    this.#due.delete(id);
  }

  clear(): void {
    this.#due.clear();
    this.#rebuild();
  }

  /** Takes up to `limit` leases that are due, the longest overdue first. */
  takeDue(nowMs: number, limit: number): bigint[] {
    const due: bigint[] = [];
    for (let next = this.#heap.peek(); next !== undefined && next.atMs <= nowMs; next = this.#heap.peek()) {
      if (due.length === limit) break;
      this.#heap.pop();
      if (this.#due.get(next.id) !== next.atMs) continue;
      this.#due.delete(next.id);
      due.push(next.id);
    }
    return due;
  }

  #rebuild(): void {
    this.#heap = new Heap<Alarm>((a, b) => a.atMs - b.atMs);
    for (const [id, atMs] of this.#due) this.#heap.push({ id, atMs });
    assert(this.#heap.size === this.#due.size, "each lease has one alarm after a rebuild");
  }
}
