import type { Timer } from "../../base/mod.ts";
import { Status, type WatchResponse, WatchService } from "../../proto/mod.ts";
import type { ClientCall, Outcome } from "./call.ts";
import type { Channel } from "./channel.ts";
import type { CallConnection } from "./connection.ts";
import { EtcdError } from "./error.ts";
import { backoffMs, errorOf, mayResume, wantsNewToken } from "./retry.ts";
import type { WatchBatch, WatchClient, WatchEnd, Watcher, WatchListener, WatchRequestOptions } from "./types.ts";
import { watchBatches } from "./watch-iterator.ts";

const method = WatchService.methods.watch;
/** Tokens in a row: users may change again while a watch is made, but not for ever. */
const maxRefusals = 3;
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
export class WatchStream implements WatchClient {
  readonly #channel: Channel;
  readonly #watchers = new Map<number, Entry>();
  #lastId = 0;
  #connection: CallConnection | undefined;
  #call: ClientCall | undefined;
  /** As whom the stream was begun. */
  #session: unknown;
  #connecting = false;
  #retry: Timer | undefined;
  #attempts = 0;
  /** Tokens refused since the server last confirmed a watch. */
  #refusals = 0;
  /** Asked for on this stream, in order, and not yet confirmed. */
  #creating: Entry[] = [];
  #progressWanted = false;

  constructor(channel: Channel) {
    this.#channel = channel;
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
    if (this.#call !== undefined) this.#create(entry);
    else this.#connect();
    return { close: () => this.#close(entry) };
  }

  iterate(request: WatchRequestOptions, signal?: AbortSignal): AsyncIterableIterator<WatchBatch> {
    return watchBatches((listener) => this.open(request, listener), signal);
  }

  requestProgress(): void {
    this.#progressWanted = true;
    if (this.#creating.length === 0) this.#send({ progressRequest: {} });
  }

  stop(): void {
    this.#watchers.clear();
    this.#retry?.cancel();
    this.#endStream();
  }

  #close(entry: Entry): void {
    if (!this.#watchers.delete(entry.id)) return;
    if (this.#watchers.size === 0) this.#endStream();
    else this.#send({ cancelRequest: { watchId: entry.id } });
  }

  #endStream(): void {
    if (this.#call !== undefined) this.#connection?.cancel(this.#call);
    this.#call = undefined;
    this.#creating = [];
  }

  #send(request: Parameters<typeof method.request.encode>[0]): void {
    if (this.#call !== undefined) this.#connection?.send(this.#call, request);
  }

  #connect(): void {
    if (this.#connecting || this.#watchers.size === 0 || this.#channel.closed) return;
    this.#retry?.cancel();
    this.#connecting = true;
    this.#channel.connection().then(
      (connection) => {
        this.#connecting = false;
        this.#begin(connection);
      },
      (error: EtcdError) => {
        this.#connecting = false;
        this.#broken({ code: error.code, message: error.message, unprocessed: true });
      },
    );
  }

  #begin(connection: CallConnection): void {
    if (this.#watchers.size === 0) return;
    this.#connection = connection;
    this.#session = this.#channel.session;
    this.#creating = [];
    const call: ClientCall<WatchResponse> = connection.start(method, undefined, {
      message: (response) => this.#received(response),
      end: (outcome) => {
        if (this.#call !== call) return;
        if (mayResume(outcome, this.#channel.hasOthers)) this.#channel.avoid(connection);
        this.#broken(outcome);
      },
    });
    this.#call = call;
    for (const entry of this.#watchers.values()) {
      entry.created = false;
      this.#create(entry);
    }
  }

  #create(entry: Entry): void {
    const { key, rangeEnd, prevKv, progressNotify, noPut, noDelete } = entry.request;
    const filters = [...(noPut ? [filterNoPut] : []), ...(noDelete ? [filterNoDelete] : [])] as (0 | 1)[];
    // A server tells no progress while one watcher of the stream starts after its current revision. One that resumes starts at the last
    // revision it saw, which exists, and drops what that repeats: else a quiet store would keep all others waiting.
    const startRevision = entry.resumes ? entry.nextRevision - 1 : entry.nextRevision;
    this.#creating.push(entry);
    this.#send({ createRequest: { key, rangeEnd, startRevision, prevKv, progressNotify, filters, watchId: entry.id } });
  }

  /** The stream has ended, or could not be begun. */
  #broken(outcome: Outcome): void {
    this.#call = undefined;
    this.#creating = [];
    const error = errorOf(outcome, false);
    const login = this.#logsInAgain(error);
    if (!mayResume(outcome, this.#channel.hasOthers) && !login) {
      const watchers = [...this.#watchers.values()];
      for (const entry of watchers) this.#finish(entry, { kind: "failed", error });
      return;
    }
    this.#channel.log("debug", "watch stream broke", { error: outcome.message, watchers: this.#watchers.size });
    this.#retry = this.#channel.clock.after(backoffMs(this.#attempts++, this.#channel.random), () => this.#connect());
  }

  #finish(entry: Entry, end: WatchEnd): void {
    if (!this.#watchers.delete(entry.id)) return;
    entry.listener.onEnd(end);
    if (this.#watchers.size === 0) this.#endStream();
  }

  #received(response: WatchResponse): void {
    const revision = response.header?.revision ?? 0;
    if (response.created) this.#created(response, revision);
    else if (response.watchId === -1 && !response.canceled) this.#progressed(revision);
    else {
      const entry = this.#watchers.get(response.watchId); // undefined: closed in the meantime
      if (entry !== undefined && response.canceled) this.#canceled(entry, response);
      else if (entry !== undefined) this.#happened(entry, response, revision);
    }
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
      if (response.compactRevision === 0 && this.#logsInAgain(refusal(response.cancelReason))) this.#beginAnew();
      else this.#canceled(entry, response);
      return;
    }
    this.#attempts = 0;
    this.#refusals = 0;
    entry.created = true;
    if (entry.nextRevision === 0) {
      entry.nextRevision = revision + 1;
      entry.resumes = true;
    }
    entry.listener.onCreated?.(revision);
    if (this.#progressWanted && this.#creating.length === 0) this.#send({ progressRequest: {} });
  }

  /** Whether this was a refused token, and another can be had. */
  #logsInAgain(error: EtcdError): boolean {
    if (!wantsNewToken(error) || this.#refusals === maxRefusals) return false;
    this.#refusals++;
    return this.#channel.forgetToken(this.#session);
  }

  /** A stream's token is that of its beginning: with a new one goes a new stream. */
  #beginAnew(): void {
    this.#endStream();
    this.#retry = this.#channel.clock.after(backoffMs(this.#attempts++, this.#channel.random), () => this.#connect());
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
