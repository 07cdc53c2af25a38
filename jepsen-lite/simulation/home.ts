import type { Change, Engine, EngineEntry, EngineHome, Successor } from "../../kvstore/mod.ts";
import type { Chance } from "./chance.ts";
import type { Owner, Timeline } from "./timeline.ts";

type Entries = Map<string, Uint8Array>;

export interface HomeParameters {
  /** Of a batch that is durable when it ends. */
  readonly batchMeanUs: number;
  readonly scanMeanUs: number;
}

/**
 * Where the state lies, with what LevelDB promises of a crash: a batch is there whole or not at all, and never without those before it;
 * one that was under way may be either. It outlives the engines that processes open in it.
 */
export class VirtualHome {
  readonly #timeline: Timeline;
  readonly #chance: Chance;
  readonly #parameters: HomeParameters;
  #current: Entries = new Map();
  /** Under way. */
  #finish: ((happened: boolean) => void)[] = [];
  #writesFail: Error | undefined;

  constructor(timeline: Timeline, chance: Chance, parameters: HomeParameters) {
    this.#timeline = timeline;
    this.#chance = chance;
    this.#parameters = parameters;
  }

  crash(powerLoss: boolean): void {
    for (const finish of this.#finish.splice(0)) finish(!powerLoss || this.#chance.percent(50));
    this.mend();
  }

  mend(): void {
    this.#writesFail = undefined;
  }

  /** The database is lost, the log is not. */
  wipe(): void {
    this.crash(true);
    this.#current = new Map();
  }

  failNextWrite(): void {
    this.#writesFail = Object.assign(new Error("EIO: i/o error, write of the database"), { code: "EIO" });
  }

  for(owner: Owner): EngineHome {
    return {
      open: async () => {
        await this.#later(owner, this.#parameters.scanMeanUs, () => undefined);
        return this.#engine(owner, this.#current);
      },
      openSuccessor: async (): Promise<Successor> => {
        const entries: Entries = new Map();
        await this.#later(owner, this.#parameters.scanMeanUs, () => undefined);
        return {
          engine: this.#engine(owner, entries),
          takeOver: () =>
            this.#durably(owner, () => {
              this.#current = entries;
            }),
        };
      },
    };
  }

  #later<T>(owner: Owner, meanUs: number, work: () => T): Promise<T> {
    return new Promise((resolve) => {
      this.#timeline.after(this.#chance.exponential(meanUs), owner, "disk", () => resolve(work()));
    });
  }

  /** Happens whole, when the promise resolves; or, in a crash before that, perhaps. */
  #durably(owner: Owner, happen: () => void): Promise<void> {
    let open = true;
    const finish = (happened: boolean) => {
      if (open && happened) happen();
      open = false;
    };
    this.#finish.push(finish);
    return new Promise((resolve, reject) => {
      this.#timeline.after(this.#chance.exponential(this.#parameters.batchMeanUs), owner, "disk", () => {
        this.#finish = this.#finish.filter((other) => other !== finish);
        const error = this.#writesFail;
        this.#writesFail = undefined;
        if (error !== undefined) {
          finish(this.#chance.percent(50));
          reject(error);
          return;
        }
        finish(true);
        resolve();
      });
    });
  }

  #engine(owner: Owner, entries: Entries): Engine {
    const timeline = this.#timeline;
    let sorted: string[] | undefined;
    let sizeBytes = 0;
    for (const [key, value] of entries) sizeBytes += key.length + value.length;
    const apply = (changes: readonly Change[]) => {
      for (const { key, value } of changes) {
        const before = entries.get(key);
        if ((before === undefined) !== (value === undefined)) sorted = undefined;
        if (before !== undefined) sizeBytes -= key.length + before.length;
        if (value === undefined) entries.delete(key);
        else {
          entries.set(key, typeof value === "string" ? Buffer.from(value, "latin1") : value.slice());
          sizeBytes += key.length + value.length;
        }
      }
    };
    return {
      get: (key) => entries.get(key),
      write: (changes) => {
        const batch = [...changes];
        timeline.note(batch.length);
        return this.#durably(owner, () => apply(batch));
      },
      scan: (from, to, run = 1000) => {
        sorted ??= [...entries.keys()].sort(byteOrder);
        const keys = sorted.slice(lowerBound(sorted, from), lowerBound(sorted, to));
        const found = keys.map((key) => ({ key: Buffer.from(key, "latin1"), value: entries.get(key) as Uint8Array }));
        return this.#runs(owner, found, run);
      },
      sizeBytes: async () => sizeBytes,
      defragment: () => this.#later(owner, this.#parameters.scanMeanUs, () => undefined),
      close: async () => undefined,
    };
  }

  async *#runs(owner: Owner, entries: readonly EngineEntry[], run: number): AsyncGenerator<readonly EngineEntry[]> {
    for (let start = 0; start < entries.length; start += run) {
      await this.#later(owner, this.#parameters.scanMeanUs, () => undefined);
      yield entries.slice(start, start + run);
    }
  }
}

function byteOrder(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  for (let high = keys.length; low < high; ) {
    const middle = (low + high) >> 1;
    if ((keys[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
