// What the API server needs of a store, and no more: the handful of etcd requests that Kubernetes really makes
// (range, one-key transactions on the mod revision, watch with progress, leases without keep-alive, compaction).

/** Object bytes under a key, as of the revision that last wrote them. */
export interface Stored {
  readonly key: string;
  readonly value: Uint8Array;
  /** Revision of the last write of this key: the object's resourceVersion. */
  readonly modRevision: number;
  /** Encrypted otherwise than it would be today: writing it again is no waste, even if nothing in it changes. */
  readonly stale?: true;
}

export type RangeFailure = "Compacted" | "FutureRevision";

export type RangeResult =
  | {
      readonly ok: true;
      readonly items: readonly Stored[];
      /** Revision of the store the answer shows. */
      readonly revision: number;
      /** Keys in the whole interval, whatever the limit. */
      readonly count: number;
    }
  | { readonly ok: false; readonly error: RangeFailure };

export type WriteResult =
  | { readonly ok: true; readonly revision: number }
  /** The key was not at the expected revision; `current` is what stands there (undefined: nothing). */
  | { readonly ok: false; readonly current: Stored | undefined };

/** One change of one key. `value` is undefined for a deletion. */
export interface StoreEvent {
  readonly key: string;
  readonly value: Uint8Array | undefined;
  readonly modRevision: number;
}

export interface WatchSink {
  /** Whole revisions, in order. */
  events(events: readonly StoreEvent[]): void;
  /** Everything up to and including `revision` has been delivered. */
  progress(revision: number): void;
  /** History from the asked revision on is gone; the watch is over. */
  compacted(): void;
}

export interface StoreWatch {
  /** Asks for a `progress` call; it comes soon, and after every event before it. */
  requestProgress(): void;
  close(): void;
}

export interface RangeOptions {
  /** First key to return; default: the prefix itself. */
  readonly from?: string;
  /** 0 or absent: no limit. */
  readonly limit?: number;
  /** Absent: the newest, read linearizably. */
  readonly revision?: number;
}

export interface Store {
  get(key: string): Promise<Stored | undefined>;
  /** Keys that start with `prefix`, in key order. */
  range(prefix: string, options?: RangeOptions): Promise<RangeResult>;
  /** Newest revision of the store, read linearizably. */
  revision(): Promise<number>;
  /** Writes only if the key is at `expected` (0: absent). */
  put(key: string, value: Uint8Array, expected: number, lease?: bigint): Promise<WriteResult>;
  delete(key: string, expected: number): Promise<WriteResult>;
  /** Every change of keys under `prefix` at revisions ≥ `from`. Reconnects by itself; errors are the store's to log. */
  watch(prefix: string, from: number, sink: WatchSink): StoreWatch;
  grantLease(ttlSeconds: number): Promise<bigint>;
  /** Writes `revision` to `compact_rev_key` if that still has `version`; answers with the store's revision now. */
  claimCompaction(version: number, revision: number): Promise<CompactionClaim>;
  compact(revision: number): Promise<void>;
  /** Whether progress requests can be trusted for consistent reads (etcd ≥ 3.4.31 or ≥ 3.5.13 on every endpoint). */
  supportsProgress(): Promise<boolean>;
  close(): Promise<void>;
}

export type CompactionClaim =
  | { readonly won: true; readonly revision: number }
  | { readonly won: false; readonly version: number; readonly revision: number };

/** The store cannot be reached, or refused for a reason no caller plans for. `code` is stable. */
export class StoreError extends Error {
  override readonly name = "StoreError";
  readonly code: "Unavailable" | "TooLarge" | "NoSpace" | "Internal";

  constructor(code: StoreError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** First key after every key that starts with `prefix`. */
export function prefixEnd(prefix: string): string {
  const last = prefix.charCodeAt(prefix.length - 1);
  return prefix.slice(0, -1) + String.fromCharCode(last + 1);
}
