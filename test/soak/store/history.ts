import { fromUtf8 } from "../../../base/mod.ts";
import { type Event, EventType } from "../../../proto/mod.ts";

/** A write as its client saw it. No two have the same value, so an event tells which request it comes from. */
export interface Write {
  readonly kind: "put" | "delete";
  /** A put of several keys is one transaction. */
  readonly keys: readonly string[];
  /** Of a delete: a name for it. */
  readonly value: string;
  readonly sentAt: number;
  answeredAt: number;
  /**
   * Unknown: it may have happened once, may yet happen once, or never. Refused: the server, or the client before sending, said that
   * it did not happen.
   */
  outcome: "under way" | "done" | "unknown" | "refused";
  /** Of one that is done: the revision that the answer named; of a delete that found nothing, undefined. */
  revision: number | undefined;
}

/** What is known of a key after its last event. */
interface Known {
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  readonly value: string;
}

/** A key as a range returns it, in the same words. */
export function described(key: string, known: Known): string {
  return `${key}=${known.value} created ${known.createRevision} modified ${known.modRevision} version ${known.version}`;
}

/**
 * What the clients asked for, and were told, compared with what the store's history says happened: nothing acknowledged is missing, nothing
 * happened twice, nothing that was refused or never asked for happened, and what was answered before another request was sent comes before it.
 */
export class History {
  readonly #writes = new Map<string, Write>();
  /** Those whose effect has not been seen, and may not be missing or may yet come. */
  readonly #open = new Set<Write>();
  readonly #seen = new Set<string>();
  readonly #state = new Map<string, Known>();
  #checkedRevision: number;
  /** The latest moment at which a write up to the checked revision was sent. */
  #latestSentAt = 0;
  acknowledged = 0;
  unknown = 0;
  refused = 0;
  events = 0;

  /** From the revision after `since`. */
  constructor(since: number) {
    this.#checkedRevision = since;
  }

  get checkedRevision(): number {
    return this.#checkedRevision;
  }

  /** All keys, in order, as they should be at the checked revision. */
  get state(): string[] {
    return [...this.#state.keys()].sort().map((key) => described(key, this.#state.get(key) as Known));
  }

  send(kind: Write["kind"], keys: readonly string[], value: string, now: number): Write {
    const write: Write = {
      kind,
      keys,
      value,
      sentAt: now,
      answeredAt: Number.POSITIVE_INFINITY,
      outcome: "under way",
      revision: undefined,
    };
    this.#writes.set(value, write);
    this.#open.add(write);
    return write;
  }

  done(write: Write, revision: number | undefined, now: number): void {
    write.outcome = "done";
    write.revision = revision;
    write.answeredAt = now;
    this.acknowledged++;
  }

  /** The request failed: `maybe` it happened all the same. */
  failed(write: Write, maybe: boolean): void {
    write.outcome = maybe ? "unknown" : "refused";
    if (maybe) this.unknown++;
    else this.refused++;
  }

  /** Takes all events after the checked revision up to `until`, in order, while no request is under way. Returns what is wrong. */
  check(events: readonly Event[], until: number): string[] {
    const wrong: string[] = [];
    const acknowledgedDeletes = new Map<string, Write>();
    for (const write of this.#open) {
      if (write.kind === "delete" && write.revision !== undefined)
        acknowledgedDeletes.set(`${write.revision} ${write.keys[0]}`, write);
    }
    this.events += events.length;
    let previous = this.#checkedRevision;
    for (const { type, kv } of events) {
      if (kv === undefined) continue;
      const { modRevision } = kv;
      const key = fromUtf8(kv.key);
      if (modRevision < previous || modRevision > previous + 1) wrong.push(`revision ${modRevision} after ${previous}`);
      previous = modRevision;
      if (type === EventType.DELETE) {
        if (!this.#state.delete(key)) wrong.push(`${key} deleted at ${modRevision}, and was not there`);
        wrong.push(...this.#deleted(key, modRevision, acknowledgedDeletes.get(`${modRevision} ${key}`)));
        continue;
      }
      const value = fromUtf8(kv.value);
      const before = this.#state.get(key);
      const version = (before?.version ?? 0) + 1;
      const createRevision = before?.createRevision ?? modRevision;
      const now = { value, version, createRevision, modRevision };
      const is = { value, version: Number(kv.version), createRevision: kv.createRevision, modRevision };
      if (described(key, is) !== described(key, now)) wrong.push(`${described(key, is)}, not ${described(key, now)}`);
      this.#state.set(key, now);
      wrong.push(...this.#put(key, value, modRevision));
    }
    if (previous !== until) wrong.push(`the last event is of revision ${previous}, the store is at ${until}`);
    this.#checkedRevision = until;
    return [...wrong, ...this.#missing(until)];
  }

  #put(key: string, value: string, revision: number): string[] {
    if (this.#seen.has(`${key} ${value}`)) return [`${value} put to ${key} a second time, at ${revision}`];
    const write = this.#writes.get(value);
    if (write === undefined || !write.keys.includes(key)) return [`nobody put ${value} to ${key}, at ${revision}`];
    const wrong: string[] = [];
    this.#seen.add(`${key} ${value}`);
    if (write.outcome === "refused") wrong.push(`${value} was refused, and put to ${key} at ${revision}`);
    if (write.outcome === "done" && write.revision !== revision)
      wrong.push(`${value} was acknowledged at ${write.revision}, and put to ${key} at ${revision}`);
    // The keys of a transaction change at one revision.
    if (write.revision === undefined) write.revision = revision;
    else if (write.revision !== revision) wrong.push(`${value} put at ${write.revision} and at ${revision}`);
    if (write.keys.every((one) => this.#seen.has(`${one} ${value}`))) this.#settle(write, wrong);
    return wrong;
  }

  /** A delete's event has no value. Who is told of a deletion at this revision made it; else it was one whose outcome is unknown. */
  #deleted(key: string, revision: number, acknowledged: Write | undefined): string[] {
    const wrong: string[] = [];
    const write =
      acknowledged ??
      [...this.#open].find(({ kind, keys, outcome }) => kind === "delete" && keys[0] === key && outcome === "unknown");
    if (write === undefined) return [`nobody deleted ${key}, at ${revision}`];
    this.#settle(write, wrong);
    return wrong;
  }

  /** Its effect was seen, whole. Events come in the order of revisions, so whatever came before was sent before this was answered. */
  #settle(write: Write, wrong: string[]): void {
    this.#open.delete(write);
    if (write.answeredAt < this.#latestSentAt)
      wrong.push(`${write.value} was answered before another was sent that has a smaller revision`);
    this.#latestSentAt = Math.max(this.#latestSentAt, write.sentAt);
    if (write.outcome === "done") this.#writes.delete(write.value);
  }

  #missing(until: number): string[] {
    const wrong: string[] = [];
    for (const write of this.#open) {
      const { kind, keys, value, outcome, revision } = write;
      const partly = keys.filter((key) => this.#seen.has(`${key} ${value}`));
      if (partly.length > 0 && partly.length < keys.length)
        wrong.push(`${value} put to ${partly}, not to all of ${keys}`);
      if (outcome === "unknown") continue;
      this.#open.delete(write);
      // A delete that found nothing leaves no trace.
      if (outcome === "done" && (kind === "put" || revision !== undefined))
        wrong.push(
          `${value}, acknowledged at ${revision}, is missing from the history up to ${until}: ${kind} ${keys}`,
        );
    }
    return wrong;
  }
}
