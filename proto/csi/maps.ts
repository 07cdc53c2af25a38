import type { Entry } from "./common.ts";

/** A map as the wire has it, in the order of its keys so that equal maps have equal bytes. */
export function toEntries(map: Readonly<Record<string, string>> = {}): Entry[] {
  return Object.entries(map)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => ({ key, value }));
}

/** Of a key that occurs twice, the last counts. */
export function fromEntries(entries: readonly Entry[]): Record<string, string> {
  return Object.fromEntries(entries.map(({ key, value }) => [key, value]));
}
