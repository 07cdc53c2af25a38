import { type Clock, Ring, type Timer } from "../../base/mod.ts";

/** When to look at a key again although all went well. */
export interface Requeue {
  readonly afterMs: number;
}

export interface WorkQueueOptions {
  readonly clock: Clock;
  /** Delay after a key's first failure; doubles with each further one. Default 5 ms. */
  readonly initialDelayMs?: number;
  /** Default 1,000 s. */
  readonly maxDelayMs?: number;
  /** Told of every failure, with the number of failures in a row. */
  readonly onFailure?: (key: string, error: unknown, failures: number) => void;
}

/** One key while it is worked on. Until it is disposed of, nobody else gets the same key. */
export interface WorkItem extends Disposable {
  readonly key: string;
  /** Waits for the work: success forgets the key's failures and honours Requeue, failure re-adds it after a growing delay. Never rejects. */
  settle(work: Promise<Requeue | undefined>): Promise<void>;
}

/**
 * Keys to look at, each at most once (client-go's workqueue). A key that is added while waiting is merged; one that is added while
 * worked on waits until that work is done. Invariant: a key is in #ready only if it is in #dirty and not in #processing.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #ready = new Ring<string>();
  /** Keys that want a look. */
  readonly #dirty = new Set<string>();
  /** Keys that somebody looks at now. */
  readonly #processing = new Set<string>();
  readonly #delayed = new Map<string, { readonly timer: Timer; readonly atMs: number }>();
  readonly #failures = new Map<string, number>();
  /** Workers that wait for a key, the longest first. */
  readonly #takers = new Set<() => void>();
  readonly #idlers: (() => void)[] = [];
  #shutDown = false;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** Keys that wait for a taker. */
  get size(): number {
    return this.#ready.size;
  }

  /** Keys under work. */
  get inFlight(): number {
    return this.#processing.size;
  }

  add(key: string): void {
    if (this.#shutDown || this.#dirty.has(key)) return;
    this.#dirty.add(key);
    if (this.#processing.has(key)) return;
    this.#ready.push(key);
    this.#wakeOne();
  }

  /** Adds once the delay has passed; of several for one key the earliest counts. */
  addAfter(key: string, delayMs: number): void {
    if (this.#shutDown) return;
    if (delayMs <= 0) {
      this.add(key);
      return;
    }
    const atMs = this.#options.clock.monotonic() + delayMs;
    const waiting = this.#delayed.get(key);
    if (waiting !== undefined) {
      if (waiting.atMs <= atMs) return;
      waiting.timer.cancel();
    }
    const timer = this.#options.clock.after(delayMs, () => {
      this.#delayed.delete(key);
      this.add(key);
    });
    this.#delayed.set(key, { timer, atMs });
  }

  /** Adds after a delay that doubles each time until `forget`. */
  addRateLimited(key: string): void {
    const failures = this.failures(key);
    this.#failures.set(key, failures + 1);
    const { initialDelayMs = 5, maxDelayMs = 1_000_000 } = this.#options;
    this.addAfter(key, Math.min(initialDelayMs * 2 ** failures, maxDelayMs));
  }

  /** Failures of a key since it was last forgotten. */
  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** Keys as they become ready, for one of possibly many workers. Ends at shutdown or when the signal aborts. */
  async *take(signal?: AbortSignal): AsyncGenerator<WorkItem, void> {
    while (!signal?.aborted) {
      const key = this.#ready.shift();
      if (key === undefined) {
        if (this.#shutDown) return;
        await this.#somethingReady(signal);
        continue;
      }
      this.#processing.add(key);
      this.#dirty.delete(key);
      yield this.#item(key);
    }
  }

  /** Nothing can be added any more, delayed keys are dropped, takers end once the ready keys are taken. */
  shutDown(): void {
    this.#shutDown = true;
    for (const { timer } of this.#delayed.values()) timer.cancel();
    this.#delayed.clear();
    while (this.#takers.size > 0) this.#wakeOne();
  }

  /** Resolves when nothing waits and nothing is under work; delayed keys do not count. */
  async idle(): Promise<void> {
    while (this.#ready.size > 0 || this.#processing.size > 0) {
      await new Promise<void>((resolve) => this.#idlers.push(resolve));
    }
  }

  #item(key: string): WorkItem {
    let done = false;
    return {
      key,
      settle: async (work) => {
        try {
          const requeue = await work;
          this.forget(key);
          if (requeue) this.addAfter(key, requeue.afterMs);
        } catch (error) {
          this.addRateLimited(key);
          this.#options.onFailure?.(key, error, this.failures(key));
        }
      },
      [Symbol.dispose]: () => {
        if (done) return;
        done = true;
        this.#done(key);
      },
    };
  }

  #done(key: string): void {
    this.#processing.delete(key);
    if (this.#dirty.has(key)) {
      this.#ready.push(key);
      this.#wakeOne();
    }
    if (this.#ready.size === 0 && this.#processing.size === 0) for (const wake of this.#idlers.splice(0)) wake();
  }

  #somethingReady(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#takers.delete(wake);
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      signal?.addEventListener("abort", wake, { once: true });
      this.#takers.add(wake);
    });
  }

  #wakeOne(): void {
    const [taker] = this.#takers;
    taker?.();
  }
}
