import { fromUtf8, type Random, toUtf8 } from "../../../base/mod.ts";
import type { Store } from "../storage/store.ts";
import { Bitmap } from "./bitmap.ts";

export interface RangeOptions {
  /** Key of the RangeAllocation that all API servers of the store share. */
  readonly key: string;
  /** As it is written into that object, such as `10.96.0.0/16` or `30000-32767`. */
  readonly range: string;
  readonly size: number;
  /** Below this offset numbers are left to those who ask for them by name, as long as others are free. */
  readonly staticBand: number;
  readonly random: Random;
}

/** Hands out numbers of a range, each once, by compare-and-swap on one key of the store. */
export class RangeAllocator {
  readonly #store: Store;
  readonly #options: RangeOptions;
  /** Taken by nobody, as the last repair saw it: freed if the next one still does. */
  #leaked = new Set<number>();

  constructor(store: Store, options: RangeOptions) {
    this.#store = store;
    this.#options = options;
  }

  /** Takes `offset`; false when it is taken already. */
  async allocate(offset: number, dryRun: boolean): Promise<boolean> {
    let granted = false;
    await this.#change((taken) => {
      granted = !taken.has(offset);
      if (!granted || dryRun) return false;
      taken.add(offset);
      return true;
    });
    return granted;
  }

  /** Takes a free number; undefined when there is none. */
  async allocateNext(dryRun: boolean): Promise<number | undefined> {
    const { size, staticBand, random } = this.#options;
    let offset: number | undefined;
    await this.#change((taken) => {
      offset = taken.free(staticBand, size, staticBand + random.below(size - staticBand));
      if (offset === undefined && staticBand > 0) offset = taken.free(0, staticBand, random.below(staticBand));
      if (offset === undefined || dryRun) return false;
      taken.add(offset);
      return true;
    });
    return offset;
  }

  async release(offsets: readonly number[]): Promise<void> {
    if (offsets.length === 0) return;
    await this.#change((taken) => {
      for (const offset of offsets) taken.delete(offset);
      return true;
    });
  }

  /**
   * Makes the stored set agree with the numbers in use. A server that died between taking a number and writing the object
   * leaks it: what nobody uses in two repairs in a row is freed, so that a creation in progress keeps its number.
   */
  async repair(inUse: ReadonlySet<number>): Promise<void> {
    const leaked = new Set<number>();
    await this.#change((taken) => {
      leaked.clear();
      let changed = false;
      for (const offset of inUse) {
        if (taken.has(offset)) continue;
        taken.add(offset);
        changed = true;
      }
      for (const offset of taken.offsets()) {
        if (inUse.has(offset)) continue;
        if (this.#leaked.has(offset)) {
          taken.delete(offset);
          changed = true;
        } else leaked.add(offset);
      }
      return changed;
    });
    this.#leaked = leaked;
  }

  /** Runs `edit` on the current set until what it made of it is stored; `edit` says whether there is anything to store. */
  async #change(edit: (taken: Bitmap) => boolean): Promise<void> {
    const { key, range, size } = this.#options;
    let current = await this.#store.get(key);
    for (;;) {
      const taken = new Bitmap(size, current === undefined ? undefined : decode(current.value, range));
      if (!edit(taken)) return;
      const result = await this.#store.put(key, encode(taken, range), current?.modRevision ?? 0);
      if (result.ok) return;
      current = result.current;
    }
  }
}

function encode(taken: Bitmap, range: string): Uint8Array {
  const data = Buffer.from(taken.toStored()).toString("base64");
  return toUtf8(JSON.stringify({ kind: "RangeAllocation", apiVersion: "v1", metadata: {}, range, data }));
}

/** A set that was kept for another range means nothing here: repair fills the new one from the objects. */
function decode(value: Uint8Array, range: string): Uint8Array {
  const stored = JSON.parse(fromUtf8(value)) as { range?: string; data?: string };
  return stored.range === range ? Buffer.from(stored.data ?? "", "base64") : new Uint8Array();
}
