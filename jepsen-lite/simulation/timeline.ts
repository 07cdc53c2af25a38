import type { Timer } from "../../base/mod.ts";
import { mix } from "./chance.ts";

/** Whom events happen to: a process, which may stand still for a while, or be gone. */
export interface Owner {
  /** For the hash of the run. */
  readonly number: number;
  readonly alive: boolean;
  /** Its events wait until then. */
  readonly blockedUntilUs: number;
}

interface Event {
  atUs: number;
  readonly order: number;
  readonly owner: Owner | undefined;
  readonly kind: EventKind;
  fire: (() => void) | undefined;
}

/** What can happen. The position is the number that goes into the hash. */
export const eventKinds = ["timer", "turn", "disk", "message", "client", "fault", "control"] as const;
export type EventKind = (typeof eventKinds)[number];
const kindNumbers = Object.fromEntries(eventKinds.map((kind, number) => [kind, number])) as Record<EventKind, number>;

/** What is told after each event, when everything it set off in promises has come to rest. */
export type Observer = (owner: Owner | undefined, kind: EventKind) => void;

/**
 * One heap of virtual events. Time jumps from one to the next; equal times go in the order they were set. Between two events all
 * microtasks run to completion: the loop goes on in `process.nextTick`, asked for by a microtask, and Node has run every microtask
 * before it looks at its ticks again. Nothing real is ever waited for, since no turn of the real event loop passes.
 */
export class Timeline {
  readonly #heap: Event[] = [];
  #order = 0;
  #nowUs = 0;
  #events = 0;
  #hashLow = 0x2545f491;
  #hashHigh = 0x4f6cdd1d;
  #failure: { readonly error: unknown } | undefined;
  /** Gets the numbers that go into the hash; for finding out where two runs part. */
  trace: ((number: number) => void) | undefined;

  get nowUs(): number {
    return this.#nowUs;
  }

  get events(): number {
    return this.#events;
  }

  /** Of everything that has happened, in its order. Equal for equal runs. */
  get hash(): string {
    return [this.#hashHigh, this.#hashLow].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
  }

  /** Something about the event that is happening goes into the hash. */
  note(number: number): void {
    this.trace?.(number);
    this.#hashLow = mix(this.#hashLow, number);
    this.#hashHigh = mix(this.#hashHigh, this.#hashLow ^ 0x5bd1e995);
  }

  /** Never before what is happening now is over. Nothing happens to an owner that is gone by then. */
  at(atUs: number, owner: Owner | undefined, kind: EventKind, fire: () => void): Timer {
    const event: Event = { atUs: Math.max(this.#nowUs, Math.floor(atUs)), order: this.#order++, owner, kind, fire };
    this.#push(event);
    return {
      cancel() {
        event.fire = undefined;
      },
    };
  }

  after(delayUs: number, owner: Owner | undefined, kind: EventKind, fire: () => void): Timer {
    return this.at(this.#nowUs + Math.max(0, delayUs), owner, kind, fire);
  }

  /** The run is over, with an error. */
  fail(error: unknown): void {
    this.#failure ??= { error };
  }

  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** Lets happen what happens before `untilUs`, or until `enough`. Rejects with what `fail`, an event or the observer said. */
  run(untilUs: number, observer: Observer, enough: () => boolean = () => false): Promise<void> {
    return new Promise((resolve, reject) => {
      const goOn = () => process.nextTick(step);
      let happened: Event | undefined;
      const step = () => {
        try {
          if (happened !== undefined) observer(happened.owner, happened.kind);
          if (this.#failure !== undefined) throw this.#failure.error;
          happened = enough() ? undefined : this.#next(untilUs);
          if (happened === undefined) {
            resolve();
            return;
          }
          const { fire } = happened;
          happened.fire = undefined;
          fire?.();
          queueMicrotask(goOn);
        } catch (error) {
          reject(error);
        }
      };
      queueMicrotask(goOn);
    });
  }

  /** The next event that happens to somebody, with the time moved to it. */
  #next(untilUs: number): Event | undefined {
    for (;;) {
      const event = this.#heap[0];
      if (event === undefined || event.atUs > untilUs) {
        this.#nowUs = Math.max(this.#nowUs, untilUs);
        return undefined;
      }
      this.#pop();
      const { owner } = event;
      if (event.fire === undefined || owner?.alive === false) continue;
      const readyUs = owner === undefined ? 0 : readyFor(event.kind, owner.blockedUntilUs);
      if (readyUs > event.atUs) {
        event.atUs = readyUs;
        this.#push(event);
        continue;
      }
      this.#nowUs = event.atUs;
      this.#events++;
      this.note(event.atUs);
      this.note((owner?.number ?? 0) * 8 + kindNumbers[event.kind]);
      return event;
    }
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as Event;
      if (!isBefore(event, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Event;
    const size = heap.length;
    if (size === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && isBefore(heap[child + 1] as Event, heap[child] as Event)) child++;
      const below = heap[child] as Event;
      if (!isBefore(below, last)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
  }
}

/**
 * Who stood still finds its timers due, then its connections full: of what came over different ones in the meantime nobody can say in which
 * order it is looked at, so that it differs from one time to the next.
 */
function readyFor(kind: EventKind, resumesUs: number): number {
  if (resumesUs === 0 || kind === "timer") return resumesUs;
  return resumesUs + ((mix(resumesUs, kindNumbers[kind]) >>> 0) % 4);
}

function isBefore(a: Event, b: Event): boolean {
  return a.atUs < b.atUs || (a.atUs === b.atUs && a.order < b.order);
}
