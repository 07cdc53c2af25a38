import { existsSync } from "node:fs";
import { join } from "node:path";

/** The whole path of a program of this machine. Throws when it is not installed. */
export function findProgram(name: string): string {
  const found = findProgramIfThere(name);
  if (found === undefined) throw new Error(`${name} is not installed`);
  return found;
}

export function findProgramIfThere(name: string): string | undefined {
  const dirs = [...(process.env.PATH ?? "").split(":"), "/usr/bin", "/bin", "/usr/sbin", "/sbin"];
  return dirs
    .filter((dir) => dir.startsWith("/"))
    .map((dir) => join(dir, name))
    .find(existsSync);
}
