// HTTP/2 (RFC 9113) as a state machine, for both roles: bytes in, events out; commands in, bytes out. It owns no socket
// and no clock. Output gathers in `output` until its user takes it, so that one write carries all that a turn of the
// event loop produced.
import { assert, fromUtf8, Ring, toUtf8 } from "../../base/mod.ts";
import { Budget } from "./budget.ts";
import {
  defaultWindow,
  ErrorCode,
  Flag,
  FrameType,
  maxStreamId,
  maxWindow,
  preface,
  Setting,
  smallestMaxFrameSize,
} from "./constants.ts";
import { ConnectionError, StreamError } from "./error.ts";
import type { ConnectionEvents } from "./events.ts";
import type { HeaderBlock } from "./hpack/block.ts";
import { HpackDecoder } from "./hpack/decoder.ts";
import { HpackEncoder, RepeatedHeaders } from "./hpack/encoder.ts";
import { type ConnectionOptions, defaults } from "./options.ts";
import { Output, readUint32 } from "./output.ts";
import { FrameReader } from "./reader.ts";
import { type HeadersToSend, Stream } from "./stream.ts";

const headerTableBytes = 4096;
/** Queued payload moves to the output until this much waits there: the socket is not fed faster than it takes. */
const outputHighWaterBytes = 1 << 18;
const nothing = new Uint8Array(0);
const drainPing = toUtf8("draining");

export class Connection<Owner> {
  readonly output = new Output();
  readonly role: "client" | "server";
  readonly #events: ConnectionEvents<Owner>;
  readonly #options: Required<ConnectionOptions>;
  readonly #streams = new Map<number, Stream<Owner>>();
  readonly #encoder = new HpackEncoder();
  readonly #decoder: HpackDecoder;
  readonly #reader: FrameReader;
  readonly #resets: Budget;
  readonly #idle: Budget;
  #nowMs = 0;
  #prefaceSeen = 0;
  #settingsSeen = false;
  #failed = false;
  #outputAnnounced = false;
  #writable = true;

  /** Highest stream that each side has opened. */
  #lastPeerStream = 0;
  #lastOwnStream = 0;
  #peerStreams = 0;
  #ownStreams = 0;
  /** What we promised in GOAWAY: higher streams of the peer are ignored. */
  #accepting = maxStreamId;
  #goneAway = false;
  #draining = false;

  #peerMaxStreams = 0xffff_ffff;
  #peerMaxFrameBytes = smallestMaxFrameSize;
  #peerInitialWindow = defaultWindow;
  #sendWindow = defaultWindow;
  #receiveWindow: number;
  #consumed = 0;
  /** Streams that have something to send and a window to send it through, each once: they take turns. */
  readonly #scheduled = new Ring<Stream<Owner>>();

  /** Of a header block that CONTINUATION frames go on with; 0 if none. */
  #continued = 0;
  #continuedFlags = 0;
  #fragments: Uint8Array[] = [];
  #fragmentBytes = 0;

  constructor(options: ConnectionOptions, events: ConnectionEvents<Owner>) {
    this.#options = { ...defaults, ...options };
    this.role = options.role;
    this.#events = events;
    const { maxHeaderListBytes, connectionWindowBytes, streamWindowBytes, maxConcurrentStreams } = this.#options;
    this.#decoder = new HpackDecoder({ maxTableBytes: headerTableBytes, maxListBytes: maxHeaderListBytes });
    this.#reader = new FrameReader(smallestMaxFrameSize, (...frame) => this.#frame(...frame));
    this.#resets = new Budget(this.#options.resetBudget.burst, this.#options.resetBudget.perSecond);
    this.#idle = new Budget(this.#options.idleBudget.burst, this.#options.idleBudget.perSecond);
    this.#receiveWindow = connectionWindowBytes;
    if (this.role === "client") {
      const at = this.output.reserve(preface.length);
      this.output.bytes.set(preface, at);
    }
    const settings: [number, number][] = [
      [Setting.INITIAL_WINDOW_SIZE, streamWindowBytes],
      [Setting.MAX_HEADER_LIST_SIZE, maxHeaderListBytes],
    ];
    if (this.role === "client") settings.push([Setting.ENABLE_PUSH, 0]);
    else if (maxConcurrentStreams < 0xffff_ffff) settings.push([Setting.MAX_CONCURRENT_STREAMS, maxConcurrentStreams]);
    this.output.settings(settings);
    assert(connectionWindowBytes >= defaultWindow, "a connection's window starts at 65535 and only grows (§6.9.2)");
    if (connectionWindowBytes > defaultWindow) this.output.windowUpdate(0, connectionWindowBytes - defaultWindow);
  }

