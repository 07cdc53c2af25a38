import type { Clock, Timer } from "../../base/mod.ts";
import type { Owner, Timeline } from "./timeline.ts";

const epochMs = 1_893_456_000_000; // 2030
const million = 1_000_000;

/**
 * The clocks of one computer, which outlive its processes. The monotonic one runs fast or slow; the wall clock besides jumps and
 * stands still. Both go on while a process stands still.
 */
export class HostClock {
  readonly #timeline: Timeline;
  #driftPpm = 0;
  /** Monotonic time at `#sinceUs`. */
  #localUs: number;
  #sinceUs = 0;
  #stepMs = 0;
  #frozenAtMs: number | undefined;
  readonly #upUs: number;

  /** Computers have been up for different times. */
  constructor(timeline: Timeline, upUs: number) {
    this.#timeline = timeline;
    this.#localUs = upUs;
    this.#upUs = upUs;
  }

  get #monotonicUs(): number {
    const passedUs = this.#timeline.nowUs - this.#sinceUs;
    return this.#localUs + passedUs + (passedUs * this.#driftPpm) / million;
  }

  /** From now on it gains so many microseconds a second; negative: it loses them. */
  drift(ppm: number): void {
    this.#localUs = this.#monotonicUs;
    this.#sinceUs = this.#timeline.nowUs;
    this.#driftPpm = ppm;
  }

  /** The wall clock jumps. */
  step(ms: number): void {
    this.#stepMs += ms;
  }

  freeze(): void {
    this.#frozenAtMs ??= this.wallMs;
  }

  thaw(): void {
    this.#frozenAtMs = undefined;
  }

  /** Right again. */
  mend(): void {
    this.drift(0);
    this.thaw();
    this.#stepMs = 0;
  }

  get wallMs(): number {
    return this.#frozenAtMs ?? Math.floor(epochMs + this.#stepMs + this.#monotonicUs / 1000);
  }

  /** How far the wall clock is from that of a computer nobody does anything to. */
  get offsetMs(): number {
    return this.wallMs - Math.floor(epochMs + (this.#upUs + this.#timeline.nowUs) / 1000);
  }

  /** As a process on this computer sees it. */
  for(owner: Owner): Clock {
    return {
      now: () => this.wallMs,
      monotonic: () => this.#monotonicUs / 1000,
      after: (delayMs, fire): Timer => {
        const localUs = Math.max(0, delayMs) * 1000;
        const trueUs = Math.ceil((localUs * million) / (million + this.#driftPpm));
        return this.#timeline.after(trueUs, owner, "timer", fire);
      },
    };
  }
}
