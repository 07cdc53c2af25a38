import { assert } from "../../base/mod.ts";
import { encodeFrame } from "./encode-frame.ts";
import { GoawayStatus, initialWindowSetting, RstStatus, SpdyError, type SpdyFrame, type SpdyHeader } from "./frame.ts";
import { SpdyFrameReader } from "./frame-reader.ts";
import { decodeHeaders, encodeHeaders } from "./header-block.ts";
import { SpdyStream } from "./stream.ts";

/**
 * The two zlib streams of a session, one each way, both begun with `headerDictionary`. Blocks come and go in order, each flushed (Z_SYNC_FLUSH). `inflate`
 * throws when the bytes are none, or become too many.
 */
export interface HeaderCompression {
  deflate(block: Uint8Array): Uint8Array;
  inflate(block: Uint8Array): Uint8Array;
}

/** What a session has to say. Called from inside `receive` or a command; commands may be given in return. */
export interface SpdySessionEvents {
  /** The peer opened a stream: answer with `reply` or `reset`. */
  onStream(stream: SpdyStream, headers: readonly SpdyHeader[]): void;
  /** The peer answered a stream of ours. */
  onReply(stream: SpdyStream, headers: readonly SpdyHeader[]): void;
  onData(stream: SpdyStream, data: Uint8Array): void;
  /** The peer has no more to say on the stream. */
  onEnd(stream: SpdyStream): void;
  /** The stream is over before its time: the peer reset it, or broke its rules. */
  onReset(stream: SpdyStream, status: number): void;
  /** After `send` returned false: everything has left. */
  onDrain(stream: SpdyStream): void;
  /** The peer will open no more streams, and take none. */
  onGoaway(): void;
  /** Bytes for the peer. */
  onOutput(bytes: Uint8Array): void;
}

export interface SpdySessionOptions {
  /** Clients open streams with odd ids, servers with even ones. */
  readonly role: "client" | "server";
  /**
   * Whether windows limit what is sent. The SPDY of Kubernetes' clients (spdystream) knows no windows: it neither sends nor heeds them, and its
   * streams wait for each other's readers. Off, a session holds nothing back; its user reads slower instead.
   */
  readonly flowControl: boolean;
  readonly compression: HeaderCompression;
  readonly events: SpdySessionEvents;
  /** Streams the peer may have open at once; default 2,000. More are refused. */
  readonly maxStreams?: number;
}

const initialWindow = 64 * 1024;
const largestWindow = 0x7fff_ffff;
/** Of data; smaller ones let streams take turns. */
const maxDataBytes = 32 * 1024;

/**
 * One end of a SPDY/3.1 session: bytes in and events out, commands in and bytes out. It owns no socket. `receive` throws SpdyError when the peer
 * breaks the protocol; GOAWAY is among the output then, and the socket is the caller's to close.
 */
export class SpdySession {
  readonly #options: SpdySessionOptions;
  readonly #reader = new SpdyFrameReader();
  readonly #streams = new Map<number, SpdyStream>();
  #nextId: number;
  /** Of streams the peer opened. Only grows. */
  #lastRemoteId = 0;
  /** What the peer gives new streams. */
  #sendWindow = initialWindow;
  #goneAway = false;

  constructor(options: SpdySessionOptions) {
    this.#options = options;
    this.#nextId = options.role === "client" ? 1 : 2;
  }

  /** Streams of which at least one half is open. */
  get streams(): ReadonlyMap<number, SpdyStream> {
    return this.#streams;
  }

