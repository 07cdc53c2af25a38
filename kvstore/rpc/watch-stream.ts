import type { Timer } from "../../base/mod.ts";
import {
  type Encoded,
  type EtcdErrorName,
  type Event,
  etcdErrors,
  FilterType,
  type WatchCreateRequest,
  type WatchRequest,
  WatchResponse,
} from "../../proto/mod.ts";
import { failpoints } from "../failpoint/mod.ts";
import { type KeyRange, keyRange, type WatchBatch, type Watcher, type WatchSink } from "../mvcc/mod.ts";
import { goErrorText } from "./errors.ts";
import type { BidiCall, Receiver } from "./grpc/mod.ts";
import type { WatchServiceOptions } from "./watch.ts";
import { fragments } from "./watch-fragments.ts";
import type { WatchHeads } from "./watch-heads.ts";

/** In answers that concern no watch, or all of the stream. */
const noWatchId = -1;

type Message = Omit<Partial<WatchResponse>, "events" | "header"> & { readonly events?: readonly Encoded<Event>[] };

interface Watch {
  readonly id: number;
  readonly watcher: Watcher;
  readonly progressNotify: boolean;
  readonly fragment: boolean;
  /** A WatchResponse with nothing but the id. */
  readonly idPiece: Uint8Array;
  /** Events were sent since the last tick, so the client knows without being notified. */
  sentSinceTick: boolean;
}

/** One client's stream: turns its requests into watchers of the hub, and what these hear into its messages. Messages leave
 * in the order in which they are written here, so what a message claims about earlier ones holds. */
export class WatchStream implements WatchSink, Receiver<WatchRequest> {
  readonly #call: BidiCall<WatchResponse>;
  readonly #options: WatchServiceOptions;
  readonly #heads: WatchHeads;
  readonly #watches = new Map<number, Watch>();
  readonly #byWatcher = new Map<Watcher, Watch>();
  /** Of watches that compaction ended: theirs, as in etcd, until the client cancels them too. */
  readonly #compactedIds = new Set<number>();
  #nextId = 0;
  /** The client does not keep up: events are refused until the call has drained. */
  #blocked = false;
  /** A failpoint says that the client does not keep up. */
  #stalled = false;
  #progressRequested = false;
  #ticker: Timer | undefined;
  onClosed: (() => void) | undefined;

  constructor(call: BidiCall<WatchResponse>, options: WatchServiceOptions, heads: WatchHeads) {
    this.#call = call;
    this.#options = options;
    this.#heads = heads;
    call.onCancel = () => this.#close();
    call.onDrain = () => this.#drained();
  }

  #drained(): void {
    if (this.#stalled) return;
    this.#blocked = false;
    this.#options.hub.drained(this);
  }

  message({ createRequest, cancelRequest, progressRequest }: WatchRequest): void {
    if (createRequest !== undefined) this.#create(createRequest);
    else if (cancelRequest !== undefined) this.#cancel(cancelRequest.watchId);
    else if (progressRequest !== undefined) {
      this.#progressRequested = true;
      this.#answerProgress();
    }
  }

  end(): void {
    // Whoever has nothing more to ask still listens, until it cancels the call: a watch by way of JSON is one POST.
  }

  fail(name: EtcdErrorName): void {
    const [code, message] = etcdErrors[name];
    this.#close();
    this.#call.fail(code, message);
  }

