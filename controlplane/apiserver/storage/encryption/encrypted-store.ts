import type {
  CompactionClaim,
  RangeOptions,
  RangeResult,
  Store,
  Stored,
  StoreWatch,
  WatchSink,
  WriteResult,
} from "../store.ts";
import { StoreError } from "../store.ts";
import { identity, TransformError, type Transformer } from "./transformer.ts";

/** How the values under a key are kept; undefined: as they are. */
export type TransformerOf = (key: string) => Transformer | undefined;

/** A store whose values are encrypted on their way in and decrypted on their way out. Keys are not. */
export class EncryptedStore implements Store {
  readonly #store: Store;
  readonly #transformerOf: TransformerOf;

  constructor(store: Store, transformerOf: TransformerOf) {
    this.#store = store;
    this.#transformerOf = transformerOf;
  }

  async get(key: string): Promise<Stored | undefined> {
    const stored = await this.#store.get(key);
    return stored && this.#open(stored);
  }

  async range(prefix: string, options?: RangeOptions): Promise<RangeResult> {
    const found = await this.#store.range(prefix, options);
    return found.ok ? { ...found, items: found.items.map((stored) => this.#open(stored)) } : found;
  }

  async put(key: string, value: Uint8Array, expected: number, lease?: bigint): Promise<WriteResult> {
    const bytes = this.#transformerOf(key)?.toStorage(value, key) ?? value;
    return this.#opened(await this.#store.put(key, bytes, expected, lease));
  }

  async delete(key: string, expected: number): Promise<WriteResult> {
    return this.#opened(await this.#store.delete(key, expected));
  }

  watch(prefix: string, from: number, sink: WatchSink): StoreWatch {
    return this.#store.watch(prefix, from, {
      progress: (revision) => sink.progress(revision),
      compacted: () => sink.compacted(),
      events: (events) => {
        try {
          sink.events(
            events.map((event) => {
              if (event.value === undefined) return event;
              const { value } = this.#open({ ...event, value: event.value });
              return { ...event, value };
            }),
          );
        } catch (error) {
          if (!(error instanceof StoreError)) throw error;
          // Nobody can follow what nobody can read: whoever watches has to list, and is told why it cannot.
          sink.compacted();
        }
      },
    });
  }

  revision(): Promise<number> {
    return this.#store.revision();
  }

  grantLease(ttlSeconds: number): Promise<bigint> {
    return this.#store.grantLease(ttlSeconds);
  }

  claimCompaction(version: number, revision: number): Promise<CompactionClaim> {
    return this.#store.claimCompaction(version, revision);
  }

  compact(revision: number): Promise<void> {
    return this.#store.compact(revision);
  }

  supportsProgress(): Promise<boolean> {
    return this.#store.supportsProgress();
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  #opened(result: WriteResult): WriteResult {
    return result.ok || result.current === undefined ? result : { ok: false, current: this.#open(result.current) };
  }

  #open(stored: Stored): Stored {
    const { key, value } = stored;
    try {
      const { plain, stale } = (this.#transformerOf(key) ?? identity).fromStorage(value, key);
      return { ...stored, value: plain, ...(stale && { stale: true as const }) };
    } catch (error) {
      if (!(error instanceof TransformError)) throw error;
      const message = `unable to transform key ${JSON.stringify(key)}: ${error.message}`;
      throw new StoreError("Internal", message, { cause: error });
    }
  }
}