  receive(chunk: Uint8Array): void {
    try {
      for (const frame of this.#reader.push(chunk)) this.#handle(frame);
    } catch (error) {
      if (error instanceof SpdyError) this.goaway(GoawayStatus.PROTOCOL_ERROR);
      throw error;
    }
  }

  /** Opens a stream. It may be spoken on at once. */
  open(headers: readonly SpdyHeader[]): SpdyStream {
    assert(!this.#goneAway, "no stream is opened in a session that ends");
    const stream = this.#add(this.#nextId, false);
    this.#nextId += 2;
    const block = this.#options.compression.deflate(encodeHeaders(headers));
    const common = { associatedTo: 0, priority: 0, fin: false, unidirectional: false };
    this.#write({ type: "SYN_STREAM", streamId: stream.id, ...common, block });
    return stream;
  }

  /** Accepts a stream of the peer's. */
  reply(stream: SpdyStream, headers: readonly SpdyHeader[] = []): void {
    assert(stream.isRemote && !stream.replied, "a stream is answered once, by who did not open it");
    if (!this.#isOpen(stream)) return;
    stream.replied = true;
    const block = this.#options.compression.deflate(encodeHeaders(headers));
    this.#write({ type: "SYN_REPLY", streamId: stream.id, fin: false, block });
  }

  /** Says something. False: a part of it waits for the peer's window; onDrain tells when it has left. What is said on a stream that was reset is lost. */
  send(stream: SpdyStream, data: Uint8Array): boolean {
    if (!this.#isOpen(stream) || data.length === 0) return true;
    stream.enqueue(data, false);
    return this.#flush(stream);
  }

  /** Has no more to say on the stream. */
  end(stream: SpdyStream): void {
    if (!this.#isOpen(stream) || stream.localEnded) return;
    stream.enqueue(new Uint8Array(0), true);
    this.#flush(stream);
  }

  /** Ends both halves at once. */
  reset(stream: SpdyStream, status: number = RstStatus.CANCEL): void {
    if (!this.#isOpen(stream)) return;
    this.#streams.delete(stream.id);
    this.#write({ type: "RST_STREAM", streamId: stream.id, status });
  }

  /** Data given to onData has been dealt with: the peer may send as much again. */
  consumed(stream: SpdyStream, bytes: number): void {
    if (!this.#options.flowControl || !this.#isOpen(stream) || stream.remoteEnded) return;
    stream.consumed += bytes;
    if (stream.consumed < initialWindow / 2) return;
    this.#write({ type: "WINDOW_UPDATE", streamId: stream.id, delta: stream.consumed });
    stream.receiveWindow += stream.consumed;
    stream.consumed = 0;
  }

  ping(id: number): void {
    this.#write({ type: "PING", id });
  }

  goaway(status: number = GoawayStatus.OK): void {
    if (this.#goneAway) return;
    this.#goneAway = true;
    this.#write({ type: "GOAWAY", lastGoodStreamId: this.#lastRemoteId, status });
  }

  #isOpen(stream: SpdyStream): boolean {
    return this.#streams.get(stream.id) === stream;
  }

  #add(id: number, isRemote: boolean): SpdyStream {
    const send = this.#options.flowControl ? this.#sendWindow : Number.POSITIVE_INFINITY;
    const stream = new SpdyStream(id, isRemote, { send, receive: initialWindow });
    this.#streams.set(id, stream);
    return stream;
  }

  #write(frame: SpdyFrame): void {
    this.#options.events.onOutput(encodeFrame(frame));
  }

  /** Sends what the window allows. */
  #flush(stream: SpdyStream): boolean {
    for (let piece = stream.dequeue(maxDataBytes); piece !== undefined; piece = stream.dequeue(maxDataBytes)) {
      this.#write({ type: "DATA", streamId: stream.id, ...piece });
      if (piece.fin) stream.localEnded = true;
    }
    this.#forgetIfClosed(stream);
    return !stream.isWaiting;
  }

  #forgetIfClosed(stream: SpdyStream): void {
    if (stream.isClosed) this.#streams.delete(stream.id);
  }

  #handle(frame: SpdyFrame): void {
    switch (frame.type) {
      case "SYN_STREAM":
        this.#handleOpen(frame);
        break;
      case "SYN_REPLY":
      case "HEADERS":
        this.#handleHeaders(frame);
        break;
      case "DATA":
        this.#handleData(frame);
        break;
      case "RST_STREAM":
        this.#handleReset(frame.streamId, frame.status);
        break;
      case "SETTINGS":
        for (const { id, value } of frame.settings) if (id === initialWindowSetting) this.#resizeWindows(value);
        break;
      case "PING":
        // Whose id is ours is an answer; the peer's is sent back.
        if ((frame.id % 2 === 1) !== (this.#options.role === "client")) this.#write(frame);
        break;
      case "GOAWAY":
        this.#options.events.onGoaway();
        break;
      case "WINDOW_UPDATE":
        this.#handleWindow(frame.streamId, frame.delta);
        break;
    }
  }

  #handleReset(streamId: number, status: number): void {
    const stream = this.#streams.get(streamId);
    this.#streams.delete(streamId);
    if (stream !== undefined) this.#options.events.onReset(stream, status);
  }

  #handleOpen(frame: SpdyFrame & { type: "SYN_STREAM" }): void {
    const { streamId, fin } = frame;
    // Read in any case: the next block continues this one's compression.
    const headers = decodeHeaders(this.#options.compression.inflate(frame.block));
    const parity = this.#options.role === "client" ? 0 : 1;
    if (streamId % 2 !== parity || streamId <= this.#lastRemoteId) throw new SpdyError(`stream ${streamId} is opened`);
    if (this.#goneAway) return;
    this.#lastRemoteId = streamId;
    const stream = this.#add(streamId, true);
    if (this.#streams.size > (this.#options.maxStreams ?? 2000)) {
      this.reset(stream, RstStatus.REFUSED_STREAM);
      return;
    }
    stream.localEnded = frame.unidirectional;
    this.#options.events.onStream(stream, headers);
    if (fin) this.#endRemote(stream);
  }

  #handleHeaders(frame: SpdyFrame & { type: "SYN_REPLY" | "HEADERS" }): void {
    const headers = decodeHeaders(this.#options.compression.inflate(frame.block));
    const stream = this.#streams.get(frame.streamId);
    if (stream === undefined) return;
    if (frame.type === "SYN_REPLY") {
      if (stream.isRemote || stream.replied) {
        this.#refuse(stream, RstStatus.STREAM_IN_USE);
        return;
      }
      stream.replied = true;
      this.#options.events.onReply(stream, headers);
    }
    if (frame.fin) this.#endRemote(stream);
  }

  #handleData(frame: SpdyFrame & { type: "DATA" }): void {
    const stream = this.#streams.get(frame.streamId);
    // Of a stream we have reset the peer may not have heard yet.
    if (stream === undefined) return;
    if (stream.remoteEnded) {
      this.#refuse(stream, RstStatus.STREAM_ALREADY_CLOSED);
      return;
    }
    if (this.#options.flowControl) {
      stream.receiveWindow -= frame.data.length;
      if (stream.receiveWindow < 0) {
        this.#refuse(stream, RstStatus.FLOW_CONTROL_ERROR);
        return;
      }
    }
    if (frame.data.length > 0) this.#options.events.onData(stream, frame.data);
    if (frame.fin) this.#endRemote(stream);
  }

  #endRemote(stream: SpdyStream): void {
    if (stream.remoteEnded || !this.#isOpen(stream)) return;
    stream.remoteEnded = true;
    this.#forgetIfClosed(stream);
    this.#options.events.onEnd(stream);
  }

  #refuse(stream: SpdyStream, status: number): void {
    this.reset(stream, status);
    this.#options.events.onReset(stream, status);
  }

  #resizeWindows(size: number): void {
    if (!this.#options.flowControl) return;
    if (size > largestWindow) throw new SpdyError(`a window of ${size} bytes`);
    const change = size - this.#sendWindow;
    this.#sendWindow = size;
    for (const stream of [...this.#streams.values()]) this.#widen(stream, change);
  }

  #handleWindow(streamId: number, delta: number): void {
    if (!this.#options.flowControl) return;
    const stream = this.#streams.get(streamId);
    if (stream !== undefined) this.#widen(stream, delta);
  }

  #widen(stream: SpdyStream, change: number): void {
    stream.sendWindow += change;
    if (stream.sendWindow > largestWindow) {
      this.#refuse(stream, RstStatus.FLOW_CONTROL_ERROR);
      return;
    }
    if (!stream.isWaiting) return;
    if (this.#flush(stream)) this.#options.events.onDrain(stream);
  }
}
