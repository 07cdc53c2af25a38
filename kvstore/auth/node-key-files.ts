import { readFileSync, statSync } from "node:fs";
import type { KeyFiles } from "./jwt-key-files.ts";

/** The machine's file system. Such files are small, and looked at once a second at most: not worth a promise per request. */
export const nodeKeyFiles: KeyFiles = {
  read: (path) => readFileSync(path),
  stamp(path) {
    const { ino, mtimeMs, size } = statSync(path);
    return `${ino}:${mtimeMs}:${size}`;
  },
};
