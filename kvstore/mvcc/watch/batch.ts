import { type Encoded, type Event, WatchResponse } from "../../../proto/mod.ts";
import type { StoreEvent } from "../event.ts";
import type { Store } from "../store.ts";
import type { WatchBatch, Watcher } from "./watcher.ts";

/** Events encoded when the first watcher wants them, in one of two ways, for all that share the batch. */
export class EventBatch implements WatchBatch {
  readonly revision: number;
  readonly events: readonly StoreEvent[];
  readonly #store: Store;
  #plain: readonly Encoded<Event>[] | undefined;
  #withPrevious: readonly Encoded<Event>[] | undefined;
  #plainTogether: Uint8Array | undefined;
  #withPreviousTogether: Uint8Array | undefined;

  constructor(store: Store, revision: number, events: readonly StoreEvent[]) {
    this.#store = store;
    this.revision = revision;
    this.events = events;
  }

  encode(prevKv: boolean): readonly Encoded<Event>[] {
    if (!prevKv) {
      this.#plain ??= this.events.map((event) => event.encode());
      return this.#plain;
    }
    this.#withPrevious ??= this.events.map((event) =>
      event.encodeWithPrevious(({ key, main }) => this.#store.recordAt(key, main - 1)),
    );
    return this.#withPrevious;
  }

  encodeTogether(prevKv: boolean): Uint8Array {
    if (prevKv) {
      this.#withPreviousTogether ??= WatchResponse.encode({ events: this.encode(true) });
      return this.#withPreviousTogether;
    }
    this.#plainTogether ??= WatchResponse.encode({ events: this.encode(false) });
    return this.#plainTogether;
  }

  /** The part that one watcher wants: the batch itself in most cases, undefined when it is nothing. */
  for({ minRevision, noPut, noDelete }: Watcher): EventBatch | undefined {
    const first = this.events[0];
    if (!noPut && !noDelete && first !== undefined && first.main >= minRevision) return this;
    const events = this.events.filter(({ main, tombstone }) => main >= minRevision && !(tombstone ? noDelete : noPut));
    return events.length === 0 ? undefined : new EventBatch(this.#store, this.revision, events);
  }
}
