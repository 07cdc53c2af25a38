import { Duplex } from "node:stream";
import { RstStatus, type SpdyHeader, SpdySession, type SpdyStream } from "../proto/mod.ts";
import { createHeaderCompression } from "./header-compression.ts";
import { Heartbeat } from "./heartbeat.ts";

/** How much of one stream is kept for a slow reader before the whole connection is read no further: there are no windows in this dialect. */
const bufferBytes = 256 * 1024;

/** After our end, the peer has this long for its own. */
const lingerMs = 5_000;

/** A stream as Node knows streams. Destroying it before both halves have ended resets it. */
export class SpdyDuplex extends Duplex {
  readonly stream: SpdyStream;
  readonly #connection: SpdyConnection;

  constructor(connection: SpdyConnection, stream: SpdyStream) {
    super({ allowHalfOpen: true, readableHighWaterMark: bufferBytes });
    this.#connection = connection;
    this.stream = stream;
  }

  override _read(): void {
    this.#connection.unblock(this);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#connection.send(this, chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#connection.session.end(this.stream);
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#connection.forget(this);
    done(error);
  }
}

export interface SpdyConnectionOptions {
  readonly role: "client" | "server";
  /** The peer opened a stream, and was answered. */
  readonly onStream?: (stream: SpdyDuplex, headers: ReadonlyMap<string, string>) => void;
}

/**
 * A SPDY session on a transport: a socket, or a WebSocket that carries SPDY. Nothing is buffered without bounds: writing waits for the transport, and
 * a stream nobody reads stops the reading of all.
 */
export class SpdyConnection {
  readonly session: SpdySession;
  readonly #transport: Duplex;
  readonly #options: SpdyConnectionOptions;
  readonly #open = new Map<SpdyStream, SpdyDuplex>();
  readonly #blocked = new Set<SpdyDuplex>();
  readonly #opening = new Map<SpdyStream, { resolve(): void; reject(error: Error): void }>();
  readonly #waiting: (() => void)[] = [];
  readonly #closed = new AbortController();
  readonly #heartbeat: Heartbeat;

  constructor(transport: Duplex, options: SpdyConnectionOptions) {
    this.#transport = transport;
    this.#options = options;
    // Of an id that is ours, or the peer would take it for an answer.
    this.#heartbeat = new Heartbeat(() => this.session.ping(options.role === "client" ? 1 : 2));
    this.session = new SpdySession({
      role: options.role,
      flowControl: false,
      compression: createHeaderCompression(),
      events: {
        onStream: (stream, headers) => this.#accept(stream, headers),
        onReply: (stream) => this.#settle(stream),
        onData: (stream, data) => this.#deliver(stream, data),
        onEnd: (stream) => void this.#open.get(stream)?.push(null),
        onReset: (stream) => this.#reset(stream),
        onDrain: () => undefined, // without windows nothing waits in the session
        onGoaway: () => undefined, // streams that are open go on; the peer closes when they have ended
        onOutput: (bytes) => void (transport.writable && transport.write(bytes)),
      },
    });
    transport.on("data", (chunk: Buffer) => this.#receive(chunk));
    transport.on("drain", () => this.#drained());
    transport.on("end", () => this.#hearNoMore());
    transport.on("close", () => (transport.readableEnded ? this.#drained() : this.close()));
    transport.on("error", () => this.close()); // its end is told by the signal, and nobody can do anything about it
  }

  /** Aborts when the connection is over, for whatever reason. */
  get signal(): AbortSignal {
    return this.#closed.signal;
  }

  /** Opens a stream; resolves when the peer has answered. */
  async open(headers: readonly SpdyHeader[]): Promise<SpdyDuplex> {
    if (this.signal.aborted) throw new Error("the connection is closed");
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const stream = this.session.open(headers);
    const duplex = this.#add(stream);
    this.#opening.set(stream, { resolve, reject });
    await promise;
    return duplex;
  }

  /** Ends everything at once; what waits in the transport still leaves. */
  close(): void {
    if (this.signal.aborted) return;
    this.#closed.abort();
    this.#heartbeat.stop();
    for (const { reject } of this.#opening.values()) reject(new Error("the connection was closed"));
    this.#opening.clear();
    this.#drained();
    for (const duplex of [...this.#open.values()]) duplex.destroy();
    this.#transport.end();
    // Whatever still comes is nobody's; unread, it would make the system cut off what we have said.
    this.#transport.resume();
    setTimeout(() => this.#transport.destroy(), lingerMs).unref();
  }

  send(duplex: SpdyDuplex, chunk: Buffer, done: () => void): void {
    this.session.send(duplex.stream, chunk);
    if (this.#transport.writableNeedDrain && !this.signal.aborted) this.#waiting.push(done);
    else done();
  }

  unblock(duplex: SpdyDuplex): void {
    if (!this.#blocked.delete(duplex) || this.#blocked.size > 0) return;
    this.#heartbeat.stop();
    this.#transport.resume();
  }

  forget(duplex: SpdyDuplex): void {
    this.#open.delete(duplex.stream);
    this.unblock(duplex);
    if (!this.signal.aborted) this.session.reset(duplex.stream);
  }

  #add(stream: SpdyStream): SpdyDuplex {
    const duplex = new SpdyDuplex(this, stream);
    duplex.on("error", () => undefined); // who uses it has its own ear; without one a reset must not end the process
    this.#open.set(stream, duplex);
    return duplex;
  }

  #accept(stream: SpdyStream, headers: readonly SpdyHeader[]): void {
    const { onStream } = this.#options;
    if (onStream === undefined) {
      this.session.reset(stream, RstStatus.REFUSED_STREAM);
      return;
    }
    this.session.reply(stream);
    onStream(this.#add(stream), new Map(headers));
  }

  #settle(stream: SpdyStream): void {
    this.#opening.get(stream)?.resolve();
    this.#opening.delete(stream);
  }

  #receive(chunk: Buffer): void {
    if (this.signal.aborted) return;
    try {
      this.session.receive(chunk);
    } catch {
      this.close(); // GOAWAY has told the peer what was wrong
    }
  }

  #deliver(stream: SpdyStream, data: Uint8Array): void {
    const duplex = this.#open.get(stream);
    if (duplex === undefined || duplex.push(data)) return;
    this.#blocked.add(duplex);
    this.#transport.pause();
    this.#heartbeat.start();
  }

  #reset(stream: SpdyStream): void {
    this.#opening.get(stream)?.reject(new Error("the peer refused the stream"));
    this.#opening.delete(stream);
    if (this.#options.role === "server") this.#open.get(stream)?.destroy();
    else this.#open.get(stream)?.push(null);
  }

  /**
   * The peer's last word. Engines, whose clients we are, reset all streams and close as soon as they have said everything: what has arrived is still to be
   * read. Of a client that went, nothing is.
   */
  #hearNoMore(): void {
    if (this.#options.role === "server") this.close();
    else for (const stream of [...this.#open.keys()]) this.#reset(stream);
  }

  #drained(): void {
    for (const done of this.#waiting.splice(0)) done();
  }
}
