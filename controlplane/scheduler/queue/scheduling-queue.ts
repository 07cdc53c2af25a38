import { assert, type Clock, Heap, type Timer } from "../../../base/mod.ts";
import { equalJson, type Pod } from "../../api/mod.ts";
import { keyOf } from "../../client/mod.ts";
import type { Cluster } from "../cluster.ts";
import type { ClusterEvent, ClusterEventKind } from "../framework/events.ts";
import type { Plugin } from "../framework/plugin.ts";
import type { PodInfo } from "../pod-info.ts";
import { InFlightEvents } from "./in-flight-events.ts";
import { UnschedulablePods } from "./unschedulable-pods.ts";

/** A pod whose helping event was missed is tried again after this long all the same. */
const longestWaitMs = 5 * 60_000;
const flushEveryMs = 30_000;

type Place = "active" | "backOff" | "unschedulable" | "gated" | "inFlight" | "gone";

export interface QueuedPod {
  pod: PodInfo;
  /** When it was last put into the queue: of one priority, who waits longer goes first. */
  since: number;
  attempts: number;
  /** Plugins whose rejection made it wait: only events that may help one of them bring it back. */
  rejectedBy: ReadonlySet<string>;
  place: Place;
  /** The place in a heap that counts; older ones are skipped when they come up. */
  ticket: Ticket | undefined;
}

interface Ticket {
  readonly entry: QueuedPod;
  /** For back-off: when it is over. */
  readonly at: number;
}

/** What the queue asks the plugins; the profile of the pod decides who answers. */
export interface QueuePlugins {
  compare(a: QueuedPod, b: QueuedPod): number;
  preEnqueue(pod: PodInfo): { readonly plugin: string; readonly message: string } | undefined;
  /** By name. */
  of(pod: PodInfo): ReadonlyMap<string, Plugin>;
  /** Names of those that want to hear of events of this kind, in any profile. */
  listeningTo(kind: ClusterEventKind): ReadonlySet<string>;
}

export interface QueueOptions {
  readonly clock: Clock;
  readonly plugins: QueuePlugins;
  readonly cluster: Cluster;
  /** Default 1 s. */
  readonly initialBackoffMs?: number;
  /** Default 10 s. */
  readonly maxBackoffMs?: number;
}

/** Doubles with every attempt. */
export function backOffMs(attempts: number, initialMs = 1_000, maxMs = 10_000): number {
  return attempts === 0 ? 0 : Math.min(initialMs * 2 ** (attempts - 1), maxMs);
}

/**
 * Pods that wait for a node, in four places: active (ready to try), back-off (ready once their time has come, or when nothing else is
 * there to be tried), unschedulable (waiting for an event that may help) and gated (not to be tried yet). A pod is in one of them or in flight,
 * being tried; `#entries` knows all of them.
 */
export class SchedulingQueue {
  readonly #options: QueueOptions;
  readonly #clock: Clock;
  readonly #entries = new Map<string, QueuedPod>();
  readonly #active: Heap<Ticket>;
  readonly #backOff = new Heap<Ticket>((a, b) => a.at - b.at);
  /** Those whose try failed by an error (the API server's, as a rule) wait in any case: the error would meet them again. */
  readonly #afterError = new Heap<Ticket>((a, b) => a.at - b.at);
  readonly #unschedulable = new UnschedulablePods();
  readonly #inFlight = new InFlightEvents<QueuedPod>();
  #backOffTimer: { readonly timer: Timer; readonly at: number } | undefined;
  #flush: Timer | undefined;
  #wake: (() => void) | undefined;
  #closed = false;

  constructor(options: QueueOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#active = new Heap((a, b) => options.plugins.compare(a.entry, b.entry));
    this.#scheduleFlush();
  }

