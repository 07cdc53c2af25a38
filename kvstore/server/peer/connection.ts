import type { Socket } from "node:net";
import type { Clock, Timer } from "../../../base/mod.ts";
import { type FrameKind, FrameReader, frame, frameKinds } from "./frame.ts";

/** Either end says something this often. */
const pingMs = 1500;
/** Silence this long means that the network swallows what is sent, on the way there or back: the connection is given up. */
const defaultSilenceMs = 5000;
const nothing = new Uint8Array(0);

export interface ConnectionEvents {
  frame(kind: FrameKind, payload: Uint8Array): void;
  /** Once; nothing comes after it. */
  closed(reason: string): void;
  /** An answer to a ping came so many milliseconds after it. */
  roundTrip?(ms: number): void;
  /** Bytes arrived. */
  received?(bytes: number): void;
  /** Bytes were written, of whatever kind. */
  sent?(bytes: number): void;
}

/** A socket that carries frames and notices by itself when the other end is gone. */
export class Connection {
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #events: ConnectionEvents;
  readonly #silenceMs: number;
  #lastHeardMs: number;
  /** When the oldest ping was sent that has no answer yet. */
  #askedMs: number | undefined;
  #beatDueMs: number;
  #timer: Timer;
  #closed = false;
  #reason = "closed by the peer";

  constructor(socket: Socket, clock: Clock, events: ConnectionEvents, silenceMs = defaultSilenceMs) {
    this.#socket = socket;
    this.#clock = clock;
    this.#events = events;
    this.#silenceMs = silenceMs;
    this.#lastHeardMs = clock.monotonic();
    this.#beatDueMs = this.#lastHeardMs + pingMs;
    this.#timer = clock.after(pingMs, () => this.#beat());
    const reader = new FrameReader((kind, payload) => this.#frame(kind, payload));
    socket.on("data", (chunk: Buffer) => {
      this.#lastHeardMs = clock.monotonic();
      events.received?.(chunk.length);
      try {
        reader.feed(chunk);
      } catch (error) {
        this.close(`it does not speak our protocol: ${(error as Error).message}`);
      }
    });
    socket.on("error", (error) => {
      this.#reason = error.message;
    });
    socket.on("close", () => this.#end());
  }

  /** Bytes written and not yet taken by the kernel. */
  get backlogBytes(): number {
    return this.#socket.writableLength;
  }

  get remoteAddress(): string {
    return `${this.#socket.remoteAddress}:${this.#socket.remotePort}`;
  }

  send(kind: FrameKind, payload: Uint8Array): void {
    this.write(frame(kind, payload));
  }

  /** Whole frames. The bytes belong to the connection from now on. */
  write(frames: Uint8Array): void {
    if (this.#closed) return;
    this.#events.sent?.(frames.length);
    this.#socket.write(frames);
  }

  /** Resolves when there is room again, or the connection is closed. */
  drained(): Promise<void> {
    if (this.#closed || !this.#socket.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      this.#socket.once("drain", resolve);
      this.#socket.once("close", resolve);
    });
  }

  /** Lets the peer wait, for the consumer of a large transfer. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#lastHeardMs = this.#clock.monotonic();
    this.#socket.resume();
  }

  close(reason: string): void {
    if (this.#closed) return;
    this.#reason = reason;
    this.#socket.destroy();
  }

  /** Sends what is written, then closes. */
  finish(reason: string): void {
    this.#reason = reason;
    this.#socket.end();
  }

  #frame(kind: FrameKind, payload: Uint8Array): void {
    if (kind === frameKinds.ping) this.send(frameKinds.pong, nothing);
    else if (kind === frameKinds.pong) this.#answered();
    else if (!this.#closed) this.#events.frame(kind, payload);
  }

  #answered(): void {
    if (this.#askedMs !== undefined) this.#events.roundTrip?.(this.#clock.monotonic() - this.#askedMs);
    this.#askedMs = undefined;
  }

  #beat(): void {
    const now = this.#clock.monotonic();
    // A process that was stopped heard nothing because it did not listen.
    if (now - this.#beatDueMs > pingMs) {
      this.#lastHeardMs = now;
      this.#askedMs = undefined;
    }
    // Not of one that is paused: answers may lie unread.
    if (!this.#socket.isPaused()) {
      const isSilent = now - this.#lastHeardMs > this.#silenceMs;
      if (isSilent || now - (this.#askedMs ?? now) > this.#silenceMs) {
        this.close(isSilent ? "it fell silent" : "it does not hear us");
        return;
      }
    }
    this.#askedMs ??= now;
    this.send(frameKinds.ping, nothing);
    this.#beatDueMs = now + pingMs;
    this.#timer = this.#clock.after(pingMs, () => this.#beat());
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer.cancel();
    this.#events.closed(this.#reason);
  }
}
