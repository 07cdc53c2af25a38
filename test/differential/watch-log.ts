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
  readonly #progress: number[] = [];
  #created: ((message: unknown) => void) | undefined;
  #changed: () => void = () => undefined;
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
    this.#stream.send({ create_request });
    return within(created, 5000, "no answer within 5 s");
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

  /** Asks for progress; gives the revision that was answered, or undefined if the server kept silent. */
  async progress(patienceMs: number): Promise<number | undefined> {
    const before = this.#progress.length;
    this.#stream.send({ progress_request: {} });
    await this.until(() => this.#progress.length > before, patienceMs);
    return this.#progress[before];
  }

  /** Whether `holds` came to hold in time. */
  async until(holds: () => boolean, patienceMs: number): Promise<boolean> {
    const deadline = performance.now() + patienceMs;
    while (!holds() && this.end === undefined) {
      const left = deadline - performance.now();
      if (left <= 0) return false;
      await within(
        new Promise<void>((done) => {
          this.#changed = done;
        }),
        left,
        undefined,
      );
    }
    return holds();
  }

  lastRevision(id: string): number {
    return this.#last.get(id)?.revision ?? 0;
  }

  close(): void {
    this.#stream.cancel();
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
      if (!this.heard.has(id)) this.heard.set(id, []);
    }
    this.#created?.(this.#plain(message));
    this.#created = undefined;
  }

  #ended(id: string, message: Message): void {
    // One that compaction has ended is cancelled once more if its client asks for that.
    this.#alive.delete(id);
    if (!this.heard.has(id)) this.violations.push(`watcher ${id} ended and was never there`);
    const { header: _, ...rest } = message;
    this.heard.get(id)?.push(JSON.stringify(this.#plain(rest)));
  }

  #told(id: string, message: Message, events: readonly { readonly kv: { readonly mod_revision: string } }[]): void {
    if (!this.#alive.has(id)) this.violations.push(`watcher ${id} is told of events and is not there`);
    const revisions = events.map(({ kv }) => Number(kv.mod_revision));
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