  get size(): Readonly<Record<Exclude<Place, "gone">, number>> {
    const sizes = { active: 0, backOff: 0, unschedulable: 0, gated: 0, inFlight: 0, gone: 0 };
    for (const { place } of this.#entries.values()) sizes[place]++;
    return sizes;
  }

  get(key: string): QueuedPod | undefined {
    return this.#entries.get(key);
  }

  /** A new pod, or a new version of one that waits. */
  set(pod: PodInfo): void {
    const entry = this.#entries.get(pod.key);
    if (entry === undefined) {
      const since = this.#clock.monotonic();
      const rejectedBy = new Set<string>();
      const fresh: QueuedPod = { pod, since, attempts: 0, rejectedBy, place: "gone", ticket: undefined };
      this.#entries.set(pod.key, fresh);
      this.#enter(fresh);
      return;
    }
    const old = entry.pod.pod;
    entry.pod = pod;
    if (entry.place === "gated") this.#enter(entry);
    else if (entry.place === "inFlight") this.#inFlight.record({ kind: "PodUpdate", old, pod: pod.pod });
    else if (entry.place === "unschedulable") this.#reconsider(entry, old);
  }

  remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#unschedulable.delete(entry);
    this.#inFlight.end(entry);
    entry.place = "gone";
    entry.ticket = undefined;
  }

