import { assert, Failure } from "../../base/mod.ts";
import type { File, Files } from "./files.ts";

const sectorBytes = 512;

interface Stored {
  bytes: Uint8Array;
  durable: Uint8Array;
}

/** What a crash does to the write that was under way: for each of its sectors, whether it reached the disk. */
export type Tear = (sector: number, sectors: number) => boolean;

/**
 * A disk in memory that can lose power. Names and contents live twice: as running programs see them, and as they are on the
 * platter. Sectors of 512 bytes are written whole or not at all.
 */
export class MemoryFiles implements Files {
  /** What programs see. */
  readonly #names = new Map<string, Stored>();
  /** What survives a crash. */
  #durableNames = new Map<string, Stored>();
  readonly #locks = new Set<string>();
  #writes = 0;
  #plan: { readonly atWrite: number; readonly tear: Tear } | undefined;
  #fsyncError: Error | undefined;
  #roomBytes = Number.POSITIVE_INFINITY;
  #off = false;

  /** Durable steps so far: data writes, size changes and directory syncs. */
  get writes(): number {
    return this.#writes;
  }

  get isOff(): boolean {
    return this.#off;
  }

  /** The power fails during durable step number `atWrite` (from 0). Nothing completes from then on, until `restart`. */
  crashAt(atWrite: number, tear: Tear = () => false): void {
    this.#plan = { atWrite, tear };
  }

  /** Every durable write fails from now on, as after an I/O error. */
  failWrites(error: Error): void {
    this.#fsyncError = error;
  }

  /** Only so many more bytes can be written. A write that does not fit fails with ENOSPC, after the sectors of it that do. */
  fillUp(roomBytes: number): void {
    this.#roomBytes = roomBytes;
  }

  /** Power is back: only what was durable is there. */
  restart(): void {
    this.#off = false;
    this.#plan = undefined;
    this.#fsyncError = undefined;
    this.#roomBytes = Number.POSITIVE_INFINITY;
    this.#locks.clear();
    this.#names.clear();
    for (const [path, file] of this.#durableNames) {
      const stored = { bytes: file.durable.slice(), durable: file.durable.slice() };
      this.#names.set(path, stored);
    }
    this.#durableNames = new Map(this.#names);
  }

  /** A whole file, as programs see it; for tests that look at, or damage, what is stored. */
  contents(path: string): Uint8Array {
    const file = this.#names.get(path);
    assert(file !== undefined, `${path} exists`);
    return file.bytes;
  }

  /** Replaces a file on the platter, behind everyone's back. */
  overwrite(path: string, bytes: Uint8Array): void {
    const file = this.#names.get(path);
    assert(file !== undefined, `${path} exists`);
    file.bytes = bytes.slice();
    file.durable = bytes.slice();
  }

  async makeDirectory(): Promise<void> {
    await this.#alive();
  }

  async list(path: string): Promise<string[]> {
    await this.#alive();
    const prefix = `${path}/`;
    const names = [...this.#names.keys()].filter((name) => name.startsWith(prefix));
    return names.map((name) => name.slice(prefix.length)).sort();
  }

  async create(path: string): Promise<File> {
    await this.#alive();
    const stored = { bytes: new Uint8Array(0), durable: new Uint8Array(0) };
    this.#names.set(path, stored);
    return this.#handle(stored);
  }

  async open(path: string): Promise<File> {
    await this.#alive();
    const stored = this.#names.get(path);
    if (stored === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: "ENOENT" });
    return this.#handle(stored);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#alive();
    const stored = this.#names.get(from);
    assert(stored !== undefined, `${from} exists`);
    this.#names.delete(from);
    this.#names.set(to, stored);
  }

  async remove(path: string): Promise<void> {
    await this.#alive();
    this.#names.delete(path);
  }

  async syncDirectory(path: string): Promise<void> {
    await this.#alive();
    if (this.#crashesNow()) return this.#never();
    const prefix = `${path}/`;
    for (const name of this.#durableNames.keys()) {
      if (name.startsWith(prefix) && !this.#names.has(name)) this.#durableNames.delete(name);
    }
    for (const [name, file] of this.#names) if (name.startsWith(prefix)) this.#durableNames.set(name, file);
  }

  async lock(path: string): Promise<{ release(): Promise<void> }> {
    await this.#alive();
    if (this.#locks.has(path))
      throw new Failure("DataDirLocked", `${path} is locked by another process`, "Stop it first.");
    this.#locks.add(path);
    return {
      release: async () => {
        this.#locks.delete(path);
      },
    };
  }

  #handle(stored: Stored): File {
    return {
      size: async () => {
        await this.#alive();
        return stored.bytes.length;
      },
      read: async (position, length) => {
        await this.#alive();
        return stored.bytes.slice(position, position + length);
      },
      writeDurably: (bytes, position, done) => {
        if (this.#off) return;
        if (this.#fsyncError !== undefined) {
          const error = this.#fsyncError;
          queueMicrotask(() => done(error));
          return;
        }
        if (bytes.length > this.#roomBytes) {
          const end = Math.floor((position + this.#roomBytes) / sectorBytes) * sectorBytes;
          const fits = bytes.subarray(0, Math.max(0, end - position));
          stored.bytes.set(fits, position);
          stored.durable.set(fits, position);
          const error = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
          queueMicrotask(() => done(error));
          return;
        }
        this.#roomBytes -= bytes.length;
        const tear = this.#plan?.tear;
        const crashes = this.#crashesNow();
        const size = Math.max(stored.bytes.length, position + bytes.length);
        if (size > stored.bytes.length) stored.bytes = resized(stored.bytes, size);
        stored.bytes.set(bytes, position);
        if (crashes) return writeTorn(stored, bytes, position, tear as Tear);
        stored.durable = resized(stored.durable, size);
        stored.durable.set(bytes, position);
        queueMicrotask(() => {
          if (!this.#off) done(undefined);
        });
      },
      truncate: async (size) => {
        await this.#alive();
        if (this.#fsyncError !== undefined) throw this.#fsyncError;
        if (this.#crashesNow()) return this.#never();
        stored.bytes = resized(stored.bytes, size);
        stored.durable = stored.bytes.slice();
      },
      close: async () => {
        await this.#alive();
      },
    };
  }

  #crashesNow(): boolean {
    if (this.#plan?.atWrite === this.#writes++) this.#off = true;
    return this.#off;
  }

  /** A machine without power neither succeeds nor fails: it says nothing. */
  #alive(): Promise<void> {
    return this.#off ? this.#never() : Promise.resolve();
  }

  #never(): Promise<never> {
    return new Promise(() => undefined);
  }
}

function writeTorn(stored: Stored, bytes: Uint8Array, position: number, tear: Tear): void {
  const first = Math.floor(position / sectorBytes);
  const sectors = Math.ceil((position + bytes.length) / sectorBytes) - first;
  for (let sector = 0; sector < sectors; sector++) {
    if (!tear(sector, sectors)) continue;
    const from = Math.max(position, (first + sector) * sectorBytes);
    const to = Math.min(position + bytes.length, (first + sector + 1) * sectorBytes);
    if (stored.durable.length < to) stored.durable = resized(stored.durable, to);
    stored.durable.set(bytes.subarray(from - position, to - position), from);
  }
}

function resized(bytes: Uint8Array, size: number): Uint8Array {
  const result = new Uint8Array(size);
  result.set(bytes.subarray(0, size));
  return result;
}
