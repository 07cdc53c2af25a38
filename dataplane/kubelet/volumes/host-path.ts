import { mkdirSync, type Stats, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { VolumeError } from "./volume-error.ts";

const checks: Readonly<Record<string, { readonly is: (stat: Stats) => boolean; readonly what: string }>> = {
  Directory: { is: (stat) => stat.isDirectory(), what: "a directory" },
  DirectoryOrCreate: { is: (stat) => stat.isDirectory(), what: "a directory" },
  File: { is: (stat) => stat.isFile(), what: "a file" },
  FileOrCreate: { is: (stat) => stat.isFile(), what: "a file" },
  Socket: { is: (stat) => stat.isSocket(), what: "a socket file" },
  CharDevice: { is: (stat) => stat.isCharacterDevice(), what: "a character device" },
  BlockDevice: { is: (stat) => stat.isBlockDevice(), what: "a block device" },
};

/** The path, if it is what its type says; the …OrCreate types make it. Without a type a missing directory is made, as engines do. */
export function checkHostPath(path: string, type: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  const check = checks[type];
  if (stat === undefined) {
    if (type === "" || type === "DirectoryOrCreate") mkdirSync(path, { recursive: true, mode: 0o755 });
    else if (type === "FileOrCreate") {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, "", { mode: 0o644 });
    } else throw new VolumeError(`hostPath type check failed: ${path} is not ${check?.what ?? `of type ${type}`}`);
  } else if (check !== undefined && !check.is(stat)) {
    throw new VolumeError(`hostPath type check failed: ${path} is not ${check.what}`);
  }
  return path;
}
