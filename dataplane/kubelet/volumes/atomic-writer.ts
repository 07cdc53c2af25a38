import { randomBytes } from "node:crypto";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

export interface ProjectedFile {
  readonly data: Uint8Array;
  readonly mode: number;
}

/** Files by path relative to the volume. */
export type Payload = ReadonlyMap<string, ProjectedFile>;

/**
 * Puts a set of files into a directory so that readers see the old set or the new one, never a mixture (pkg/volume/util/atomic_writer.go):
 * the files lie in a directory with a new name, `..data` is a link to it that is replaced in one step, and the visible names are links through `..data`.
 * Returns whether anything changed. `group` owns the files, if given.
 */
export function writeAtomically(dir: string, payload: Payload, group?: number): boolean {
  mkdirSync(dir, { recursive: true });
  const current = readLink(join(dir, "..data"));
  if (current !== undefined && holds(join(dir, current), payload)) return false;
  const name = `..${stamp()}`;
  const fresh = join(dir, name);
  mkdirSync(fresh, { mode: 0o755 });
  chmodSync(fresh, 0o755);
  for (const [path, { data, mode }] of payload) {
    const file = join(fresh, path);
    mkdirSync(dirname(file), { recursive: true, mode: 0o755 });
    writeFileSync(file, data);
    if (group !== undefined) chownSync(file, -1, group);
    // After writing: the process's umask has no say in it.
    chmodSync(file, group === undefined ? mode : mode | 0o040);
  }
  symlinkSync(name, join(dir, "..data_tmp"));
  renameSync(join(dir, "..data_tmp"), join(dir, "..data"));
  const visible = new Set([...payload.keys()].map((path) => path.split("/")[0] as string));
  for (const entry of visible) {
    if (readLink(join(dir, entry)) === undefined) symlinkSync(join("..data", entry), join(dir, entry));
  }
  for (const entry of readdirSync(dir)) {
    const stale = entry.startsWith("..") ? entry !== "..data" && entry !== name : !visible.has(entry);
    if (stale) rmSync(join(dir, entry), { recursive: true, force: true });
  }
  return true;
}

/** Sorts by time and is never the same twice. */
function stamp(): string {
  return `${new Date().toISOString().replaceAll(/[-:TZ.]/g, "_")}${randomBytes(4).toString("hex")}`;
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function holds(dir: string, payload: Payload): boolean {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  if (files.length !== payload.size) return false;
  for (const [path, { data, mode }] of payload) {
    const file = join(dir, path);
    const stat = statSync(file, { throwIfNoEntry: false });
    if (stat === undefined || (stat.mode & 0o777 & ~0o040) !== (mode & ~0o040)) return false;
    if (!readFileSync(file).equals(data)) return false;
  }
  return true;
}