  /** The next pod to try; undefined when the queue is closed. */
  async next(): Promise<QueuedPod | undefined> {
    for (;;) {
      if (this.#closed) return undefined;
      const entry = this.#take(this.#active) ?? this.#take(this.#backOff);
      if (entry !== undefined) {
        entry.attempts++;
        entry.place = "inFlight";
        this.#inFlight.begin(entry);
        return entry;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** The pod has a node, or needs none any more. */
  done(entry: QueuedPod): void {
    if (this.#entries.get(entry.pod.key) === entry) this.remove(entry.pod.key);
  }

  /** No node took the pod: it waits for an event that may help the plugins that rejected it, and such a one may have been missed. */
  park(entry: QueuedPod, rejectedBy: ReadonlySet<string>): void {
    const missed = this.#inFlight.end(entry);
    if (this.#entries.get(entry.pod.key) !== entry) return;
    entry.rejectedBy = rejectedBy;
    entry.since = this.#clock.monotonic();
    if (missed.some((event) => this.#mayHelp(entry, event))) this.#putBack(entry);
    else {
      entry.place = "unschedulable";
      this.#unschedulable.add(entry);
    }
  }

  /** The try failed for another reason (the API server, a conflict): again after the back-off. */
  retry(entry: QueuedPod): void {
    this.#inFlight.end(entry);
    const known = this.#entries.get(entry.pod.key);
    if (known !== undefined && known !== entry) return;
    this.#entries.set(entry.pod.key, entry);
    entry.rejectedBy = new Set();
    entry.since = this.#clock.monotonic();
    this.#waitUntil(this.#afterError, entry, entry.since + this.#backOffOf(entry));
  }

  /** Brings back those that the event may help. */
  onEvent(event: ClusterEvent): void {
    this.#inFlight.record(event);
    if (this.#unschedulable.size === 0) return;
    const listeners = this.#options.plugins.listeningTo(event.kind);
    for (const entry of this.#unschedulable.rejectedByAnyOf(listeners)) {
      if (!this.#mayHelp(entry, event)) continue;
      this.#unschedulable.delete(entry);
      this.#putBack(entry);
    }
  }

  /** Brings a pod back whatever rejected it. */
  activate(key: string): void {
    const entry = this.#entries.get(key);
    if (entry?.place !== "unschedulable") return;
    this.#unschedulable.delete(entry);
    this.#enter(entry);
  }

  close(): void {
    this.#closed = true;
    this.#flush?.cancel();
    this.#backOffTimer?.timer.cancel();
    this.#wakeUp();
  }

  #mayHelp(entry: QueuedPod, event: ClusterEvent): boolean {
    if (event.kind === "PodUpdate" && keyOf(event.pod) !== entry.pod.key) return false;
    const plugins = this.#options.plugins.of(entry.pod);
    for (const name of entry.rejectedBy) {
      const plugin = plugins.get(name);
      if (plugin?.events?.has(event.kind) && plugin.mayHelp?.(event, entry.pod, this.#options.cluster)) return true;
    }
    return false;
  }

  #reconsider(entry: QueuedPod, old: Pod): void {
    const { pod } = entry.pod;
    const lostNomination = Boolean(old.status?.nominatedNodeName) && !pod.status?.nominatedNodeName;
    const changed = !equalJson(old.spec, pod.spec) || !equalJson(old.metadata.labels, pod.metadata.labels);
    if (!lostNomination && !(changed && this.#mayHelp(entry, { kind: "PodUpdate", old, pod }))) return;
    this.#unschedulable.delete(entry);
    this.#putBack(entry);
  }

  /** Into the active pods, past the gates. */
  #enter(entry: QueuedPod): void {
    if (this.#options.plugins.preEnqueue(entry.pod) !== undefined) {
      entry.place = "gated";
      return;
    }
    entry.place = "active";
    entry.ticket = { entry, at: 0 };
    this.#active.push(entry.ticket);
    this.#wakeUp();
  }

  #putBack(entry: QueuedPod): void {
    const readyAt = entry.since + this.#backOffOf(entry);
    if (readyAt <= this.#clock.monotonic()) this.#enter(entry);
    else {
      this.#waitUntil(this.#backOff, entry, readyAt);
      // It may be taken early, if nobody else is there.
      this.#wakeUp();
    }
  }

  #backOffOf({ attempts }: QueuedPod): number {
    return backOffMs(attempts, this.#options.initialBackoffMs, this.#options.maxBackoffMs);
  }

  #waitUntil(heap: Heap<Ticket>, entry: QueuedPod, at: number): void {
    entry.place = "backOff";
    entry.ticket = { entry, at };
    heap.push(entry.ticket);
    this.#scheduleBackOff();
  }

  #take(heap: Heap<Ticket>): QueuedPod | undefined {
    for (let ticket = heap.pop(); ticket !== undefined; ticket = heap.pop()) {
      if (ticket.entry.ticket !== ticket) continue;
      ticket.entry.ticket = undefined;
      return ticket.entry;
    }
    return undefined;
  }

  #earliest(heap: Heap<Ticket>): number {
    for (let ticket = heap.peek(); ticket !== undefined; ticket = heap.peek()) {
      if (ticket.entry.ticket === ticket) return ticket.at;
      heap.pop();
    }
    return Number.POSITIVE_INFINITY;
  }

  /** One timer, for whoever is ready first. */
  #scheduleBackOff(): void {
    const at = Math.min(this.#earliest(this.#backOff), this.#earliest(this.#afterError));
    if (at === this.#backOffTimer?.at || this.#closed) return;
    this.#backOffTimer?.timer.cancel();
    this.#backOffTimer = undefined;
    if (at === Number.POSITIVE_INFINITY) return;
    const timer = this.#clock.after(Math.max(0, at - this.#clock.monotonic()), () => {
      this.#backOffTimer = undefined;
      const now = this.#clock.monotonic();
      for (const heap of [this.#backOff, this.#afterError]) {
        while (this.#earliest(heap) <= now) {
          const entry = this.#take(heap);
          assert(entry !== undefined, "what is earliest can be taken");
          this.#enter(entry);
        }
      }
      this.#scheduleBackOff();
    });
    this.#backOffTimer = { timer, at };
  }

  #scheduleFlush(): void {
    this.#flush = this.#clock.after(flushEveryMs, () => {
      const before = this.#clock.monotonic() - longestWaitMs;
      for (const entry of [...this.#unschedulable]) {
        if (entry.since > before) continue;
        this.#unschedulable.delete(entry);
        this.#putBack(entry);
      }
      if (!this.#closed) this.#scheduleFlush();
    });
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