  // What can be asked.

  get streams(): IterableIterator<Stream<Owner>> {
    return this.#streams.values();
  }

  get streamCount(): number {
    return this.#streams.size;
  }

  /** Nothing is received or sent any more; what is in the output should still be written. */
  get failed(): boolean {
    return this.#failed;
  }

  /** The peer's settings have arrived: it speaks HTTP/2. */
  get established(): boolean {
    return this.#settingsSeen;
  }

  /** A client may open one more stream now. */
  get canOpen(): boolean {
    return (
      !this.#failed &&
      !this.#goneAway &&
      this.#ownStreams < this.#peerMaxStreams &&
      this.#lastOwnStream < maxStreamId - 2
    );
  }

  /** HEADERS and DATA frames sent so far. */
  get messageFrames(): number {
    return this.output.messageFrames;
  }

  /** The peer has sent GOAWAY, or stream numbers have run out: open streams go on, new ones need a new connection. */
  get goneAway(): boolean {
    return this.#goneAway || this.#lastOwnStream >= maxStreamId - 2;
  }

  // Commands.

  /** Opens a stream of a client. Only while `canOpen`. */
  open(headers: HeadersToSend, endStream: boolean, owner: Owner): Stream<Owner> {
    assert(this.role === "client" && this.canOpen, "a stream is opened by a client whose server takes more");
    this.#lastOwnStream += this.#lastOwnStream === 0 ? 1 : 2;
    const stream = new Stream<Owner>(this.#lastOwnStream, this.#peerInitialWindow, this.#options.streamWindowBytes);
    stream.owner = owner;
    this.#streams.set(stream.id, stream);
    this.#ownStreams++;
    this.sendHeaders(stream, headers, endStream);
    return stream;
  }

  /** Sends the head of a response. Trailers go through `end`. */
  sendHeaders(stream: Stream<Owner>, headers: HeadersToSend, endStream: boolean): void {
    if (stream.aborted) return;
    assert(!stream.localClosed, "headers come before the end of a stream");
    this.output.headers(stream.id, this.#encode(headers), endStream, this.#peerMaxFrameBytes);
    if (endStream) this.#closeLocal(stream);
    this.#announceOutput();
  }

  /**
   * Begins a DATA frame of `length` bytes if it can be sent whole and now: returns where in `output.bytes` the payload has to
   * be written before anything else happens. -1 if it cannot: then `sendData` queues it.
   */
  reserveData(stream: Stream<Owner>, length: number, endStream: boolean): number {
    if (
      stream.aborted ||
      stream.queuedBytes > 0 ||
      length > stream.sendWindow ||
      length > this.#sendWindow ||
      length > this.#peerMaxFrameBytes ||
      !this.#writable ||
      this.output.length > outputHighWaterBytes
    ) {
      return -1;
    }
    assert(!stream.localClosed && stream.ending === "open", "data comes before the end of a stream");
    const at = this.output.frame(FrameType.DATA, endStream ? Flag.END_STREAM : 0, stream.id, length);
    stream.sendWindow -= length;
    this.#sendWindow -= length;
    if (endStream) this.#closeLocal(stream);
    this.#announceOutput();
    return at;
  }

  /** Queues payload, which is not copied and must not change. False: more is queued than `highWaterBytes`, or was since the last `onDrain`. */
  sendData(stream: Stream<Owner>, payload: Uint8Array): boolean {
    if (stream.aborted) return true;
    assert(!stream.localClosed && stream.ending === "open", "data comes before the end of a stream");
    if (payload.length > 0) stream.queue.push(payload);
    stream.queuedBytes += payload.length;
    this.#schedule(stream);
    // Only `onDrain` ends it: whoever was told to wait waits for that, also when others' payload comes in between.
    if (stream.queuedBytes > this.#options.highWaterBytes) stream.blocked = true;
    return !stream.blocked;
  }

  /** Ends our half, after what is queued, with trailers if there are any. */
  end(stream: Stream<Owner>, trailers?: HeadersToSend): void {
    if (stream.aborted) return;
    assert(!stream.localClosed && stream.ending === "open", "a stream ends once");
    if (stream.queuedBytes > 0) {
      stream.ending = trailers ?? "end";
      return;
    }
    this.#finish(stream, trailers ?? "end");
    this.#announceOutput();
  }

  /** Ends a stream at once, in both directions; there is no `onAbort`. */
  reset(stream: Stream<Owner>, code: ErrorCode): void {
    if (stream.closed) return;
    this.output.rstStream(stream.id, code);
    this.#remove(stream);
    this.#announceOutput();
  }

  /** The peer may send no more than its window on this stream until `resume`. */
  pause(stream: Stream<Owner>): void {
    stream.paused = true;
  }

  resume(stream: Stream<Owner>): void {
    stream.paused = false;
    this.#giveBack(stream);
  }

  /** `payload` has eight bytes, and comes back with `onPong`. */
  ping(payload: Uint8Array): void {
    assert(payload.length === 8, "a ping carries eight bytes");
    this.output.ping(payload, false);
    this.#announceOutput();
  }

  /** Tells the peer that it should go elsewhere, without losing what it has already sent: new streams are taken until the
   * peer must have heard of it (§6.8). Streams in progress go on. */
  drain(): void {
    if (this.#draining || this.#failed) return;
    this.#draining = true;
    this.output.goaway(maxStreamId, ErrorCode.NO_ERROR, nothing);
    this.ping(drainPing);
  }

  /** The peer has heard of `drain`, and whatever it had sent before is over: nothing is lost if the socket is closed now. */
  get drained(): boolean {
    return this.#accepting !== maxStreamId && this.#streams.size === 0;
  }

  /** Ends the connection, now: streams are aborted. The socket should be closed after the output is written. */
  fail(code: ErrorCode, debug: string): void {
    if (this.#failed) return;
    this.#failed = true;
    this.output.goaway(this.#lastPeerStream, code, toUtf8(debug));
    this.#abortAll(code === ErrorCode.NO_ERROR ? ErrorCode.CANCEL : code);
    this.#announceOutput();
  }

  /** The socket is gone. */
  disconnected(): void {
    this.#failed = true;
    this.#abortAll(ErrorCode.CANCEL);
  }

  /** Whether the socket takes more. While it does not, queued payload stays queued. */
  setWritable(writable: boolean): void {
    this.#writable = writable;
    this.#pump();
  }

  /** Hands the output to `consume`, which returns true if it is done with the bytes; then makes more of what is queued. */
  flush(consume: (bytes: Uint8Array) => boolean): void {
    this.#outputAnnounced = false;
    if (this.output.length > 0) this.output.drain(consume);
    this.#pump();
  }

  /** Moves queued payload to the output, a frame of each stream in turn. */
  #pump(): void {
    while (this.#scheduled.size > 0 && this.#writable && this.output.length < outputHighWaterBytes) {
      const stream = this.#scheduled.peek() as Stream<Owner>;
      if (!stream.aborted && stream.queuedBytes > 0 && stream.sendWindow > 0 && this.#sendWindow <= 0) return;
      this.#scheduled.shift();
      stream.scheduled = false;
      if (!stream.aborted && stream.queuedBytes > 0 && stream.sendWindow > 0) this.#sendQueued(stream);
    }
  }

  /** Bytes from the peer. `nowMs` is from a clock that does not go back. Byte fields of events are views of `chunk`. */
  receive(chunk: Uint8Array, nowMs: number): void {
    if (this.#failed) return;
    this.#nowMs = nowMs;
    try {
      const at = this.role === "server" && this.#prefaceSeen < preface.length ? this.#readPreface(chunk) : 0;
      if (at < chunk.length) this.#reader.push(chunk, at);
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      this.fail(error.code, error.message);
      this.#events.onError(error);
    }
  }

  // Frames.

  #readPreface(chunk: Uint8Array): number {
    let at = 0;
    while (at < chunk.length && this.#prefaceSeen < preface.length) {
      if (chunk[at++] !== preface[this.#prefaceSeen++]) {
        throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "this is not HTTP/2");
      }
    }
    return at;
  }

  #frame(type: number, flags: number, id: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (!this.#settingsSeen && type !== FrameType.SETTINGS) {
      throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "the first frame is not SETTINGS");
    }
    if (this.#continued !== 0 && (type !== FrameType.CONTINUATION || id !== this.#continued)) {
      throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "a header block is interrupted");
    }
    try {
      this.#dispatch(type, flags, id, bytes, start, end);
    } catch (error) {
      if (!(error instanceof StreamError)) throw error;
      this.#refuse(error.streamId, error.code);
    }
    return !this.#failed;
  }

  #dispatch(type: number, flags: number, id: number, bytes: Uint8Array, start: number, end: number): void {
    switch (type) {
      case FrameType.DATA:
        this.#data(flags, id, bytes, start, end);
        break;
      case FrameType.HEADERS:
        this.#headers(flags, id, bytes, start, end);
        break;
      case FrameType.RST_STREAM:
        this.#rstStream(id, bytes, start, end);
        break;
      case FrameType.SETTINGS:
        this.#settings(flags, id, bytes, start, end);
        break;
      case FrameType.PING:
        this.#ping(flags, id, bytes, start, end);
        break;
      case FrameType.GOAWAY:
        this.#goaway(id, bytes, start, end);
        break;
      case FrameType.WINDOW_UPDATE:
        this.#windowUpdate(id, bytes, start, end);
        break;
      case FrameType.CONTINUATION:
        this.#continuation(flags, id, bytes, start, end);
        break;
      case FrameType.PUSH_PROMISE:
        throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "PUSH_PROMISE is not enabled");
      case FrameType.PRIORITY:
        // Priorities are obsolete (§5.3.2) and not looked at, but for their form.
        if (id === 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "PRIORITY on stream 0");
        this.#spendIdle();
        if (end - start !== 5) throw new StreamError(id, ErrorCode.FRAME_SIZE_ERROR);
        break;
      default:
        this.#spendIdle(); // unknown types are to be ignored (§4.1)
    }
  }

