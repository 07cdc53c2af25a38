import { close, constants, fdatasync, fstat, ftruncate, open, read, write } from "node:fs";
import * as fs from "node:fs/promises";
import { Failure } from "../../base/mod.ts";
import type { File, Files } from "./files.ts";

/** The machine's file system. */
export const nodeFiles: Files = {
  async makeDirectory(path) {
    await fs.mkdir(path, { recursive: true, mode: 0o700 });
  },

  async list(path) {
    try {
      return (await fs.readdir(path)).sort();
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  },

  create: (path) => openFile(path, constants.O_CREAT | constants.O_TRUNC | constants.O_DSYNC),
  open: (path) => openFile(path, constants.O_DSYNC),
  rename: (from, to) => fs.rename(from, to),
  remove: (path) => fs.rm(path),

  async syncDirectory(path) {
    const directory = await fs.open(path, "r");
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  },

  lock: takeLock,
};

/** The same without waiting for the disk: a crash of the machine loses what it has not written by itself. */
export const unsyncedNodeFiles: Files = {
  ...nodeFiles,
  create: (path) => openFile(path, constants.O_CREAT | constants.O_TRUNC),
  open: (path) => openFile(path, 0),
  syncDirectory: async () => undefined,
};

/**
 * O_DSYNC makes every write return only when its data, and the size that reading it back needs, are durable: what write and
 * fdatasync do together, with half the trips to the thread pool.
 */
async function openFile(path: string, flags: number): Promise<File> {
  const fd = await call<number>((done) => open(path, constants.O_RDWR | flags, 0o600, done));
  return {
    size: async () => (await call<{ size: number }>((done) => fstat(fd, done))).size,
    async read(position, length) {
      const bytes = new Uint8Array(length);
      let filled = 0;
      while (filled < length) {
        const count = await call<number>((done) => read(fd, bytes, filled, length - filled, position + filled, done));
        if (count === 0) break;
        filled += count;
      }
      return bytes.subarray(0, filled);
    },
    writeDurably: (bytes, position, done) => writeAll(fd, bytes, 0, position, done),
    async truncate(size) {
      await call<void>((done) => ftruncate(fd, size, done));
      await call<void>((done) => fdatasync(fd, done));
    },
    close: () => call<void>((done) => close(fd, done)),
  };
}

function call<T>(start: (done: (error: Error | null, value?: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => start((error, value) => (error ? reject(error) : resolve(value as T))));
}

function writeAll(
  fd: number,
  bytes: Uint8Array,
  from: number,
  position: number,
  done: (error: Error | undefined) => void,
): void {
  write(fd, bytes, from, bytes.length - from, position, (error, written) => {
    if (error) done(error);
    else if (from + written < bytes.length) writeAll(fd, bytes, from + written, position + written, done);
    else done(undefined);
  });
}

/** Locks of this process, where the process id alone tells nothing. */
const heldHere = new Set<string>();

/**
 * A file that names its holder: process id and start time, so that a reused id is not mistaken for the holder. `link` fails
 * if the name exists, so of two processes one wins. Node has no flock; two members racing for a *stale* lock are kept apart by
 * the store's own lock on its database, which the kernel releases with the process.
 */
async function takeLock(path: string): Promise<{ release(): Promise<void> }> {
  if (heldHere.has(path)) throw inUse(process.pid, path);
  const mine = `${path}.${process.pid}`;
  await fs.writeFile(mine, `${process.pid} ${(await startTime(process.pid)) ?? ""}\n`, { mode: 0o600 });
  try {
    for (;;) {
      try {
        await fs.link(mine, path);
        heldHere.add(path);
        return {
          async release() {
            heldHere.delete(path);
            await fs.rm(path, { force: true });
          },
        };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
      const [pid = "", started = ""] = (await fs.readFile(path, "utf8").catch(emptyIfMissing)).trim().split(" ");
      const holder = Number(pid);
      if (holder > 0 && holder !== process.pid && (await startTime(holder)) === started) {
        throw inUse(holder, path);
      }
      await fs.rm(path, { force: true });
    }
  } finally {
    await fs.rm(mine, { force: true });
  }
}

function inUse(pid: number, path: string): Failure {
  return new Failure(
    "DataDirLocked",
    `the data directory is in use by process ${pid} (${path})`,
    "Stop that process, or give this member a data directory of its own",
  );
}

/** Field 22 of /proc/PID/stat; undefined if there is no such process. Elsewhere than Linux: whether it lives, without a time. */
async function startTime(pid: number): Promise<string | undefined> {
  try {
    const stat = await fs.readFile(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch (error) {
    if (!isMissing(error) && (error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    if (process.platform === "linux") return undefined;
    try {
      process.kill(pid, 0);
      return "";
    } catch {
      return undefined; // ESRCH: no such process
    }
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}

function emptyIfMissing(error: unknown): string {
  if (isMissing(error)) return "";
  throw error;
}
