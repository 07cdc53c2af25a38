import { type FailureStatus, type KubeObject, status } from "../../api/mod.ts";
import type { Sink } from "../http/reply.ts";
import type { CacheEvent, WatchCache } from "../storage/watch-cache.ts";
import type { Lister, ObjectList } from "./list.ts";

export type WatchType = "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";

/** Turns what is watched into bytes of one stream. */
export interface WatchEncoder {
  object(type: "ADDED" | "MODIFIED" | "DELETED", object: KubeObject): Uint8Array;
  bookmark(revision: number, initialEventsEnd: boolean): Uint8Array;
  failure(status: FailureStatus): Uint8Array;
}

export interface WatchOptions {
  readonly matches: (object: KubeObject) => boolean;
  readonly resourceVersion: string;
  readonly allowBookmarks: boolean;
  /** Stream the present state first, whatever the resource version, and mark its end with a bookmark. */
  readonly sendInitialEvents: boolean;
  readonly timeoutMs: number;
}

const BOOKMARK_EVERY_MS = 60_000;
/** Before a stream ends by its timeout, a last bookmark says where to resume. */
const BOOKMARK_BEFORE_END_MS = 2_000;
/** What a slow client may have waiting. Beyond it the stream ends, and the client resumes or lists again. */
const MAX_BACKLOG = { events: 1_000, bytes: 8 << 20 };

/**
 * One client's stream of changes. The cache calls in with events; they are encoded and written at once, or kept while
 * the client does not keep up.
 */
export class WatchStream {
  readonly #cache: WatchCache;
  readonly #prefix: string;
  readonly #options: WatchOptions;
  readonly #encoder: WatchEncoder;
  #sink!: Sink;
  readonly #backlog: Uint8Array[] = [];
  #backlogBytes = 0;
  #stalled = false;
  /** What the stream opens with, until it has been sent. */
  #state: Pick<ObjectList, "items" | "revision"> | undefined;
  readonly #over = Promise.withResolvers<void>();
  /** Changes up to here have been written or did not concern this stream. */
  #seen = 0;

  constructor(cache: WatchCache, prefix: string, options: WatchOptions, encoder: WatchEncoder) {
    this.#cache = cache;
    this.#prefix = prefix;
    this.#options = options;
    this.#encoder = encoder;
  }

  /** Before the headers go out, so that a failure can still be an answer: finds what the stream starts from. */
  async prepare(lister: Lister): Promise<void> {
    const { resourceVersion, sendInitialEvents } = this.#options;
    if (sendInitialEvents || resourceVersion === "" || resourceVersion === "0")
      this.#state = await lister.state(this.#prefix, resourceVersion);
    else await this.#cache.start();
  }

  /** Streams until the client leaves, the time is up, or the cache cannot go on. */
  async run(sink: Sink): Promise<void> {
    this.#sink = sink;
    if (sink.signal.aborted) return;
    if (this.#state !== undefined) this.#sendState(this.#state);
    else this.#seen = Number(this.#options.resourceVersion);
    this.#state = undefined;
    const from = this.#seen;
    const subscription = this.#cache.subscribe(this.#prefix, from, {
      event: (event) => this.#onEvent(event),
      lost: () => this.#over.resolve(),
    });
    if (subscription === "TooOld") {
      this.#send(
        this.#encoder.failure(status.expired(`too old resource version: ${from} (${this.#cache.historyStart})`)),
      );
      return;
    }
    using timers = new Timers();
    timers.after(this.#options.timeoutMs, () => this.#over.resolve());
    if (this.#options.allowBookmarks) {
      timers.every(BOOKMARK_EVERY_MS, () => this.#bookmark());
      timers.after(this.#options.timeoutMs - BOOKMARK_BEFORE_END_MS, () => this.#bookmark());
    }
    const leave = () => this.#over.resolve();
    sink.signal.addEventListener("abort", leave, { once: true });
    await this.#over.promise;
    sink.signal.removeEventListener("abort", leave);
    subscription.close();
  }

  #sendState({ items, revision }: Pick<ObjectList, "items" | "revision">): void {
    this.#seen = revision;
    for (const object of items) if (this.#options.matches(object)) this.#send(this.#encoder.object("ADDED", object));
    if (this.#options.sendInitialEvents && this.#options.allowBookmarks)
      this.#send(this.#encoder.bookmark(this.#seen, true));
  }

  /** An object that stops matching is gone for this client, one that starts to is new. */
  #onEvent(event: CacheEvent): void {
    const { matches } = this.#options;
    const was = event.previous !== undefined && matches(event.previous);
    if (event.object !== undefined && matches(event.object))
      this.#send(this.#encoder.object(was ? "MODIFIED" : "ADDED", event.object));
    else if (was) this.#send(this.#encoder.object("DELETED", event.gone));
    this.#seen = event.revision;
  }

  #bookmark(): void {
    // The cache may know of later revisions that changed nothing here: resuming there is cheaper.
    this.#send(this.#encoder.bookmark(Math.max(this.#seen, this.#cache.revision), false));
  }

  #send(bytes: Uint8Array): void {
    if (this.#sink.signal.aborted) return;
    if (!this.#stalled) {
      if (!this.#sink.write(bytes)) this.#waitForDrain();
      return;
    }
    this.#backlog.push(bytes);
    this.#backlogBytes += bytes.length;
    if (this.#backlog.length > MAX_BACKLOG.events || this.#backlogBytes > MAX_BACKLOG.bytes) this.#over.resolve();
  }

  #waitForDrain(): void {
    this.#stalled = true;
    this.#sink.drained().then(() => {
      this.#stalled = false;
      const waiting = this.#backlog.splice(0);
      this.#backlogBytes = 0;
      for (const bytes of waiting) this.#send(bytes);
    });
  }
}

/** Timers that end with the scope that holds them. */
class Timers implements Disposable {
  readonly #timeouts: NodeJS.Timeout[] = [];

  after(ms: number, fire: () => void): void {
    this.#timeouts.push(setTimeout(fire, Math.max(0, ms)));
  }

  every(ms: number, fire: () => void): void {
    this.#timeouts.push(setInterval(fire, ms));
  }

  [Symbol.dispose](): void {
    for (const timeout of this.#timeouts) clearTimeout(timeout);
  }
}
