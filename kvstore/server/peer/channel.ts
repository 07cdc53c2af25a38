import type { Clock, Log, Timer } from "../../../base/mod.ts";
import { fromUtf8 } from "../../../base/mod.ts";
import type { TlsOptions } from "../../tls/mod.ts";
import { Connection } from "./connection.ts";
import { type FrameKind, frameKinds } from "./frame.ts";
import { decodeHello, encodeHello, type Hello } from "./hello.ts";
import { dial } from "./network.ts";

const firstBackoffMs = 50;
const lastBackoffMs = 1000;
/** A peer that takes nothing for so long that this much waits is treated as gone. */
const backlogLimitBytes = 32 * 1024 * 1024;

export interface ChannelOptions {
  readonly hello: Hello;
  /** Tried in turn. */
  readonly urls: readonly string[];
  readonly tls: TlsOptions | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly readTimeoutMs?: number;
  readonly onFrame: (kind: FrameKind, payload: Uint8Array) => void;
  readonly onUp: (theirs: Hello) => void;
  readonly onDown: () => void;
  readonly onRoundTrip?: (ms: number) => void;
  readonly onReceived?: (bytes: number) => void;
  readonly onSent?: (bytes: number) => void;
  /** The peer says that this member was removed from the cluster. */
  readonly onRemoved: () => void;
}

/** An outgoing connection to a member that comes back by itself, until `stop`. */
export class Channel {
  readonly #options: ChannelOptions;
  #connection: Connection | undefined;
  /** The peer has welcomed us. */
  #up = false;
  #upSinceMs: number | undefined;
  #backoffMs = firstBackoffMs;
  #attempts = 0;
  #timer: Timer | undefined;
  #stopped = false;
  #lastComplaint = "";

  constructor(options: ChannelOptions) {
    this.#options = options;
    void this.#connect();
  }

  get upSinceMs(): number | undefined {
    return this.#upSinceMs;
  }

  /** False if the frames are lost: the channel is down or the peer does not keep up. */
  write(frames: Uint8Array): boolean {
    if (!this.#up || this.#connection === undefined) return false;
    if (this.#connection.backlogBytes > backlogLimitBytes) {
      this.#connection.close("it takes nothing");
      return false;
    }
    this.#connection.write(frames);
    return true;
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#connection?.close("stopping");
  }

  async #connect(): Promise<void> {
    const { urls, tls, clock, hello, readTimeoutMs } = this.#options;
    const url = urls[this.#attempts++ % urls.length]!;
    try {
      const socket = await dial(url, tls);
      if (this.#stopped) {
        socket.destroy();
        return;
      }
      const events = {
        frame: (kind: FrameKind, payload: Uint8Array) => this.#frame(kind, payload),
        closed: (reason: string) => this.#down(url, reason),
        roundTrip: this.#options.onRoundTrip,
        received: this.#options.onReceived,
        sent: this.#options.onSent,
      };
      this.#connection = new Connection(socket, clock, events, readTimeoutMs);
      this.#connection.send(frameKinds.hello, encodeHello(hello));
    } catch (error) {
      this.#down(url, (error as Error).message);
    }
  }

  #frame(kind: FrameKind, payload: Uint8Array): void {
    if (this.#up) {
      this.#options.onFrame(kind, payload);
      return;
    }
    if (kind === frameKinds.removed) {
      this.stop();
      this.#options.onRemoved();
      return;
    }
    const theirs = kind === frameKinds.welcome ? decodeHello(payload) : undefined;
    if (theirs === undefined) {
      const why = kind === frameKinds.refused ? fromUtf8(payload) : "it is no member of a cluster like ours";
      this.#connection?.close(`refused: ${why}`);
      return;
    }
    this.#up = true;
    this.#upSinceMs = this.#options.clock.monotonic();
    this.#backoffMs = firstBackoffMs;
    this.#lastComplaint = "";
    this.#options.onUp(theirs);
  }

  #down(url: string, reason: string): void {
    const wasUp = this.#up;
    this.#connection = undefined;
    this.#up = false;
    this.#upSinceMs = undefined;
    if (this.#stopped) return;
    const { stream, to } = this.#options.hello;
    // Once per reason, and for one of the two channels: they share their fate.
    if (stream === "message" && reason !== this.#lastComplaint) {
      this.#options.log("warn", "no connection to peer", { peer: to.toString(16), url, reason });
      this.#lastComplaint = reason;
    }
    this.#timer = this.#options.clock.after(this.#backoffMs, () => void this.#connect());
    this.#backoffMs = Math.min(lastBackoffMs, this.#backoffMs * 2);
    if (wasUp) this.#options.onDown();
  }
}
