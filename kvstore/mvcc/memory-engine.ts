import { compareBytes } from "../../base/mod.ts";
import { type ByteString, fromByteString } from "./byte-string.ts";
import type { Change, Engine, EngineHome, Entry, Successor } from "./engine.ts";

/** A home in memory. It outlives its engines, as a disk outlives a process. */
export class MemoryHome implements EngineHome {
  #entries = new Map<ByteString, Uint8Array>();

  async open(): Promise<Engine> {
    return new MemoryEngine(this.#entries);
  }

  async openSuccessor(): Promise<Successor> {
    const entries = new Map<ByteString, Uint8Array>();
    return {
      engine: new MemoryEngine(entries),
      takeOver: async () => {
        this.#entries = entries;
      },
    };
  }
}

class MemoryEngine implements Engine {
  readonly #entries: Map<ByteString, Uint8Array>;
  #sizeBytes = 0;

  constructor(entries: Map<ByteString, Uint8Array>) {
    this.#entries = entries;
    for (const [key, value] of entries) this.#sizeBytes += key.length + value.length;
  }

  get(key: ByteString): Uint8Array | undefined {
    return this.#entries.get(key);
  }

  async write(changes: Iterable<Change>): Promise<void> {
    for (const { key, value } of changes) {
      const before = this.#entries.get(key);
      if (before !== undefined) this.#sizeBytes -= key.length + before.length;
      if (value === undefined) {
        this.#entries.delete(key);
        continue;
      }
      this.#entries.set(key, typeof value === "string" ? fromByteString(value) : value.slice());
      this.#sizeBytes += key.length + value.length;
    }
  }

  scan(from: ByteString, to: ByteString, run = 1000): AsyncGenerator<readonly Entry[]> {
    const found: Entry[] = [];
    for (const [key, value] of this.#entries) {
      if (key >= from && key < to) found.push({ key: fromByteString(key), value });
    }
    found.sort((a, b) => compareBytes(a.key, b.key));
    return inRuns(found, run);
  }

  async sizeBytes(): Promise<number> {
    return this.#sizeBytes;
  }

  async defragment(): Promise<void> {
    // A map has no gaps.
  }

  async close(): Promise<void> {
    // The home keeps the entries.
  }
}

async function* inRuns(entries: readonly Entry[], run: number): AsyncGenerator<readonly Entry[]> {
  for (let start = 0; start < entries.length; start += run) yield entries.slice(start, start + run);
}
