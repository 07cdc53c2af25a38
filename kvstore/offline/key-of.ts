import { KeyValue } from "../../proto/mod.ts";

/** The key of a version, one character a byte, so that it can stand in maps and sets. */
export function keyOf(version: Uint8Array): string {
  return Buffer.from(KeyValue.decode(version).key).toString("latin1");
}
