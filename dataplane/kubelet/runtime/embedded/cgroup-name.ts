import { createHash } from "node:crypto";
import { resolve } from "node:path";

/** The node's group in every hierarchy: recognisable, and its own even when two clusters have a node of the same name. */
export function cgroupNameOf(dir: string): string {
  return `flotilla-${createHash("sha256").update(resolve(dir)).digest("hex").slice(0, 16)}`;
}
