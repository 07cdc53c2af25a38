import { Status, type WatchRequest, type WatchResponse, WatchService } from "../../proto/mod.ts";
import type { Channel } from "./channel.ts";
import { EtcdError } from "./error.ts";
import { ResumedStream, type StreamOwner } from "./resumed-stream.ts";
import type { WatchBatch, WatchClient, WatchEnd, Watcher, WatchListener, WatchRequestOptions } from "./types.ts";
import { watchBatches } from "./watch-iterator.ts";

const filterNoPut = 0;
const filterNoDelete = 1;

interface Entry {
  /** Chosen by us, and kept from stream to stream. */
  readonly id: number;
  readonly request: WatchRequestOptions;
  readonly listener: WatchListener;
  /** First revision that the listener has not seen; 0 while that is up to the server. Only grows. */
  nextRevision: number;
  /** The server of the present stream has confirmed it. */
  created: boolean;
  /** The listener has seen everything before `nextRevision`. */
  resumes: boolean;
}

/** All watchers of a client, on one stream. */
export class WatchStream implements WatchClient, StreamOwner<WatchResponse> {
  readonly #stream: ResumedStream<WatchRequest, WatchResponse>;
  readonly #watchers = new Map<number, Entry>();
  #lastId = 0;
  /** Asked for on this stream, in order, and not yet confirmed. */
  #creating: Entry[] = [];
  #progressWanted = false;

  constructor(channel: Channel) {
    this.#stream = new ResumedStream(channel, WatchService.methods.watch, this);
  }

  open(request: WatchRequestOptions, listener: WatchListener): Watcher {
    const entry: Entry = {
      id: ++this.#lastId,
      request,
      listener,
      nextRevision: request.startRevision ?? 0,
      created: false,
      resumes: false,
    };
    this.#watchers.set(entry.id, entry);
    if (this.#stream.isOpen) this.#create(entry);
    else this.#stream.connect();
    return { close: () => this.#close(entry) };
  }

  iterate(request: WatchRequestOptions, signal?: AbortSignal): AsyncIterableIterator<WatchBatch> {
    return watchBatches((listener) => this.open(request, listener), signal);
  }

  requestProgress(): void {
    this.#progressWanted = true;
    if (this.#creating.length === 0) this.#stream.send({ progressRequest: {} });
  }

  stop(): void {
    this.#watchers.clear();
    this.#stream.end();
  }

  // What the stream asks and tells.

  get wantsStream(): boolean {
    return this.#watchers.size > 0;
  }

  begun(): void {
    this.#creating = [];
    for (const entry of this.#watchers.values()) {
      entry.created = false;
      this.#create(entry);
    }
  }

  received(response: WatchResponse): void {
    const revision = response.header?.revision ?? 0;
    if (response.created) this.#created(response, revision);
    else if (response.watchId === -1 && !response.canceled) this.#progressed(revision);
    else {
      const entry = this.#watchers.get(response.watchId); // undefined: closed in the meantime
      if (entry !== undefined && response.canceled) this.#canceled(entry, response);
      else if (entry !== undefined) this.#happened(entry, response, revision);
    }
  }

  failed(error: EtcdError): void {
    for (const entry of [...this.#watchers.values()]) this.#finish(entry, { kind: "failed", error });
  }

  #close(entry: Entry): void {
    if (!this.#watchers.delete(entry.id)) return;
    if (this.#watchers.size === 0) this.#stream.end();
    else this.#stream.send({ cancelRequest: { watchId: entry.id } });
  }

  #create(entry: Entry): void {
    const { key, rangeEnd, prevKv, progressNotify, noPut, noDelete } = entry.request;
    const filters = [...(noPut ? [filterNoPut] : []), ...(noDelete ? [filterNoDelete] : [])] as (0 | 1)[];
    // A server tells no progress while one watcher of the stream starts after its current revision. One that resumes starts at the last
    // revision it saw, which exists, and drops what that repeats: else a quiet store would keep all others waiting.
    const startRevision = entry.resumes ? entry.nextRevision - 1 : entry.nextRevision;
    this.#creating.push(entry);
    this.#stream.send({
      createRequest: { key, rangeEnd, startRevision, prevKv, progressNotify, filters, watchId: entry.id },
    });
  }

  #finish(entry: Entry, end: WatchEnd): void {
    if (!this.#watchers.delete(entry.id)) return;
    entry.listener.onEnd(end);
    if (this.#watchers.size === 0) this.#stream.end();
  }

  #happened(entry: Entry, { events }: WatchResponse, revision: number): void {
    if (events.length === 0) {
      if (entry.nextRevision > revision + 1) return;
      entry.nextRevision = revision + 1;
      entry.resumes = true;
      entry.listener.onProgress?.(revision);
      return;
    }
    const fresh = events.filter(({ kv }) => (kv?.modRevision ?? 0) >= entry.nextRevision);
    const last = fresh.at(-1)?.kv?.modRevision;
    if (last === undefined) return;
    entry.nextRevision = last + 1;
    entry.resumes = true;
    entry.listener.onEvents(fresh.length === events.length ? events : fresh, revision);
  }

  /** Confirmations come in the order of the requests; one that is refused does not name its watch (its id is -1). */
  #created(response: WatchResponse, revision: number): void {
    const entry = this.#creating.shift();
    if (entry === undefined || !this.#watchers.has(entry.id)) return;
    if (response.canceled) {
      if (response.compactRevision === 0 && this.#stream.renewsToken(refusal(response.cancelReason)))
        this.#stream.beginAnew();
      else this.#canceled(entry, response);
      return;
    }
    this.#stream.served();
    entry.created = true;
    if (entry.nextRevision === 0) {
      entry.nextRevision = revision + 1;
      entry.resumes = true;
    }
    entry.listener.onCreated?.(revision);
    if (this.#progressWanted && this.#creating.length === 0) this.#stream.send({ progressRequest: {} });
  }

  #progressed(revision: number): void {
    this.#progressWanted = false;
    for (const entry of [...this.#watchers.values()]) {
      if (!entry.created || entry.nextRevision > revision + 1) continue;
      entry.nextRevision = revision + 1;
      entry.resumes = true;
      entry.listener.onProgress?.(revision);
    }
  }

  #canceled(entry: Entry, { compactRevision, cancelReason }: WatchResponse): void {
    if (compactRevision !== 0) this.#finish(entry, { kind: "compacted", compactRevision });
    else this.#finish(entry, { kind: "failed", error: refusal(cancelReason) });
  }
}

/** The reason may be the text of a gRPC error as Go prints it. */
function refusal(reason: string): EtcdError {
  const match = /^rpc error: code = (\w+) desc = (.*)$/s.exec(reason);
  if (match === null) return new EtcdError(Status.Canceled, reason || "etcdserver: watch canceled");
  const code = Status[match[1] as keyof typeof Status] ?? Status.Unknown;
  return new EtcdError(code, match[2] as string);
}
