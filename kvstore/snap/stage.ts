import { type FileHandle, open, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { crc32c } from "@node-rs/crc32";
import { decodeRun, type SnapshotRecord } from "./records.ts";

/** Where the bytes of an arriving snapshot go until they are installed. */
export interface SnapshotStage {
  readonly name: string;
  write(chunk: Uint8Array): Promise<void>;
  /** All of it is there, and durable. */
  finish(): Promise<void>;
  discard(): Promise<void>;
}

/** The stages of one member. */
export interface Stages {
  open(): Promise<SnapshotStage>;
  /** The records of one that is complete. Rejects if the disk gives back something else than was written. */
  read(name: string): AsyncIterable<readonly SnapshotRecord[]>;
  /** Installed, outdated, or left by a crash. */
  removeAll(): Promise<void>;
}

const suffix = ".stage";
const partSuffix = ".part";

/**
 * A snapshot that is arriving: runs of records in a file of their own, each after its length and checksum, so that the store
 * goes on untouched until all of it is there. The file gets its name when it is complete and durable.
 */
export class StageWriter implements SnapshotStage {
  readonly name: string;
  readonly #path: string;
  readonly #file: FileHandle;

  private constructor(name: string, path: string, file: FileHandle) {
    this.name = name;
    this.#path = path;
    this.#file = file;
  }

  /** `name` is unique among the snapshots of this member. */
  static async open(directory: string, name: string): Promise<StageWriter> {
    const path = join(directory, name);
    return new StageWriter(name, path, await open(`${path}${partSuffix}`, "w", 0o600));
  }

  async write(run: Uint8Array): Promise<void> {
    const head = Buffer.alloc(8);
    head.writeUInt32LE(run.length, 0);
    head.writeUInt32LE(crc32c(run), 4);
    await this.#file.writev([head, run]);
  }

  async finish(): Promise<void> {
    await this.#file.datasync();
    await this.#file.close();
    await rename(`${this.#path}${partSuffix}`, `${this.#path}${suffix}`);
  }

  async discard(): Promise<void> {
    await this.#file.close();
    await rm(`${this.#path}${partSuffix}`, { force: true });
  }
}

/** The records of a complete stage. Rejects if the disk gives back something else than was written. */
export async function* readStage(directory: string, name: string): AsyncGenerator<readonly SnapshotRecord[]> {
  const path = join(directory, `${name}${suffix}`);
  const file = await open(path, "r");
  try {
    const head = Buffer.alloc(8);
    for (let at = 0; ; ) {
      if ((await file.read(head, 0, 8, at)).bytesRead === 0) return;
      const run = new Uint8Array(head.readUInt32LE(0));
      const { bytesRead } = await file.read(run, 0, run.length, at + 8);
      if (bytesRead !== run.length || crc32c(run) !== head.readUInt32LE(4))
        throw new Error(`${path} is damaged at byte ${at}`);
      yield decodeRun(run);
      at += 8 + run.length;
    }
  } finally {
    await file.close();
  }
}

/** Removes the stages of a member, but for `keep`: installed, outdated, or left by a crash. */
export async function removeStages(directory: string, keep?: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const isStage = name.endsWith(suffix) || (name.endsWith(partSuffix) && keep === undefined);
    if (isStage && name !== `${keep}${suffix}`) await rm(join(directory, name), { force: true });
  }
}

/** Stages as files of a directory. */
export class FileStages implements Stages {
  readonly #directory: string;
  #opened = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  open(): Promise<SnapshotStage> {
    return StageWriter.open(this.#directory, `${process.pid}-${++this.#opened}`);
  }

  read(name: string): AsyncIterable<readonly SnapshotRecord[]> {
    return readStage(this.#directory, name);
  }

  removeAll(): Promise<void> {
    return removeStages(this.#directory);
  }
}
