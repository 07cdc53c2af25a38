import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  realpathSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, isAbsolute, join, relative } from "node:path";
import { run } from "../runtime/embedded/spawn.ts";
import { isMountPoint } from "./mount-table.ts";
import { VolumeError } from "./volume-error.ts";

/** Opens a name without following it, for looking only. Not among Node's constants. */
const O_PATH = 0o10000000;
const byName = O_PATH | constants.O_NOFOLLOW;

/**
 * A path inside a volume as something a container can be given: a bind mount at `target` of what was found there. A container that shares the
 * volume may put a link in the way at any moment, so the path is walked name by name, each opened in the directory opened before, and none
 * followed; what is mounted is what was opened (pkg/volume/util/subpath/subpath_linux.go). What is missing is made as directories with the
 * volume's rights. Rejects with VolumeError when it leads out of the volume.
 */
export async function bindSubPath(volume: string, subPath: string, target: string): Promise<string> {
  const fd = openInside(volume, subPath);
  try {
    const found = fstatSync(fd);
    const before = statSync(target, { throwIfNoEntry: false });
    if (before !== undefined && isMountPoint(target)) {
      if (before.dev === found.dev && before.ino === found.ino) return target;
      await run(["umount", "-l", target]);
    }
    mkdirSync(dirname(target), { recursive: true, mode: 0o750 });
    if (found.isDirectory()) mkdirSync(target, { recursive: true, mode: 0o750 });
    else writeFileSync(target, "", { mode: 0o640 });
    // The name must not be resolved before the kernel does it: it stands for the open file.
    await run(["mount", "--no-canonicalize", "--bind", `/proc/${process.pid}/fd/${fd}`, target]);
    return target;
  } finally {
    closeSync(fd);
  }
}

/** The same where nothing can be mounted: the path itself, which leads where it leads now. */
export function resolveSubPath(volume: string, subPath: string): string {
  const root = realpathSync(volume);
  const { existing, missing } = resolved(root, subPath);
  const path = join(existing, ...missing);
  if (missing.length > 0) mkdirSync(path, { recursive: true, mode: statSync(root).mode & 0o7777 });
  return path;
}

function openInside(volume: string, subPath: string): number {
  const root = realpathSync(volume);
  const { mode } = statSync(root);
  // Links may be there and lead elsewhere in the volume: where to, is decided once, here.
  const { existing, missing } = resolved(root, subPath);
  let fd = openSync(root, byName);
  try {
    const names = [...relative(root, existing).split("/").filter(Boolean), ...missing];
    for (const [i, name] of names.entries()) {
      const path = `/proc/self/fd/${fd}/${name}`;
      if (i >= names.length - missing.length) makeDirectory(path, mode);
      const next = openSync(path, byName);
      closeSync(fd);
      fd = next;
      if (fstatSync(fd).isSymbolicLink()) throw new VolumeError(`subpath ${subPath} was changed while it was opened`);
    }
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** How far the path exists, with its links resolved, and the names that do not. */
function resolved(root: string, subPath: string): { existing: string; missing: string[] } {
  if (isAbsolute(subPath)) throw new VolumeError(`error SubPath \`${subPath}\` must not be an absolute path`);
  const missing: string[] = [];
  let path = join(root, subPath);
  if (path !== root && !path.startsWith(`${root}/`))
    throw new VolumeError(`subPath "${subPath}" is outside its volume`);
  for (; statSync(path, { throwIfNoEntry: false }) === undefined; path = dirname(path))
    missing.unshift(path.slice(path.lastIndexOf("/") + 1));
  const existing = realpathSync(path);
  if (existing !== root && !existing.startsWith(`${root}/`))
    throw new VolumeError(`subPath "${subPath}" leads out of its volume`);
  return { existing, missing };
}

function makeDirectory(path: string, mode: number): void {
  try {
    mkdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return;
  }
  // Between the two nobody can have put a link there: it would have to remove the directory first, and then this changes nothing of ours.
  const fd = openSync(path, byName);
  try {
    if (fstatSync(fd).isDirectory()) chmodSync(`/proc/self/fd/${fd}`, mode & 0o7777);
  } finally {
    closeSync(fd);
  }
}
