import { once } from "node:events";
import { connect as connectSocket, type Socket } from "node:net";
import {
  Connection,
  type ConnectionEvents,
  type HeaderBlock,
  MessageReader,
  prefixBytes,
  RepeatedHeaders,
  type Stream,
  writePrefix,
} from "../proto/mod.ts";

/** Sees the answers of one call: each message where it lies in the input, to be looked at now or copied. */
export type OnMessage = (bytes: Uint8Array, start: number, end: number) => void;

const maxMessageBytes = 1 << 30;
const windowBytes = 1 << 26;

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
  readonly reader = new MessageReader(maxMessageBytes);
  stream: Stream<RawCall> | undefined;

  constructor(onMessage: OnMessage, onEnd: (() => void) | undefined) {
    this.onMessage = onMessage;
    this.onEnd = onEnd;
  }
}

/** A gRPC connection for generators of load: prepared bytes out, undecoded messages in, nothing retried. A call that fails
 * ends the measurement: `onFailure` hears of it. */
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
  unary(path: string, message: Uint8Array, onMessage: OnMessage, onEnd?: () => void): void {
    const call = this.#open(path, onMessage, onEnd);
    this.#http2.sendData(call.stream as Stream<RawCall>, message);
    this.#http2.end(call.stream as Stream<RawCall>);
  }

  /** A call of many messages in both directions, until the connection is closed. */
  stream(path: string, onMessage: OnMessage): (message: Uint8Array) => void {
    const call = this.#open(path, onMessage, undefined);
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

  #open(path: string, onMessage: OnMessage, onEnd: (() => void) | undefined): RawCall {
    const call = new RawCall(onMessage, onEnd);
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
        const why = block.fields.find((field) => field.name === "grpc-message")?.value;
        this.#fail(new Error(`a call failed with code ${value}: ${why}`));
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
