import { existsSync, readFileSync } from "node:fs";

/** What this process may do about ids. Inside a user namespace (rootless) root is root only of what the namespace owns. */
export interface IdMap {
  readonly inUserNamespace: boolean;
  /** How many user ids exist here: 1 where nobody gave the user a range (package uidmap, /etc/subuid). */
  readonly uids: number;
  /** setgroups(2) is forbidden where the kernel was told so, as it must be for a map that an ordinary user wrote. */
  readonly maySetGroups: boolean;
}

const allIds = 4_294_967_295;

export function readIdMap(
  uidMap = readIfThere("/proc/self/uid_map"),
  setgroups = readIfThere("/proc/self/setgroups"),
): IdMap {
  const sizes = uidMap
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => Number(line.trim().split(/\s+/)[2]));
  const uids = sizes.length === 0 ? allIds : sizes.reduce((sum, size) => sum + size, 0);
  return { inUserNamespace: uids !== allIds, uids, maySetGroups: setgroups.trim() !== "deny" };
}

function readIfThere(file: string): string {
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}
