import type { Encoded, Event } from "../../../proto/mod.ts";
import type { StoreEvent } from "../event.ts";
import type { KeyRange } from "../key-range.ts";

/** Some events for one watcher, whole revisions in order. Watchers of the same keys share the same batch. */
export interface WatchBatch {
  /** Of the store when the batch was made; not before the last event. */
  readonly revision: number;
  readonly events: readonly StoreEvent[];
  /** With what the watcher wants to know of the value before. */
  encode(prevKv: boolean): readonly Encoded<Event>[];
  /** The same as the `events` of a WatchResponse, encoded: with what goes before them, they make a message. */
  encodeTogether(prevKv: boolean): Uint8Array;
}

/** Where a watcher's messages go: one stream of one client, shared by its watchers. */
export interface WatchSink {
  /** False when the client does not keep up: the batch was not taken, and comes again after `WatchHub.drained`. */
  deliver(watcher: Watcher, batch: WatchBatch): boolean;
  /** The history that the watcher wanted is gone, and so is the watcher. False as above. */
  compacted(watcher: Watcher, compactRevision: number): boolean;
  /** The watcher has heard of everything there is. */
  caughtUp(watcher: Watcher): void;
}

export interface WatchRequest {
  readonly keys: KeyRange;
  /** First revision to hear of; 0 is the next one. */
  readonly startRevision: number;
  readonly prevKv: boolean;
  readonly noPut: boolean;
  readonly noDelete: boolean;
}

/**
 * Synced: has heard of every revision there is, and hears of the next when it is made.
 * Unsynced: reads what it has missed from the history.
 * Victim: its client does not keep up; holds one batch that was refused, and hears of nothing until that is taken.
 */
export type WatcherState =
  | { readonly kind: "synced" | "unsynced" | "ended" }
  | { readonly kind: "victim"; readonly refused: WatchBatch };

export interface Watcher extends WatchRequest {
  readonly sink: WatchSink;
  state: WatcherState;
  /** It has not heard of this revision and later ones. Only grows. Of a synced watcher, the hub knows better. */
  minRevision: number;
}

export const synced: WatcherState = { kind: "synced" };
export const unsynced: WatcherState = { kind: "unsynced" };
export const ended: WatcherState = { kind: "ended" };
