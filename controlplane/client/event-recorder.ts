import type { Clock, Log } from "../../base/mod.ts";
import type { Event, ObjectReference } from "../api/mod.ts";
import { isNamespaceTerminating, isNotFound } from "./api-error.ts";
import type { Client } from "./client.ts";
import type { KubernetesObject } from "./kubernetes-object.ts";
import { TokenBucket } from "./rate-limiter.ts";
import { systemClock } from "./system.ts";

export interface EventRecorderOptions {
  /** Who reports, for example `deployment-controller`. */
  readonly component: string;
  /** The node it reports from, if it is a node's component. */
  readonly host?: string;
  readonly log: Log;
  readonly clock?: Clock;
}

/** As client-go's correlator: an object may cause 25 events at once, then one in five minutes. */
const spamBurst = 25;
const spamPerSecond = 1 / 300;
/** More than this many messages that differ in wording only, within ten minutes, are written as one. */
const similarLimit = 10;
const similarWindowMs = 600_000;
/** What is remembered to count repetitions; the oldest is forgotten. */
const memory = 4096;
/** Events wait here while the server is slow; more are dropped, as they are a courtesy. */
const maxWaiting = 1000;

interface Similar {
  readonly messages: Set<string>;
  lastAtMs: number;
}

/**
 * Tells users what happened to an object, as `kubectl describe` shows it. Returns at once; what cannot be written is logged and lost.
 * The same event again raises `count` and `lastTimestamp` of the first one.
 */
export class EventRecorder {
  readonly #client: Client;
  readonly #options: EventRecorderOptions;
  readonly #clock: Clock;
  readonly #written = new Map<string, Event>();
  readonly #similar = new Map<string, Similar>();
  readonly #buckets = new Map<string, TokenBucket>();
  #waiting = 0;
  #last: Promise<void> = Promise.resolve();
  #sequence = 0;

  constructor(client: Client, options: EventRecorderOptions) {
    this.#client = client;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  event(about: KubernetesObject | ObjectReference, type: "Normal" | "Warning", reason: string, message: string): void {
    const regarding = referenceTo(about);
    if (this.#waiting >= maxWaiting || !this.#mayWrite(regarding)) return;
    const said = this.#combine(regarding, type, reason, message);
    const now = timestamp(this.#clock.now());
    this.#waiting++;
    // One after the other: a repetition must find the event that it counts up.
    this.#last = this.#last.then(async () => {
      try {
        await this.#write(regarding, type, reason, said, now);
      } catch (error) {
        // Events about what happens while a namespace goes away have no place to be written to.
        const level = isNamespaceTerminating(error) ? "debug" : "warn";
        this.#options.log(level, "could not record an event", { reason, message, error: (error as Error).message });
      } finally {
        this.#waiting--;
      }
    });
  }

  /** Resolves when what was recorded so far has been written or given up. */
  flush(): Promise<void> {
    return this.#last;
  }

  async #write(regarding: ObjectReference, type: string, reason: string, message: string, now: string): Promise<void> {
    const key = JSON.stringify([regarding, type, reason, message]);
    const before = this.#written.get(key);
    const event = before === undefined ? undefined : await this.#repeat(before, now);
    remember(this.#written, key, event ?? (await this.#create(regarding, type, reason, message, now)));
  }

  /** Undefined when the first one is gone: events live an hour. */
  async #repeat(before: Event, now: string): Promise<Event | undefined> {
    const patch = { count: (before.count ?? 1) + 1, lastTimestamp: now };
    try {
      return await this.#client.events.patch(before.metadata.namespace, before.metadata.name ?? "", "merge", patch);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  #create(regarding: ObjectReference, type: string, reason: string, message: string, now: string): Promise<Event> {
    const { component, host } = this.#options;
    // Events about objects outside namespaces live in "default".
    const namespace = regarding.namespace ?? "default";
    return this.#client.events.create({
      apiVersion: "v1",
      kind: "Event",
      metadata: { namespace, name: `${regarding.name}.${this.#unique()}` },
      involvedObject: regarding,
      reason,
      message,
      type,
      source: host === undefined ? { component } : { component, host },
      reportingComponent: component,
      reportingInstance: host ?? "",
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
    });
  }

  /** The time in hexadecimal, as client-go names events; the low digits keep two of one millisecond apart. */
  #unique(): string {
    this.#sequence = (this.#sequence + 1) % 1_000_000;
    return (BigInt(Math.floor(this.#clock.now())) * 1_000_000n + BigInt(this.#sequence)).toString(16);
  }

  #mayWrite(regarding: ObjectReference): boolean {
    const key = `${regarding.kind}/${regarding.namespace}/${regarding.name}/${regarding.uid}`;
    const bucket = this.#buckets.get(key) ?? new TokenBucket(spamPerSecond, spamBurst, this.#clock);
    remember(this.#buckets, key, bucket);
    return bucket.tryTake();
  }

  #combine(regarding: ObjectReference, type: string, reason: string, message: string): string {
    const key = JSON.stringify([regarding, type, reason]);
    const now = this.#clock.monotonic();
    let similar = this.#similar.get(key);
    if (similar === undefined || now - similar.lastAtMs > similarWindowMs) {
      similar = { messages: new Set(), lastAtMs: now };
    }
    similar.lastAtMs = now;
    const known = similar.messages.has(message);
    if (similar.messages.size < similarLimit) similar.messages.add(message);
    remember(this.#similar, key, similar);
    return known || similar.messages.size < similarLimit ? message : `(combined from similar events): ${message}`;
  }
}

/** What another object says to point at this one. */
export function referenceTo(about: KubernetesObject | ObjectReference): ObjectReference {
  if (!("metadata" in about)) return about;
  const { kind, apiVersion, metadata } = about;
  const { namespace, name, uid, resourceVersion } = metadata;
  return { kind, namespace, name, uid, apiVersion, resourceVersion };
}

/** RFC 3339 with second precision: `metav1.Time`. */
export function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** RFC 3339 with microseconds: `metav1.MicroTime`. */
export function microTimestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 23)}000Z`;
}

/** Sets as newest, and forgets the oldest when there are too many. */
function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > memory) for (const oldest of map.keys()) return void map.delete(oldest);
}
