import { type Clock, Heap, type Timer } from "../../base/mod.ts";
import type { ClusterEvent, FilterPlugin } from "./framework.ts";
import type { PodInfo } from "./pod-info.ts";

const firstBackOffMs = 1_000;
const longestBackOffMs = 10_000;
/** A pod whose helping event was missed is tried again after this long all the same. */
const longestWaitMs = 5 * 60_000;
const flushEveryMs = 30_000;

export interface QueuedPod {
  pod: PodInfo;
  /** When it first asked to be scheduled; older pods of one priority go first. */
  readonly since: number;
  attempts: number;
  /** Plugins whose rejection made it wait: only events that may help one of them bring it back. */
  rejectedBy: ReadonlySet<string>;
  /** When it was put aside. */
  parkedAt: number;
}

/** PrioritySort: higher priority first, then who has waited longer. */
function goesFirst(a: QueuedPod, b: QueuedPod): number {
  return b.pod.priority - a.pod.priority || a.since - b.since;
}

export function backOffMs(attempts: number): number {
  return attempts === 0 ? 0 : Math.min(firstBackOffMs * 2 ** (attempts - 1), longestBackOffMs);
}

/**
 * Pods that wait for a node, in three places: active (ready to try), back-off (ready once their time has come) and unschedulable
 * (waiting for an event that may help). A pod is in one of them, or being tried; `#entries` knows all of them.
 */
export class SchedulingQueue {
  readonly #clock: Clock;
  readonly #plugins: ReadonlyMap<string, FilterPlugin>;
  readonly #entries = new Map<string, QueuedPod>();
  readonly #active = new Heap<QueuedPod>(goesFirst);
  readonly #inActive = new Set<QueuedPod>();
  readonly #backingOff = new Map<QueuedPod, Timer>();
  readonly #unschedulable = new Set<QueuedPod>();
  /** Events since a pod began to be tried: they may have come too late for that try. */
  #eventsSinceTry: ClusterEvent[] = [];
  #trying: QueuedPod | undefined;
  #flush: Timer | undefined;
  #wake: (() => void) | undefined;
  #closed = false;

  constructor(clock: Clock, plugins: readonly FilterPlugin[]) {
    this.#clock = clock;
    this.#plugins = new Map(plugins.map((plugin) => [plugin.name, plugin]));
    this.#scheduleFlush();
  }

  get size(): { active: number; backOff: number; unschedulable: number } {
    return { active: this.#inActive.size, backOff: this.#backingOff.size, unschedulable: this.#unschedulable.size };
  }

  /** A new pod, or a new version of one that waits. A changed pod is worth a try at once. */
  add(pod: PodInfo): void {
    const known = this.#entries.get(pod.key);
    if (known === undefined) {
      const entry = { pod, since: this.#clock.monotonic(), attempts: 0, rejectedBy: new Set<string>(), parkedAt: 0 };
      this.#entries.set(pod.key, entry);
      this.#activate(entry);
      return;
    }
    const changed = JSON.stringify(known.pod.pod.spec) !== JSON.stringify(pod.pod.spec);
    known.pod = pod;
    if (changed && this.#unschedulable.delete(known)) this.#activate(known);
  }

  remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#inActive.delete(entry); // The heap drops it when it comes up.
    this.#unschedulable.delete(entry);
    this.#backingOff.get(entry)?.cancel();
    this.#backingOff.delete(entry);
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** The next pod to try; undefined when the queue is closed. One pod is tried at a time. */
  async next(): Promise<QueuedPod | undefined> {
    for (;;) {
      if (this.#closed) return undefined;
      for (let entry = this.#active.pop(); entry !== undefined; entry = this.#active.pop()) {
        if (!this.#inActive.delete(entry)) continue;
        entry.attempts++;
        this.#trying = entry;
        this.#eventsSinceTry = [];
        return entry;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** The pod got a node, or needs none any more. */
  done(entry: QueuedPod): void {
    if (this.#trying === entry) this.#trying = undefined;
    if (this.#entries.get(entry.pod.key) === entry) this.#entries.delete(entry.pod.key);
  }

  /** No node took the pod: it waits for an event that may help the plugins that rejected it. */
  park(entry: QueuedPod, rejectedBy: ReadonlySet<string>): void {
    const missed = this.#trying === entry ? this.#eventsSinceTry : [];
    this.#trying = undefined;
    if (this.#entries.get(entry.pod.key) !== entry) return;
    entry.rejectedBy = rejectedBy;
    entry.parkedAt = this.#clock.monotonic();
    if (missed.some((event) => this.#mayHelp(entry, event))) this.#backOff(entry);
    else this.#unschedulable.add(entry);
  }

  /** The try failed for another reason (the API server, a conflict): again after the back-off. */
  retry(entry: QueuedPod): void {
    if (this.#trying === entry) this.#trying = undefined;
    const known = this.#entries.get(entry.pod.key);
    if (known !== undefined && known !== entry) return;
    this.#entries.set(entry.pod.key, entry);
    entry.parkedAt = this.#clock.monotonic();
    this.#backOff(entry);
  }

  /** Brings back those that the event may help. */
  onEvent(event: ClusterEvent): void {
    if (this.#trying !== undefined) this.#eventsSinceTry.push(event);
    for (const entry of this.#unschedulable) {
      if (!this.#mayHelp(entry, event)) continue;
      this.#unschedulable.delete(entry);
      this.#backOff(entry);
    }
  }

  close(): void {
    this.#closed = true;
    this.#flush?.cancel();
    for (const timer of this.#backingOff.values()) timer.cancel();
    this.#wake?.();
  }

  #mayHelp(entry: QueuedPod, event: ClusterEvent): boolean {
    if (entry.rejectedBy.size === 0) return true;
    return [...entry.rejectedBy].some((name) => this.#plugins.get(name)?.mayHelp(event, entry.pod) ?? true);
  }

  #activate(entry: QueuedPod): void {
    this.#inActive.add(entry);
    this.#active.push(entry);
    this.#wake?.();
    this.#wake = undefined;
  }

  #backOff(entry: QueuedPod): void {
    const left = entry.parkedAt + backOffMs(entry.attempts) - this.#clock.monotonic();
    if (left <= 0) {
      this.#activate(entry);
      return;
    }
    const timer = this.#clock.after(left, () => {
      this.#backingOff.delete(entry);
      this.#activate(entry);
    });
    this.#backingOff.set(entry, timer);
  }

  #scheduleFlush(): void {
    this.#flush = this.#clock.after(flushEveryMs, () => {
      const before = this.#clock.monotonic() - longestWaitMs;
      for (const entry of this.#unschedulable) {
        if (entry.parkedAt > before) continue;
        this.#unschedulable.delete(entry);
        this.#backOff(entry);
      }
      if (!this.#closed) this.#scheduleFlush();
    });
  }
}
