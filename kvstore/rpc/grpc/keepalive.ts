import type { Clock, Timer } from "../../../base/mod.ts";
import type { KeepaliveOptions } from "./types.ts";

export const keepaliveDefaults = {
  minTimeMs: 5000,
  intervalMs: 7_200_000,
  timeoutMs: 20_000,
} satisfies Required<KeepaliveOptions>;

/** Pings closer together than `minTimeMs` that are let pass, as by grpc-go. */
const forgivenPings = 2;

/** Timers of Node that are longer fire at once. */
const longestTimerMs = 2 ** 31 - 1;

const probe = new Uint8Array(8);

export interface KeepaliveActions {
  ping(payload: Uint8Array): void;
  /** The peer pings too often. */
  refuse(why: string): void;
  /** The peer is silent. */
  dead(): void;
}

/** Notices a peer that has gone without a word, and one that pings without need. */
export class Keepalive {
  readonly #clock: Clock;
  readonly #options: Required<KeepaliveOptions>;
  readonly #actions: KeepaliveActions;
  #timer: Timer | undefined;
  #heardMs: number;
  #lastPingMs = Number.NEGATIVE_INFINITY;
  #strikes = 0;
  #sentFrames = 0;

  constructor(clock: Clock, options: Required<KeepaliveOptions>, actions: KeepaliveActions) {
    this.#clock = clock;
    this.#options = options;
    this.#actions = actions;
    this.#heardMs = clock.monotonic();
    if (options.intervalMs > 0 && options.timeoutMs > 0) this.#probeIn(options.intervalMs);
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** Anything came from the peer. */
  received(): void {
    this.#heardMs = this.#clock.monotonic();
  }

  /**
   * `sentFrames`: HEADERS and DATA frames sent so far. Pings that follow some are free: grpc-go's clients measure the
   * link by them while they receive, several times within one large message.
   */
  pinged(sentFrames: number): void {
    if (sentFrames !== this.#sentFrames) this.#strikes = 0;
    this.#sentFrames = sentFrames;
    const now = this.#clock.monotonic();
    if (now - this.#lastPingMs < this.#options.minTimeMs) this.#strikes++;
    this.#lastPingMs = now;
    if (this.#strikes > forgivenPings) this.#actions.refuse("too_many_pings");
  }

  #probe(): void {
    const silentMs = this.#clock.monotonic() - this.#heardMs;
    if (silentMs < this.#options.intervalMs) {
      this.#probeIn(this.#options.intervalMs - silentMs);
      return;
    }
    const askedMs = this.#clock.monotonic();
    this.#actions.ping(probe);
    this.#timer = this.#clock.after(Math.min(this.#options.timeoutMs, longestTimerMs), () => {
      if (this.#heardMs < askedMs) this.#actions.dead();
      else this.#probe();
    });
  }

  #probeIn(ms: number): void {
    this.#timer = this.#clock.after(Math.min(ms, longestTimerMs), () => this.#probe());
  }
}
