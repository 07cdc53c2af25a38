import type { Message, Wire } from "./wire.ts";

/** All that one watch stream was told, by watcher: how events are spread over messages is up to the server. */
export class WatchLog {
  /** The member that serves it. */
  readonly at: number;
  /** Per watcher: its events and its end, as lines. */
  readonly heard = new Map<string, string[]>();
  /** What a watch may not do, whatever it watches. */
  readonly violations: string[] = [];
  readonly #stream: ReturnType<Wire["open"]>;
  readonly #plain: (message: Message) => unknown;
  readonly #alive = new Set<string>();
  /** Of the last event that the watcher heard of; the same may come again only as the next fragment. */
  readonly #last = new Map<string, { readonly revision: number; readonly isPart: boolean }>();
  /** Where those begin that are alive, and do not begin with the next event. */
  readonly #starts = new Map<string, number>();
  /** Watchers of the past that have not heard of anything, and since when they are there. */
  readonly #unheard = new Map<string, number>();
  readonly #progress: number[] = [];
  /** Progress was asked for, and has not been answered. */
  #isOwed = false;
  #created: ((message: unknown) => void) | undefined;
  /** The first revision that the watch which is being created asks for. */
  #asked = 0;
  #nextChange = Promise.withResolvers<void>();
  /** How the stream ended. */
  end: { readonly code: number; readonly text: string } | undefined;

  constructor(wire: Wire, at: number, token: string | undefined, plain: (message: Message) => unknown) {
    this.at = at;
    this.#plain = plain;
    this.#stream = wire.open(
      "Watch/Watch",
      {
        message: (message) => this.#heard(message),
        ended: (code, text) => {
          this.end = { code, text };
          this.#created?.(this.end);
          this.#changed();
        },
      },
      token,
    );
  }

  /** Resolves with the answer, or with the end of the stream. */
  async create(create_request: Message): Promise<unknown> {
    if (this.end !== undefined) return this.end;
    const created = new Promise((done) => {
      this.#created = done;
    });
    this.#asked = Number(create_request.start_revision ?? 0);
    this.#stream.send({ create_request });
    return within(created, 5000, "no answer within 5 s");
  }

  /**
   * Ours answers in order: with this, all that it had to say to watchers who keep up is here. A watch of no keys is refused; etcd may
   * refuse it for its caller, and then forgets watcher 0 over it.
   */
  async mark(): Promise<void> {
    await this.create({ key: Buffer.from("b"), range_end: Buffer.from("a") });
  }

  /** Resolves when the watcher is known to be gone. */
  async cancel(id: string): Promise<boolean> {
    this.#stream.send({ cancel_request: { watch_id: id } });
    return this.until(() => !this.#alive.has(id), 3000);
  }

  isAlive(id: string): boolean {
    return this.#alive.has(id);
  }

  get alive(): ReadonlySet<string> {
    return this.#alive;
  }

  /** There is a watcher of events after `revision`. About such a stream the server says nothing when it is asked for progress (since 3.4.25). */
  isAhead(revision: number): boolean {
    return [...this.#starts.values()].some((start) => start > revision);
  }

  /** Asks for progress; gives the revision that was answered, or undefined if the server kept silent until it answered the next request. */
  async progress(isAhead = false): Promise<number | undefined> {
    // What it kept to itself it may have said meanwhile.
    if (this.#isOwed) await this.mark();
    const before = this.#progress.length;
    this.#stream.send({ progress_request: {} });
    if (isAhead) await this.mark();
    else await this.until(() => this.#progress.length > before, 3000);
    this.#isOwed = this.#progress.length === before;
    return this.#progress[before];
  }

  /** Each watcher of the past has heard of something, has ended, or is as old as that. */
  async lookedAt(ageMs: number): Promise<void> {
    const youngest = Math.max(0, ...this.#unheard.values());
    await this.until(() => this.#unheard.size === 0, youngest + ageMs - performance.now());
  }

  /** Whether `holds` came to hold in time. */
  async until(holds: () => boolean, patienceMs: number): Promise<boolean> {
    const deadline = performance.now() + patienceMs;
    while (!holds() && this.end === undefined) {
      const left = deadline - performance.now();
      if (left <= 0) return false;
      await within(this.change(), left, undefined);
    }
    return holds();
  }

  /** Resolves when it has heard something more. */
  change(): Promise<void> {
    return this.#nextChange.promise;
  }

  lastRevision(id: string): number {
    return this.#last.get(id)?.revision ?? 0;
  }

  close(): void {
    this.#stream.cancel();
  }

  #changed(): void {
    const { resolve } = this.#nextChange;
    this.#nextChange = Promise.withResolvers<void>();
    resolve();
  }

  #heard(message: Message): void {
    const id = String(message.watch_id ?? "0");
    const events = (message.events ?? []) as readonly { readonly kv: { readonly mod_revision: string } }[];
    if (message.created === true) this.#answered(id, message);
    else if (id === "-1") this.#progress.push(Number((message.header as Message).revision));
    else if (message.canceled === true) this.#ended(id, message);
    else if (events.length > 0) this.#told(id, message, events);
    this.#changed();
  }

  #answered(id: string, message: Message): void {
    if (message.canceled !== true) {
      this.#alive.add(id);
      this.#last.delete(id);
      if (this.#asked > 0) this.#starts.set(id, this.#asked);
      if (this.#asked > 0 && this.#asked <= Number((message.header as Message).revision))
        this.#unheard.set(id, performance.now());
      if (!this.heard.has(id)) this.heard.set(id, []);
    }
    this.#created?.(this.#plain(message));
    this.#created = undefined;
  }

  #ended(id: string, message: Message): void {
    // One that compaction has ended is cancelled once more if its client asks for that.
    this.#alive.delete(id);
    this.#starts.delete(id);
    this.#unheard.delete(id);
    if (!this.heard.has(id)) this.violations.push(`watcher ${id} ended and was never there`);
    const { header: _, ...rest } = message;
    this.heard.get(id)?.push(JSON.stringify(this.#plain(rest)));
  }

  #told(id: string, message: Message, events: readonly { readonly kv: { readonly mod_revision: string } }[]): void {
    if (!this.#alive.has(id)) this.violations.push(`watcher ${id} is told of events and is not there`);
    const revisions = events.map(({ kv }) => Number(kv.mod_revision));
    this.#unheard.delete(id);
    const last = this.#last.get(id);
    const isGrowing = revisions.every((revision, at) => at === 0 || revision >= revisions[at - 1]!);
    const startsLate =
      last === undefined || last.revision < revisions[0]! || (last.isPart && last.revision === revisions[0]);
    if (!isGrowing || !startsLate)
      this.violations.push(`watcher ${id} is told of revisions ${revisions} after ${last?.revision}`);
    const headerRevision = Number((message.header as Message).revision);
    if (headerRevision < revisions.at(-1)!)
      this.violations.push(`a message of revision ${headerRevision} has events of ${revisions.at(-1)}`);
    this.#last.set(id, { revision: revisions.at(-1)!, isPart: message.fragment === true });
    const lines = this.heard.get(id) ?? [];
    for (const event of events) lines.push(JSON.stringify(this.#plain(event as unknown as Message)));
    this.heard.set(id, lines);
  }
}

async function within<T, U>(job: Promise<T>, patienceMs: number, otherwise: U): Promise<T | U> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<U>((done) => {
    timer = setTimeout(() => done(otherwise), patienceMs);
  });
  try {
    return await Promise.race([job, late]);
  } finally {
    clearTimeout(timer);
  }
}