  deliver(watcher: Watcher, batch: WatchBatch): boolean {
    if (this.#blocked) return false;
    const watch = this.#byWatcher.get(watcher) as Watch;
    watch.sentSinceTick = true;
    if (this.#options.sentEvents !== undefined) this.#options.sentEvents.value += batch.events.length;
    if (watch.fragment) this.#sendFragments(watch.id, batch.revision, batch.encode(watcher.prevKv));
    else {
      // All but the id is the same for all who watch the same keys.
      const pieces = [this.#heads.at(batch.revision), watch.idPiece, batch.encodeTogether(watcher.prevKv)];
      this.#sent(this.#call.writePieces(pieces));
    }
    return true;
  }

  compacted(watcher: Watcher, compactRevision: number): boolean {
    if (this.#blocked) return false;
    const watch = this.#byWatcher.get(watcher) as Watch;
    this.#forget(watch);
    this.#compactedIds.add(watch.id);
    this.#send({ watchId: watch.id, canceled: true, compactRevision }, 0);
    return true;
  }

  caughtUp(): void {
    this.#answerProgress();
  }

  #create(request: WatchCreateRequest): void {
    const { hub } = this.#options;
    // Clients mean the least key when they give none.
    const keys = keyRange(request.key.length === 0 ? Uint8Array.of(0) : request.key, request.rangeEnd);
    const cancelReason = this.#refusalOf(request, keys);
    if (cancelReason !== undefined) {
      this.#send({ watchId: noWatchId, created: true, canceled: true, cancelReason }, hub.revision);
      return;
    }
    const id = request.watchId === 0 ? this.#pickId() : request.watchId;
    const watcher = hub.watch(
      {
        keys,
        startRevision: request.startRevision,
        prevKv: request.prevKv,
        noPut: request.filters.includes(FilterType.NOPUT),
        noDelete: request.filters.includes(FilterType.NODELETE),
      },
      this,
    );
    const { progressNotify, fragment } = request;
    const idPiece = WatchResponse.encode({ watchId: id });
    const watch: Watch = { id, watcher, progressNotify, fragment, idPiece, sentSinceTick: true };
    this.#watches.set(id, watch);
    this.#byWatcher.set(watcher, watch);
    if (progressNotify) this.#startTicking();
    // The hub tells nothing in the turn that made the watcher, so this is the first the client hears of it.
    this.#send({ watchId: id, created: true }, hub.revision);
  }

  #pickId(): number {
    while (this.#isTaken(this.#nextId)) this.#nextId++;
    return this.#nextId++;
  }

  #isTaken(id: number): boolean {
    return this.#watches.has(id) || this.#compactedIds.has(id);
  }

  #refusalOf(request: WatchCreateRequest, { from, to }: KeyRange): string | undefined {
    if (request.startRevision < 0) return etcdErrors.Compacted[1];
    const denied = this.#options.mayWatch?.(this.#call, request);
    if (denied !== undefined) return goErrorText(denied);
    if (to !== undefined && from >= to) return "mvcc: watcher range is empty";
    if (request.watchId !== 0 && this.#isTaken(request.watchId)) {
      return "mvcc: duplicate watch ID provided on the WatchStream";
    }
    return undefined;
  }

  #cancel(id: number): void {
    const watch = this.#watches.get(id);
    if (watch !== undefined) {
      this.#options.hub.cancel(watch.watcher);
      this.#forget(watch);
    } else if (!this.#compactedIds.delete(id)) return;
    this.#send({ watchId: id, canceled: true }, this.#options.hub.revision);
    this.#answerProgress();
  }

  #forget(watch: Watch): void {
    this.#watches.delete(watch.id);
    this.#byWatcher.delete(watch.watcher);
  }

  /** Waits, if need be, until every watcher of the stream has been told everything. */
  #answerProgress(): void {
    if (!this.#progressRequested) return;
    if (failpoints.armed) failpoints.pass("beforeProgressIfSync", () => this.#answerProgressNow());
    else this.#answerProgressNow();
  }

  #answerProgressNow(): void {
    if (!this.#progressRequested) return;
    const revision = this.#options.hub.progress(this.#byWatcher.keys());
    if (revision === undefined) return;
    this.#progressRequested = false;
    this.#send({ watchId: noWatchId }, revision);
  }

  #startTicking(): void {
    if (this.#ticker !== undefined) return;
    const { clock, progressIntervalMs, jitter } = this.#options;
    this.#ticker = clock.after(progressIntervalMs * (1 + jitter() / 10), () => {
      this.#ticker = undefined;
      this.#startTicking();
      this.#notifyProgress();
    });
  }

  #notifyProgress(): void {
    for (const watch of this.#watches.values()) {
      if (!watch.progressNotify) continue;
      const revision = watch.sentSinceTick || this.#blocked ? undefined : this.#options.hub.progress([watch.watcher]);
      watch.sentSinceTick = false;
      if (revision !== undefined) this.#send({ watchId: watch.id }, revision);
    }
  }

  #sendFragments(watchId: number, revision: number, events: readonly Encoded<Event>[]): void {
    for (const { part, isLast } of fragments(events, this.#options.maxFragmentBytes)) {
      this.#send({ watchId, events: part, fragment: !isLast }, revision);
    }
  }

  #send(message: Message, revision: number): void {
    const header = { ...this.#options.header(), revision };
    this.#sent(this.#call.write({ ...message, header }));
  }

  #sent(keepsUp: boolean): void {
    if (!keepsUp) this.#blocked = true;
    if (failpoints.armed) this.#stall(failpoints.delayMs("beforeSendWatchResponse"));
  }

  /** What comes after this message waits, as behind a slow client. */
  #stall(ms: number): void {
    if (ms === 0 || this.#stalled) return;
    this.#stalled = true;
    this.#blocked = true;
    this.#options.clock.after(ms, () => {
      this.#stalled = false;
      this.#drained();
    });
  }

  #close(): void {
    this.#ticker?.cancel();
    for (const { watcher } of this.#watches.values()) this.#options.hub.cancel(watcher);
    this.#watches.clear();
    this.#byWatcher.clear();
    this.onClosed?.();
    this.onClosed = undefined;
  }
}
