import { Readable, Writable } from "node:stream";
import type { WebSocket } from "ws";
import { Heartbeat } from "./heartbeat.ts";

/** How channels of a WebSocket are told apart: by a byte before binary messages, or a digit before base64 in text. */
export type ChannelEncoding = "binary" | "base64";

/** In version 5 a message [255, N] says that channel N has ended. */
const closeChannel = 255;

/** A few one-way streams on one WebSocket. A channel nobody reads in time stops the reading of all. */
export class Channels {
  readonly #socket: WebSocket;
  readonly #encoding: ChannelEncoding;
  readonly #readers = new Map<number, Readable>();
  readonly #blocked = new Set<Readable>();
  readonly #closed = new AbortController();
  readonly #heartbeat: Heartbeat;

  constructor(socket: WebSocket, options: { readonly encoding: ChannelEncoding; readonly closes: boolean }) {
    this.#socket = socket;
    this.#encoding = options.encoding;
    this.#heartbeat = new Heartbeat(() => socket.readyState === socket.OPEN && socket.ping());
    socket.on("message", (message: Buffer, isBinary: boolean) => {
      const { channel, data } = this.#decode(message, isBinary);
      if (options.closes && channel === closeChannel) this.#endReader(data[0] ?? closeChannel);
      else if (data.length > 0) this.#deliver(channel, data);
    });
    socket.on("close", () => this.#end());
    socket.on("error", () => socket.terminate());
  }

  /** Aborts when the WebSocket has closed. */
  get signal(): AbortSignal {
    return this.#closed.signal;
  }

  /** What the client says on a channel; ends when the client says so, or goes. */
  readable(channel: number): Readable {
    const readable: Readable = new Readable({
      read: () => this.#unblock(readable),
      destroy: (error, done) => {
        this.#unblock(readable);
        done(error);
      },
    });
    this.#readers.set(channel, readable);
    return readable;
  }

  /** A write is done when the message has left. After the end of the WebSocket it is lost in silence. */
  writable(channel: number): Writable {
    return new Writable({
      write: (chunk: Buffer, _encoding, done) => this.send(channel, chunk, () => done()),
    });
  }

  send(channel: number, data: Uint8Array, done?: () => void): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return void done?.();
    const message =
      this.#encoding === "binary"
        ? Buffer.concat([Uint8Array.of(channel), data])
        : `${channel}${Buffer.from(data).toString("base64")}`;
    this.#socket.send(message, () => done?.());
  }

  /** Closes in good order, but not for ever: a client that does not answer is cut off by the library after 30 s. */
  close(): void {
    this.#socket.close(1000);
    this.#socket.resume();
  }

  #decode(message: Buffer, isBinary: boolean): { channel: number; data: Buffer } {
    if (this.#encoding === "binary" || isBinary)
      return { channel: message[0] ?? closeChannel, data: message.subarray(1) };
    const text = message.toString("latin1");
    return { channel: Number(text[0] ?? closeChannel), data: Buffer.from(text.slice(1), "base64") };
  }

  #deliver(channel: number, data: Buffer): void {
    const reader = this.#readers.get(channel);
    if (reader === undefined || reader.destroyed || reader.push(data)) return;
    this.#blocked.add(reader);
    this.#socket.pause();
    this.#heartbeat.start();
  }

  #unblock(reader: Readable): void {
    if (!this.#blocked.delete(reader) || this.#blocked.size > 0) return;
    this.#heartbeat.stop();
    this.#socket.resume();
  }

  /** What comes after the end is nobody's. */
  #endReader(channel: number): void {
    this.#readers.get(channel)?.push(null);
    this.#readers.delete(channel);
  }

  #end(): void {
    this.#heartbeat.stop();
    for (const channel of [...this.#readers.keys()]) this.#endReader(channel);
    this.#closed.abort();
  }
}
