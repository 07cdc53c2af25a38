import { seededRandom } from "../../../base/mod.ts";
import type { ByteString } from "../byte-string.ts";
import type { StoreEvent } from "../event.ts";
import { IntervalTree } from "./interval-tree.ts";
import type { Watcher } from "./watcher.ts";

/** The watchers of exactly the same keys, and what happened to these keys. */
export interface Cell {
  readonly from: ByteString;
  readonly to: ByteString | undefined;
  readonly watchers: Set<Watcher>;
  events: StoreEvent[];
}

/** Watchers by what they watch, so that an event finds its own without a look at the others. */
export class WatcherGroup {
  readonly #byKey = new Map<ByteString, Cell>();
  readonly #byRange = new Map<ByteString, Map<ByteString | undefined, Cell>>();
  // Any numbers would do that are not in step with the order in which ranges come.
  readonly #ranges = new IntervalTree<Cell>(seededRandom(1));
  readonly #watchers = new Set<Watcher>();

  get size(): number {
    return this.#watchers.size;
  }

  has(watcher: Watcher): boolean {
    return this.#watchers.has(watcher);
  }

  [Symbol.iterator](): IterableIterator<Watcher> {
    return this.#watchers.values();
  }

  add(watcher: Watcher): void {
    this.#watchers.add(watcher);
    this.#cellOf(watcher).watchers.add(watcher);
  }

  delete(watcher: Watcher): void {
    this.#watchers.delete(watcher);
    const cell = this.#cellOf(watcher);
    cell.watchers.delete(watcher);
    if (cell.watchers.size > 0) return;
    if (isSingle(cell)) this.#byKey.delete(cell.from);
    else {
      this.#ranges.delete(cell);
      const sameStart = this.#byRange.get(cell.from);
      sameStart?.delete(cell.to);
      if (sameStart?.size === 0) this.#byRange.delete(cell.from);
    }
  }

  /** Gives each event to the cells it concerns, and returns those. */
  sort(events: readonly StoreEvent[]): Cell[] {
    const touched: Cell[] = [];
    for (const event of events) {
      const add = (cell: Cell) => {
        if (cell.events.length === 0) touched.push(cell);
        cell.events.push(event);
      };
      const single = this.#byKey.get(event.key);
      if (single !== undefined) add(single);
      this.#ranges.stab(event.key, add);
    }
    return touched;
  }

  #cellOf({ keys: { from, to } }: Watcher): Cell {
    const known = to === `${from}\0` ? this.#byKey.get(from) : this.#byRange.get(from)?.get(to);
    if (known !== undefined) return known;
    const cell: Cell = { from, to, watchers: new Set(), events: [] };
    if (isSingle(cell)) this.#byKey.set(from, cell);
    else {
      this.#ranges.insert(cell);
      const sameStart = this.#byRange.get(from);
      if (sameStart === undefined) this.#byRange.set(from, new Map([[to, cell]]));
      else sameStart.set(to, cell);
    }
    return cell;
  }
}

function isSingle({ from, to }: Cell): boolean {
  return to === `${from}\0`;
}
