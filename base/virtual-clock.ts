import type { Clock, Timer } from "./clock.ts";
import { Heap } from "./heap.ts";

interface Alarm {
  readonly atMs: number;
  readonly order: number;
  fire: (() => void) | undefined;
}

/** A clock that moves only when told to: the in-memory twin of the machine's. */
export class VirtualClock implements Clock {
  readonly #epochMs: number;
  readonly #alarms = new Heap<Alarm>((a, b) => a.atMs - b.atMs || a.order - b.order);
  #elapsedMs = 0;
  #set = 0;

  constructor(epochMs = Date.UTC(2030, 0, 1)) {
    this.#epochMs = epochMs;
  }

  now(): number {
    return this.#epochMs + this.#elapsedMs;
  }

  monotonic(): number {
    return this.#elapsedMs;
  }

  after(delayMs: number, fire: () => void): Timer {
    const alarm: Alarm = { atMs: this.#elapsedMs + Math.max(0, delayMs), order: this.#set++, fire };
    this.#alarms.push(alarm);
    return {
      cancel() {
        alarm.fire = undefined;
      },
    };
  }

  /** Moves time forward, firing what falls due on the way, in order; equal times fire in the order they were set. */
  advance(ms: number): void {
    const until = this.#elapsedMs + ms;
    for (let next = this.#alarms.peek(); next !== undefined && next.atMs <= until; next = this.#alarms.peek()) {
      this.#alarms.pop();
      this.#elapsedMs = next.atMs;
      next.fire?.();
    }
    this.#elapsedMs = until;
  }
}