  #headers(flags: number, id: number, bytes: Uint8Array, start: number, end: number): void {
    if (id === 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "HEADERS on stream 0");
    let from = start;
    let to = end;
    if ((flags & Flag.PADDED) !== 0) to -= paddingOf(bytes, from++, end);
    if ((flags & Flag.PRIORITY) !== 0) from += 5;
    if (from > to) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "padding is longer than its frame");
    if ((flags & Flag.END_HEADERS) !== 0) {
      this.#block(flags, id, bytes, from, to);
      return;
    }
    this.#continued = id;
    this.#continuedFlags = flags;
    this.#fragments = [bytes.slice(from, to)];
    this.#fragmentBytes = to - from;
  }

  #continuation(flags: number, id: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.#continued === 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "CONTINUATION of nothing");
    this.#fragmentBytes += end - start;
    // An empty one costs the sender nothing, and one after another would never end.
    if (this.#fragmentBytes > this.#options.maxHeaderListBytes || this.#fragments.length > 64) {
      throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, "a header block is too large");
    }
    this.#fragments.push(bytes.slice(start, end));
    if ((flags & Flag.END_HEADERS) === 0) return;
    const block = new Uint8Array(this.#fragmentBytes);
    let at = 0;
    for (const fragment of this.#fragments) {
      block.set(fragment, at);
      at += fragment.length;
    }
    this.#continued = 0;
    this.#fragments = [];
    this.#block(this.#continuedFlags, id, block, 0, block.length);
  }

  /** A whole header block. It is decoded whatever becomes of it, since it changes the decoder's table. */
  #block(flags: number, id: number, bytes: Uint8Array, start: number, end: number): void {
    const block = this.#decoder.decode(bytes, start, end);
    const endStream = (flags & Flag.END_STREAM) !== 0;
    const known = this.#streams.get(id);
    if (known === undefined) {
      if (this.role === "server" && id > this.#lastPeerStream) this.#newStream(id, block, endStream);
      else if (this.#isIdle(id))
        throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `HEADERS on the idle stream ${id}`);
      return; // otherwise it is closed, and these were on their way
    }
    if (known.remoteClosed) throw new ConnectionError(ErrorCode.STREAM_CLOSED, `HEADERS after the end of stream ${id}`);
    if (block === undefined) throw new StreamError(known.id, ErrorCode.ENHANCE_YOUR_CALM);
    const isTrailers = known.headersReceived;
    if (block.malformed !== undefined || (isTrailers && !endStream) || (!isTrailers && block.status === undefined)) {
      throw new StreamError(known.id, ErrorCode.PROTOCOL_ERROR);
    }
    const informational = !isTrailers && block.status?.charCodeAt(0) === 0x31; // 1xx: the head is still to come
    if (informational) return;
    this.#deliverHeaders(known, block, endStream);
  }

  #newStream(id: number, block: HeaderBlock | undefined, endStream: boolean): void {
    if (id % 2 === 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `a client opened the even stream ${id}`);
    if (id > this.#accepting) return;
    this.#lastPeerStream = id;
    if (this.#peerStreams >= this.#options.maxConcurrentStreams) throw new StreamError(id, ErrorCode.REFUSED_STREAM);
    if (block === undefined) throw new StreamError(id, ErrorCode.ENHANCE_YOUR_CALM);
    if (block.malformedRequest !== undefined) throw new StreamError(id, ErrorCode.PROTOCOL_ERROR);
    const stream = new Stream<Owner>(id, this.#peerInitialWindow, this.#options.streamWindowBytes);
    this.#streams.set(id, stream);
    this.#peerStreams++;
    this.#deliverHeaders(stream, block, endStream);
  }

  #deliverHeaders(stream: Stream<Owner>, block: HeaderBlock, endStream: boolean): void {
    if (endStream) stream.remoteClosed = true;
    this.#events.onHeaders(stream, block, endStream);
    stream.headersReceived = true;
    if (stream.closed) this.#remove(stream);
  }

  #data(flags: number, id: number, bytes: Uint8Array, start: number, end: number): void {
    if (id === 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "DATA on stream 0");
    const length = end - start;
    if (length > this.#receiveWindow) throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, "more than the window");
    let from = start;
    let to = end;
    if ((flags & Flag.PADDED) !== 0) to -= paddingOf(bytes, from++, end);
    if (from > to) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "padding is longer than its frame");
    this.#receiveWindow -= length;
    this.#consumed += length;
    if (this.#consumed >= this.#options.connectionWindowBytes / 2) {
      this.output.windowUpdate(0, this.#consumed);
      this.#receiveWindow += this.#consumed;
      this.#consumed = 0;
      this.#announceOutput();
    }
    const stream = this.#streams.get(id);
    if (stream === undefined) {
      if (this.#isIdle(id)) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `DATA on the idle stream ${id}`);
      return;
    }
    const endStream = (flags & Flag.END_STREAM) !== 0;
    if (stream.remoteClosed) throw new StreamError(stream.id, ErrorCode.STREAM_CLOSED);
    if (length > stream.receiveWindow) throw new StreamError(stream.id, ErrorCode.FLOW_CONTROL_ERROR);
    if (!stream.headersReceived) throw new StreamError(stream.id, ErrorCode.PROTOCOL_ERROR);
    if (length === 0 && !endStream) this.#spendIdle();
    stream.receiveWindow -= length;
    stream.consumed += length;
    if (endStream) stream.remoteClosed = true;
    this.#events.onData(stream, bytes, from, to, endStream);
    if (stream.closed) this.#remove(stream);
    else this.#giveBack(stream);
  }

  #rstStream(id: number, bytes: Uint8Array, start: number, end: number): void {
    if (end - start !== 4) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, "RST_STREAM has four bytes");
    if (this.#isIdle(id)) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `RST_STREAM on the idle stream ${id}`);
    // Opening and resetting streams is cheaper than starting and stopping their work (CVE-2023-44487).
    if (this.role === "server" && !this.#resets.spend(this.#nowMs)) {
      throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, "too many resets");
    }
    const stream = this.#streams.get(id);
    if (stream !== undefined) this.#abort(stream, readUint32(bytes, start) as ErrorCode);
  }

  #settings(flags: number, id: number, bytes: Uint8Array, start: number, end: number): void {
    if (id !== 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "SETTINGS on a stream");
    if ((flags & Flag.ACK) !== 0) {
      if (end > start) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, "an acknowledgement of SETTINGS is empty");
      return;
    }
    if ((end - start) % 6 !== 0)
      throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, "SETTINGS come in six bytes each");
    this.#spendIdle();
    this.#settingsSeen = true;
    for (let at = start; at < end; at += 6) {
      this.#setting(((bytes[at] as number) << 8) | (bytes[at + 1] as number), readUint32(bytes, at + 2));
    }
    this.output.settingsAck();
    this.#announceOutput();
    this.#events.onSettings();
  }

  #setting(id: number, value: number): void {
    switch (id) {
      case Setting.HEADER_TABLE_SIZE:
        this.#encoder.setMaxTableBytes(value);
        return;
      case Setting.ENABLE_PUSH:
        if (value > 1) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "ENABLE_PUSH is 0 or 1");
        return;
      case Setting.MAX_CONCURRENT_STREAMS:
        this.#peerMaxStreams = value;
        return;
      case Setting.INITIAL_WINDOW_SIZE:
        if (value > maxWindow) throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, "a window is below 2^31");
        for (const stream of this.#streams.values()) {
          stream.sendWindow += value - this.#peerInitialWindow;
          if (stream.sendWindow > maxWindow)
            throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, "a window is below 2^31");
          this.#schedule(stream);
        }
        this.#peerInitialWindow = value;
        return;
      case Setting.MAX_FRAME_SIZE:
        if (value < smallestMaxFrameSize || value > 0xff_ffff) {
          throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "a frame's size is between 2^14 and 2^24");
        }
        this.#peerMaxFrameBytes = value;
        return;
      default: // MAX_HEADER_LIST_SIZE is advice, and what is unknown is to be ignored (§6.5.2)
    }
  }

  #ping(flags: number, id: number, bytes: Uint8Array, start: number, end: number): void {
    if (id !== 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "PING on a stream");
    if (end - start !== 8) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, "PING has eight bytes");
    const payload = bytes.subarray(start, end);
    if ((flags & Flag.ACK) === 0) {
      this.#spendIdle();
      this.output.ping(payload, true);
      this.#announceOutput();
      this.#events.onPing();
    } else if (this.#draining && this.#accepting === maxStreamId && payload.every((byte, i) => byte === drainPing[i])) {
      // The peer has seen the first GOAWAY: what it opens from now on is refused.
      this.#accepting = this.#lastPeerStream;
      this.output.goaway(this.#accepting, ErrorCode.NO_ERROR, nothing);
      this.#announceOutput();
    } else this.#events.onPong(payload.slice());
  }

  #goaway(id: number, bytes: Uint8Array, start: number, end: number): void {
    if (id !== 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "GOAWAY on a stream");
    if (end - start < 8) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, "GOAWAY has eight bytes");
    this.#goneAway = true;
    const last = readUint32(bytes, start) & maxStreamId;
    if (this.role === "client") {
      for (const stream of [...this.#streams.values()])
        if (stream.id > last) this.#abort(stream, ErrorCode.REFUSED_STREAM);
    }
    this.#events.onGoaway(readUint32(bytes, start + 4) as ErrorCode, fromUtf8(bytes.subarray(start + 8, end)));
  }

  #windowUpdate(id: number, bytes: Uint8Array, start: number, end: number): void {
    if (end - start !== 4) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, "WINDOW_UPDATE has four bytes");
    const increment = readUint32(bytes, start) & maxWindow;
    if (id === 0) {
      if (increment === 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE of nothing");
      this.#sendWindow += increment;
      if (this.#sendWindow > maxWindow)
        throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, "a window is below 2^31");
      this.#pump();
      return;
    }
    const stream = this.#streams.get(id);
    if (stream === undefined) {
      if (this.#isIdle(id))
        throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `WINDOW_UPDATE on the idle stream ${id}`);
      return;
    }
    if (increment === 0) throw new StreamError(stream.id, ErrorCode.PROTOCOL_ERROR);
    stream.sendWindow += increment;
    if (stream.sendWindow > maxWindow) throw new StreamError(stream.id, ErrorCode.FLOW_CONTROL_ERROR);
    this.#schedule(stream);
  }

  // Sending.

  #encode(headers: HeadersToSend): Uint8Array {
    return headers instanceof RepeatedHeaders ? this.#encoder.encodeRepeated(headers) : this.#encoder.encode(headers);
  }

  #schedule(stream: Stream<Owner>): void {
    if (stream.scheduled || stream.queuedBytes === 0 || stream.sendWindow <= 0) return;
    stream.scheduled = true;
    this.#scheduled.push(stream);
    this.#pump();
  }

  /** One frame of what is queued; more than a window lets through stays queued. */
  #sendQueued(stream: Stream<Owner>): void {
    const length = Math.min(stream.queuedBytes, stream.sendWindow, this.#sendWindow, this.#peerMaxFrameBytes);
    const last = length === stream.queuedBytes;
    const endStream = last && stream.ending === "end";
    const at = this.output.frame(FrameType.DATA, endStream ? Flag.END_STREAM : 0, stream.id, length);
    stream.dequeue(length, this.output.bytes, at);
    stream.sendWindow -= length;
    this.#sendWindow -= length;
    if (endStream) this.#closeLocal(stream);
    else if (last && stream.ending !== "open") this.#finish(stream, stream.ending);
    this.#schedule(stream);
    this.#announceOutput();
    if (stream.blocked && stream.queuedBytes <= this.#options.highWaterBytes / 2) {
      stream.blocked = false;
      this.#events.onDrain(stream);
    }
  }

  #finish(stream: Stream<Owner>, ending: "end" | HeadersToSend): void {
    if (ending === "end") this.output.frame(FrameType.DATA, Flag.END_STREAM, stream.id, 0);
    else this.output.headers(stream.id, this.#encode(ending), true, this.#peerMaxFrameBytes);
    this.#closeLocal(stream);
  }

  /** A server that has answered does not want the rest of the request (§8.1). */
  #closeLocal(stream: Stream<Owner>): void {
    stream.localClosed = true;
    if (stream.remoteClosed) this.#remove(stream);
    else if (this.role === "server") this.reset(stream, ErrorCode.NO_ERROR);
  }

  #announceOutput(): void {
    if (this.#outputAnnounced) return;
    this.#outputAnnounced = true;
    this.#events.onOutput();
  }

  // Bookkeeping.

  #giveBack(stream: Stream<Owner>): void {
    if (stream.paused || stream.remoteClosed || stream.aborted) return;
    if (stream.consumed < this.#options.streamWindowBytes / 2) return;
    this.output.windowUpdate(stream.id, stream.consumed);
    stream.receiveWindow += stream.consumed;
    stream.consumed = 0;
    this.#announceOutput();
  }

  /** After a stream error of the peer's making (§5.4.2). */
  #refuse(id: number, code: ErrorCode): void {
    this.output.rstStream(id, code);
    this.#announceOutput();
    const stream = this.#streams.get(id);
    if (stream === undefined) this.#spendIdle();
    else this.#abort(stream, code);
  }

  #abort(stream: Stream<Owner>, code: ErrorCode): void {
    this.#remove(stream);
    this.#events.onAbort(stream, code);
  }

  #abortAll(code: ErrorCode): void {
    for (const stream of [...this.#streams.values()]) this.#abort(stream, code);
  }

  #remove(stream: Stream<Owner>): void {
    if (!this.#streams.delete(stream.id)) return;
    if (!(stream.localClosed && stream.remoteClosed)) stream.aborted = true;
    stream.queue.length = 0;
    stream.queuedBytes = 0;
    if (this.role === "server") this.#peerStreams--;
    else this.#ownStreams--;
  }

  /** Never opened by either side, so that no frame for it can be under way. */
  #isIdle(id: number): boolean {
    return id === 0 || id > (this.role === "server" ? this.#lastPeerStream : this.#lastOwnStream) || id % 2 === 0;
  }

  #spendIdle(): void {
    if (this.#idle.spend(this.#nowMs)) return;
    throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, "too many frames that carry nothing");
  }
}

function paddingOf(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, "a padded frame has no room for its padding");
  return bytes[at] as number;
}
