import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { ByteString } from "./byte-string.ts";
import type { Change, Engine, EngineHome, Entry, Successor } from "./engine.ts";
import { type Database, levelDatabase, runsOf } from "./level-database.ts";
import { LevelWorker } from "./level-worker.ts";
import type { Work } from "./work.ts";

export interface LevelOptions {
  /** Without it a crash of the machine may lose anything. Default true. */
  readonly sync?: boolean;
  /** Databases of so many bytes and more get a thread of their own for what takes long; it takes about 40 ms to begin. Default 8 MiB. */
  readonly largeBytes?: number;
}

/** A directory with one LevelDB directory per generation and a file that names the current one. This file is the only
 * one of the room that knows of a file system. */
export class LevelHome implements EngineHome {
  readonly #directory: string;

  readonly #options: LevelOptions;

  /** `directory` need not exist yet. */
  constructor(directory: string, options: LevelOptions = {}) {
    this.#directory = directory;
    this.#options = options;
  }

  async open(): Promise<Engine> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const current = await this.#current();
    await this.#removeOthers(current);
    if (current !== undefined) return LevelEngine.open(join(this.#directory, current), this.#options);
    const engine = await LevelEngine.open(join(this.#directory, firstGeneration), this.#options);
    await this.#makeCurrent(firstGeneration);
    return engine;
  }

  async openSuccessor(): Promise<Successor> {
    const current = await this.#current();
    await this.#removeOthers(current);
    const next = current === undefined ? firstGeneration : String(Number(current) + 1);
    return {
      engine: await LevelEngine.open(join(this.#directory, next), this.#options),
      takeOver: () => this.#makeCurrent(next),
    };
  }

  /** Undefined: none was ever finished. What lies there then is of a machine that crashed while it was made, and may be unreadable. */
  async #current(): Promise<string | undefined> {
    try {
      return (await readFile(join(this.#directory, pointerName), "utf8")).trim();
    } catch (error) {
      return undefinedIfMissing(error);
    }
  }

  /** The rename is the moment: before it the old generation is current, after it the new one. */
  async #makeCurrent(generation: string): Promise<void> {
    const incoming = join(this.#directory, `${pointerName}.incoming`);
    const file = await open(incoming, "w", 0o600);
    try {
      await file.writeFile(`${generation}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await syncDirectory(join(this.#directory, generation));
    await rename(incoming, join(this.#directory, pointerName));
    await syncDirectory(this.#directory);
  }

  async #removeOthers(current: string | undefined): Promise<void> {
    for (const name of await readdir(this.#directory)) {
      if (!/^[0-9]+$/.test(name) || name === current) continue;
      await rm(join(this.#directory, name), { recursive: true, force: true });
    }
  }
}

const firstGeneration = "0";
const pointerName = "generation";
const scanBytes = 256 * 1024;
/** Changes that are converted before the loop goes round: about 1 ms. Nobody waits for a batch, but clients do for the loop. */
const changesInOneGo = 250;

class LevelEngine implements Engine {
  readonly #directory: string;
  readonly #database: Database;
  readonly #sync: boolean;
  readonly #largeBytes: number;
  readonly #workers = new Set<LevelWorker>();
  #closing = false;

  private constructor(directory: string, database: Database, { sync = true, largeBytes = 8 << 20 }: LevelOptions) {
    this.#directory = directory;
    this.#database = database;
    this.#sync = sync;
    this.#largeBytes = largeBytes;
  }

  static async open(directory: string, options: LevelOptions): Promise<LevelEngine> {
    const database = levelDatabase(directory);
    await database.open();
    return new LevelEngine(directory, database, options);
  }

  get(key: ByteString): Uint8Array | undefined {
    return this.#database.getSync(Buffer.from(key, "latin1"));
  }

  /** Synced each time. LevelDB recovers what it can: of writes that were not, a crash of the machine may lose one in the
   * middle and keep the next. */
  async write(changes: Iterable<Change>): Promise<void> {
    // Chained: half the cost of an array of operations.
    const batch = this.#database.batch();
    let converted = 0;
    for (const { key, value } of changes) {
      if (converted > 0 && converted % changesInOneGo === 0) await nextTurn();
      converted++;
      const name = Buffer.from(key, "latin1");
      if (value === undefined) batch.del(name);
      else batch.put(name, typeof value === "string" ? Buffer.from(value, "latin1") : value);
    }
    await batch.write({ sync: this.#sync });
  }

  scan(from: ByteString, to: ByteString, run = 1000): AsyncGenerator<readonly Entry[]> {
    // Made here and not in the generator, whose body waits for the first `next`: the snapshot is of this moment.
    const iterator = this.#database.iterator({
      gte: Buffer.from(from, "latin1"),
      lt: Buffer.from(to, "latin1"),
      highWaterMarkBytes: scanBytes,
    });
    return runsOf(iterator, run);
  }

  async workElsewhere(
    { module }: Work,
    from: ByteString,
    to: ByteString,
    signal?: AbortSignal,
  ): Promise<AsyncGenerator<Uint8Array> | undefined> {
    if ((await this.sizeBytes()) < this.#largeBytes) return undefined;
    if (this.#closing) throw new Error("the database is closed");
    signal?.throwIfAborted();
    const [first, end] = [Buffer.from(from, "latin1"), Buffer.from(to, "latin1")];
    const worker = new LevelWorker({ directory: this.#directory, from: first, to: end, module });
    this.#workers.add(worker);
    const abort = () => worker.close();
    signal?.addEventListener("abort", abort);
    worker.closed.then(() => {
      this.#workers.delete(worker);
      signal?.removeEventListener("abort", abort);
    });
    return worker.pieces();
  }

  async sizeBytes(): Promise<number> {
    let sizeBytes = 0;
    for (const name of await readdir(this.#directory)) {
      // Level renames and removes files while this looks at them.
      const file = await stat(join(this.#directory, name)).catch(undefinedIfMissing);
      sizeBytes += file?.size ?? 0;
    }
    return sizeBytes;
  }

  async defragment(): Promise<void> {
    await this.#database.compactRange(Buffer.of(), Buffer.of(0xff));
  }

  /** Other threads first: they work with buffers of this one. */
  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all([...this.#workers].map((worker) => worker.close()));
    await this.#database.close();
  }
}

/** LevelDB renames without it: a crash of the machine could take the new name of a file away. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function undefinedIfMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
}
