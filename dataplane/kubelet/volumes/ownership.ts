import { chmod, lchown, readdir, stat } from "node:fs/promises";
import { join } from "node:path";

export interface OwnershipOptions {
  readonly readOnly: boolean;
  readonly changePolicy: "Always" | "OnRootMismatch";
}

const setGid = 0o2000;
const [readWrite, readAlone, enter] = [0o660, 0o440, 0o110];

/**
 * Gives a volume to a pod's group: all files belong to it, may be read and written by it, and what is made later inherits it
 * (pkg/volume/volume_linux.go). With OnRootMismatch a volume whose top directory is right counts as done.
 */
export async function giveToGroup(dir: string, group: number, options: OwnershipOptions): Promise<void> {
  const wanted = (options.readOnly ? readAlone : readWrite) | enter | setGid;
  const top = await stat(dir);
  if (options.changePolicy === "OnRootMismatch" && top.gid === group && (top.mode & wanted) === wanted) return;
  await give(dir, group, options.readOnly);
}

/** The directory itself comes last: when it is right, everything below it is. */
async function give(dir: string, group: number, readOnly: boolean): Promise<void> {
  const rights = readOnly ? readAlone : readWrite;
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) await give(path, group, readOnly);
    else await change(path, group, entry.isFile() ? rights : undefined);
  }
  await change(dir, group, rights | enter | setGid);
}

/** Owner first: changing it takes the setgid bit away. Links have no rights of their own. */
async function change(path: string, group: number, rights: number | undefined): Promise<void> {
  await lchown(path, -1, group);
  if (rights !== undefined) await chmod(path, ((await stat(path)).mode & 0o7777) | rights);
}
