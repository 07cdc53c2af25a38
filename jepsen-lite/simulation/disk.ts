import { crc32c } from "@node-rs/crc32";
import { assert, Failure } from "../../base/mod.ts";
import type { File, Files } from "../../kvstore/mod.ts";
import type { Chance } from "./chance.ts";
import type { Owner, Timeline } from "./timeline.ts";

const sectorBytes = 512;

/** A write that takes longer is given up by real disks; and everything has to come right a minute after they are mended. */
const longestUs = 10_000_000;

export interface DiskParameters {
  /** Of a write that is durable when it ends. */
  readonly writeMeanUs: number;
  /** Of everything else. */
  readonly otherMeanUs: number;
  /** Now and then a write takes this many times as long. */
  readonly stallPerMillion: number;
  readonly stallFactor: number;
  /** Percent of the sectors under way in a crash that reach the platter. */
  readonly tornPercent: number;
}

/** A file, as programs see it and as it is on the platter. */
interface Stored {
  bytes: Uint8Array;
  durable: Uint8Array;
  /** Written while it had no name of a log: nobody finds it there yet. */
  nameless?: Uint8Array[];
}

interface Write {
  readonly stored: Stored;
  readonly bytes: Uint8Array;
  readonly position: number;
}

/** What a program did to the names of a directory and has not made durable. */
interface NameChange {
  readonly name: string;
  /** Undefined: the name went. */
  readonly stored: Stored | undefined;
}

/** What is told of a log that became durable. */
export interface DiskEvents {
  /** `bytes` are durable at `position` of a file. */
  written(bytes: Uint8Array): void;
  /** A process was told that something it wrote did not become durable. */
  failed(owner: Owner): void;
}

/**
 * A disk that can do what disks do: take its time, lose what it had not yet written when the power failed (each sector of 512 bytes for itself, and the
 * newest changes of names), put bytes in the wrong place, let bits rot, fail, and fill up. It outlives the processes that use it.
 */
export class VirtualDisk {
  readonly #timeline: Timeline;
  readonly #chance: Chance;
  readonly #parameters: DiskParameters;
  readonly #events: DiskEvents;
  readonly #names = new Map<string, Stored>();
  readonly #durableNames = new Map<string, Stored>();
  #nameChanges: NameChange[] = [];
  #writes: Write[] = [];
  #lockedBy: Owner | undefined;
  #nextWriteFails: Error | undefined;
  #readsFail = false;
  #misdirectsNext = false;
  #roomBytes = Number.POSITIVE_INFINITY;
  #slowness = 1;
  #mayStall = true;

  constructor(timeline: Timeline, chance: Chance, parameters: DiskParameters, events: DiskEvents) {
    this.#timeline = timeline;
    this.#chance = chance;
    this.#parameters = parameters;
    this.#events = events;
  }

  /** A write is under way: a crash now tears it. */
  get isWriting(): boolean {
    return this.#writes.length > 0;
  }

  // What a nemesis does.

  /** The next write, or its sync, fails with EIO: whether it reached the platter nobody knows. */
  failNextWrite(): void {
    this.#nextWriteFails = errorOf("EIO", "i/o error, write");
  }

  failReads(fail: boolean): void {
    this.#readsFail = fail;
  }

  /** Only so many more bytes fit. */
  fillUp(roomBytes: number): void {
    this.#roomBytes = roomBytes;
  }

  slowDown(factor: number): void {
    this.#slowness = factor;
  }

  /** The next write lands on something that was written before, and its own place stays as it was. */
  misdirectNextWrite(): void {
    this.#misdirectsNext = true;
  }

  /** Flips one bit of what is durable. False: there is nothing. */
  flipBit(): boolean {
    const files = [...this.#durableNames].filter(
      ([name, { durable }]) => name.endsWith(".wal") && usedBytes(durable) > 0,
    );
    if (files.length === 0) return false;
    const [, stored] = this.#chance.pick(files);
    const at = this.#chance.below(usedBytes(stored.durable));
    const bit = 1 << this.#chance.below(8);
    stored.durable[at] = (stored.durable[at] as number) ^ bit;
    stored.bytes[at] = (stored.bytes[at] as number) ^ bit;
    return true;
  }

