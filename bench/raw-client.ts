import { once } from "node:events";
import { connect as connectSocket, type Socket } from "node:net";
import {
  Connection,
  type ConnectionEvents,
  type HeaderBlock,
  MessageReader,
  prefixBytes,
  RepeatedHeaders,
  Status,
  type Stream,
  writePrefix,
} from "../proto/mod.ts";

/** Sees the answers of one call: each message where it lies in the input, to be looked at now or copied. */
export type OnMessage = (bytes: Uint8Array, start: number, end: number) => void;

/** A call that failed and left the connection as it was: with what code, and why. */
export type OnFailed = (code: number, why: string) => void;

const maxMessageBytes = 1 << 30;
const windowBytes = 1 << 26;
const repeatAfterMs = 100;

/** One message, ready to be sent any number of times: five bytes of length in front. */
export function prepared(message: Uint8Array): Uint8Array {
  const framed = new Uint8Array(prefixBytes + message.length);
  writePrefix(framed, 0, message.length);
  framed.set(message, prefixBytes);
  return framed;
}

/** A call in progress. */
export class RawCall {
  readonly onMessage: OnMessage;
  readonly onEnd: (() => void) | undefined;
  readonly onFailed: OnFailed | undefined;
  readonly reader = new MessageReader(maxMessageBytes);
  stream: Stream<RawCall> | undefined;

  constructor(onMessage: OnMessage, onEnd: (() => void) | undefined, onFailed: OnFailed | undefined) {
    this.onMessage = onMessage;
    this.onEnd = onEnd;
    this.onFailed = onFailed;
  }
}

/** A gRPC connection for generators of load: prepared bytes out, undecoded messages in. A call that fails ends the measurement, and
 * `onFailure` hears of it, unless the caller asked for something else. */
export class RawConnection implements ConnectionEvents<RawCall> {
  readonly #http2 = new Connection<RawCall>(
    { role: "client", streamWindowBytes: windowBytes, connectionWindowBytes: windowBytes },
    this,
  );
  readonly #socket: Socket;
  readonly #authority: string;
  readonly #onFailure: (error: Error) => void;
  readonly #heads = new Map<string, RepeatedHeaders>();
  #flushScheduled = false;
  #closed = false;
  /** How often `persistent` had to make a call again. */
  repeats = 0;

  private constructor(socket: Socket, authority: string, onFailure: (error: Error) => void) {
    this.#socket = socket;
    this.#authority = authority;
    this.#onFailure = onFailure;
    socket.on("data", (chunk: Uint8Array) => this.#http2.receive(chunk, performance.now()));
    socket.on("drain", () => this.#http2.setWritable(true));
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("the connection was closed")));
    this.onOutput();
  }

  static async open(url: string, onFailure: (error: Error) => void): Promise<RawConnection> {
    const { hostname, port, host } = new URL(url);
    const socket = connectSocket({ host: hostname, port: Number(port), noDelay: true });
    await once(socket, "connect");
    return new RawConnection(socket, host, onFailure);
  }

  /** `message` is `prepared`. Calls back with the answer. */
  unary(path: string, message: Uint8Array, onMessage: OnMessage, onEnd?: () => void, onFailed?: OnFailed): void {
    const call = this.#open(path, onMessage, onEnd, onFailed);
    this.#http2.sendData(call.stream as Stream<RawCall>, message);
    this.#http2.end(call.stream as Stream<RawCall>);
  }

  /** Makes the call until it succeeds, as long as it fails because the store is not available: there was no leader, or it did not answer
   * in time. `isDone` says whether another failure shows that an earlier attempt had succeeded after all. */
  persistent(
    path: string,
    message: Uint8Array,
    onDone: () => void,
    isDone: (code: number) => boolean = () => false,
  ): void {
    this.unary(path, message, onDone, undefined, (code, why) => {
      if (isDone(code)) onDone();
      else if (code !== Status.Unavailable) this.#fail(callFailed(code, why));
      else {
        this.repeats++;
        setTimeout(() => {
          if (!this.#closed) this.persistent(path, message, onDone, isDone);
        }, repeatAfterMs);
      }
    });
  }

  /** A call of many messages in both directions, until the connection is closed. */
  stream(path: string, onMessage: OnMessage): (message: Uint8Array) => void {
    const call = this.#open(path, onMessage);
    return (message) => void this.#http2.sendData(call.stream as Stream<RawCall>, message);
  }

  /** Nothing is read any more: a client that has stopped. */
  freeze(): void {
    this.#socket.pause();
  }

  close(): void {
    this.#closed = true;
    this.#socket.destroy();
  }

  #open(path: string, onMessage: OnMessage, onEnd?: () => void, onFailed?: OnFailed): RawCall {
    const call = new RawCall(onMessage, onEnd, onFailed);
    call.stream = this.#http2.open(this.#head(path), false, call);
    return call;
  }

  #head(path: string): RepeatedHeaders {
    let head = this.#heads.get(path);
    if (head === undefined) {
      head = new RepeatedHeaders([
        { name: ":method", value: "POST" },
        { name: ":scheme", value: "http" },
        { name: ":path", value: path },
        { name: ":authority", value: this.#authority },
        { name: "content-type", value: "application/grpc" },
        { name: "te", value: "trailers" },
      ]);
      this.#heads.set(path, head);
    }
    return head;
  }

  #fail(error: Error): void {
    if (this.#closed) return;
    this.close();
    this.#onFailure(error);
  }

  onHeaders(stream: Stream<RawCall>, block: HeaderBlock, endStream: boolean): void {
    if (!endStream) return;
    for (const { name, value } of block.fields) {
      if (name === "grpc-status" && value !== "0") {
        const why = block.fields.find((field) => field.name === "grpc-message")?.value ?? "";
        const { onFailed } = stream.owner as RawCall;
        if (onFailed !== undefined) onFailed(Number(value), why);
        else this.#fail(callFailed(Number(value), why));
        return;
      }
    }
    stream.owner?.onEnd?.();
  }

  onData(stream: Stream<RawCall>, bytes: Uint8Array, start: number, end: number): void {
    const { reader, onMessage } = stream.owner as RawCall;
    reader.add(bytes, start, end);
    while (reader.next()) onMessage(reader.bytes, reader.start, reader.end);
  }

  onAbort(): void {
    this.#fail(new Error("a call was aborted"));
  }

  onOutput(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    setImmediate(() => {
      this.#flushScheduled = false;
      if (this.#socket.destroyed) return;
      this.#http2.flush((bytes) => {
        if (!this.#socket.write(bytes)) this.#http2.setWritable(false);
        return this.#socket.writableLength === 0;
      });
    });
  }

  onGoaway(): void {
    this.#fail(new Error("the server goes away"));
  }

  onError(error: Error): void {
    this.#fail(error);
  }

  onDrain(): void {
    // Whoever sends more than the window lets through waits in the queue.
  }

  onPing(): void {
    // Answered by the connection.
  }

  onPong(): void {
    // None is asked for.
  }

  onSettings(): void {
    // The connection has taken note.
  }
}

function callFailed(code: number, why: string): Error {
  return new Error(`a call failed with code ${code}: ${why}`);
}