  /** All faults that last end, and from now on nothing happens to writes but that they take their time. What is damaged stays so. */
  mend(): void {
    this.#mayStall = false;
    this.#readsFail = false;
    this.#roomBytes = Number.POSITIVE_INFINITY;
    this.#slowness = 1;
    this.#nextWriteFails = undefined;
    this.#misdirectsNext = false;
  }

  /** The processes using it are gone. With `powerLoss` so is what was not durable; a process that is killed leaves it to the kernel. */
  crash(powerLoss: boolean): void {
    this.#lockedBy = undefined;
    for (const write of this.#writes.splice(0)) this.#leave(write, powerLoss);
    const survivors = powerLoss ? this.#chance.below(this.#nameChanges.length + 1) : this.#nameChanges.length;
    for (const { name, stored } of this.#nameChanges.slice(0, survivors)) set(this.#durableNames, name, stored);
    this.#nameChanges = [];
    this.#names.clear();
    for (const [name, stored] of this.#durableNames) {
      stored.bytes = stored.durable.slice();
      this.#names.set(name, stored);
    }
  }

  /** A new disk in its place. */
  wipe(): void {
    this.crash(true);
    this.#misdirectsNext = false;
    this.#nextWriteFails = undefined;
    this.#names.clear();
    this.#durableNames.clear();
  }

  #leave({ stored, bytes, position }: Write, powerLoss: boolean): void {
    const first = Math.floor(position / sectorBytes);
    const last = Math.ceil((position + bytes.length) / sectorBytes);
    for (let sector = first; sector < last; sector++) {
      if (powerLoss && !this.#chance.percent(this.#parameters.tornPercent)) continue;
      const from = Math.max(position, sector * sectorBytes);
      const to = Math.min(position + bytes.length, (sector + 1) * sectorBytes);
      if (stored.durable.length < to) stored.durable = resized(stored.durable, to);
      stored.durable.set(bytes.subarray(from - position, to - position), from);
    }
  }

  /** The disk, as a process sees it. Once that is gone it neither succeeds nor fails: it says nothing. */
  for(owner: Owner): Files {
    const later = <T>(work: () => T): Promise<T> =>
      new Promise((resolve, reject) => {
        const delayUs = this.#chance.exponential(this.#parameters.otherMeanUs) * this.#slowness;
        this.#timeline.after(delayUs, owner, "disk", () => {
          try {
            resolve(work());
          } catch (error) {
            reject(error as Error);
          }
        });
      });
    const inDirectory = (path: string, name: string) => name.startsWith(`${path}/`);
    return {
      makeDirectory: () => later(() => undefined),
      list: (path) =>
        later(() =>
          [...this.#names.keys()]
            .filter((name) => inDirectory(path, name))
            .map((name) => name.slice(path.length + 1))
            .sort(),
        ),
      create: (path) =>
        later(() => {
          const stored = { bytes: new Uint8Array(0), durable: new Uint8Array(0) };
          this.#rename(path, stored);
          return this.#file(owner, stored, later);
        }),
      open: (path) => later(() => this.#file(owner, this.#stored(path), later)),
      rename: (from, to) =>
        later(() => {
          const stored = this.#stored(from);
          this.#rename(from, undefined);
          this.#rename(to, stored);
        }),
      remove: (path) => later(() => this.#rename(path, undefined)),
      syncDirectory: (path) =>
        later(() => {
          for (const change of this.#nameChanges) {
            if (!inDirectory(path, change.name)) continue;
            set(this.#durableNames, change.name, change.stored);
            if (change.stored === undefined || !change.name.endsWith(".wal")) continue;
            for (const bytes of change.stored.nameless?.splice(0) ?? []) this.#events.written(bytes);
          }
          this.#nameChanges = this.#nameChanges.filter(({ name }) => !inDirectory(path, name));
        }),
      lock: (path) =>
        later(() => {
          if (this.#lockedBy?.alive) throw new Failure("DataDirLocked", `${path} is locked`, "Stop who has it first");
          this.#lockedBy = owner;
          return {
            release: async () => {
              if (this.#lockedBy === owner) this.#lockedBy = undefined;
            },
          };
        }),
    };
  }

  #stored(path: string): Stored {
    const stored = this.#names.get(path);
    if (stored === undefined) throw errorOf("ENOENT", `no such file, ${path}`);
    return stored;
  }

  #rename(name: string, stored: Stored | undefined): void {
    set(this.#names, name, stored);
    this.#nameChanges.push({ name, stored });
  }

  #file(owner: Owner, stored: Stored, later: <T>(work: () => T) => Promise<T>): File {
    return {
      size: () => later(() => stored.bytes.length),
      read: (position, length) =>
        later(() => {
          if (this.#readsFail) throw errorOf("EIO", "i/o error, read");
          return stored.bytes.slice(position, position + length);
        }),
      writeDurably: (bytes, position, done) => this.#write(owner, { stored, bytes, position }, done),
      truncate: (size) =>
        later(() => {
          this.#takeFailure();
          stored.bytes = resized(stored.bytes, size);
          stored.durable = stored.bytes.slice();
        }),
      close: () => later(() => undefined),
    };
  }

  #write(owner: Owner, write: Write, done: (error: Error | undefined) => void): void {
    const { stored, bytes, position } = write;
    const { writeMeanUs, stallPerMillion, stallFactor } = this.#parameters;
    const stall = this.#mayStall && this.#chance.perMillion(stallPerMillion) ? stallFactor : 1;
    const delayUs = Math.min(this.#chance.exponential(writeMeanUs) * this.#slowness * stall, longestUs);
    const size = Math.max(stored.bytes.length, position + bytes.length);
    if (size > stored.bytes.length) stored.bytes = resized(stored.bytes, size);
    stored.bytes.set(bytes, position);
    this.#writes.push(write);
    this.#timeline.note(crc32c(bytes));
    this.#timeline.after(delayUs, owner, "disk", () => {
      this.#writes = this.#writes.filter((other) => other !== write);
      try {
        this.#takeFailure();
        this.#takeRoom(bytes.length);
      } catch (error) {
        this.#leave(write, true);
        this.#events.failed(owner);
        done(error as Error);
        return;
      }
      if (stored.durable.length < size) stored.durable = resized(stored.durable, size);
      if (this.#misdirectsNext && position >= sectorBytes) this.#misdirect(write);
      else stored.durable.set(bytes, position);
      if (this.#isLog(stored)) this.#events.written(bytes);
      else {
        stored.nameless ??= [];
        stored.nameless.push(bytes.slice());
      }
      done(undefined);
    });
  }

  /** A crash would leave it under a name of a log. */
  #isLog(stored: Stored): boolean {
    for (const [name, file] of this.#durableNames) if (file === stored) return name.endsWith(".wal");
    return false;
  }

  #misdirect({ stored, bytes, position }: Write): void {
    this.#misdirectsNext = false;
    const sector = this.#chance.below(Math.floor(position / sectorBytes));
    stored.durable.set(bytes.subarray(0, position - sector * sectorBytes), sector * sectorBytes);
  }

  #takeFailure(): void {
    const error = this.#nextWriteFails;
    this.#nextWriteFails = undefined;
    if (error !== undefined) throw error;
  }

  #takeRoom(bytes: number): void {
    if (bytes > this.#roomBytes) throw errorOf("ENOSPC", "no space left on device, write");
    this.#roomBytes -= bytes;
  }
}

function set(names: Map<string, Stored>, name: string, stored: Stored | undefined): void {
  if (stored === undefined) names.delete(name);
  else names.set(name, stored);
}

/** Up to the last byte that is not zero. */
function usedBytes(bytes: Uint8Array): number {
  let used = bytes.length;
  while (used > 0 && bytes[used - 1] === 0) used--;
  return used;
}

function resized(bytes: Uint8Array, size: number): Uint8Array {
  assert(size >= 0, "a file has a size");
  const result = new Uint8Array(size);
  result.set(bytes.subarray(0, size));
  return result;
}

function errorOf(code: string, text: string): Error {
  return Object.assign(new Error(`${code}: ${text}`), { code });
}
