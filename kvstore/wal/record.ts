import type { Entry, HardState } from "../../raft/mod.ts";

/**
 * Bytes of what the log records, as etcd's raftpb has them (proto2: writers put every number down, zero or not; an absent
 * value takes no bytes). Written by hand, straight into the batch buffer: every put passes through here. Reading, which
 * happens once per start, uses the codecs of `proto`.
 */

/** walpb.Record.type. */
export const recordTypes = { metadata: 1, entry: 2, hardState: 3, crc: 4, snapshot: 5 } as const;

/** More than any field's tag, number and length takes. */
export const fieldBytes = 16;

export function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
  return size;
}

/** Writes a whole number below 2^53 at `at`, gives the offset behind it. */
export function putVarint(into: Uint8Array, at: number, value: number): number {
  let rest = value;
  while (rest > 0x7fff_ffff) {
    into[at++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  while (rest >= 0x80) {
    into[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  into[at++] = rest;
  return at;
}

export function entrySize(entry: Entry): number {
  const fixed = 4 + varintSize(entry.term) + varintSize(entry.index);
  const length = entry.data.length;
  return length === 0 ? fixed : fixed + 1 + varintSize(length) + length;
}

export function putEntry(into: Uint8Array, start: number, entry: Entry): number {
  let at = start;
  into[at++] = 0x08;
  into[at++] = entry.type;
  into[at++] = 0x10;
  at = putVarint(into, at, entry.term);
  into[at++] = 0x18;
  at = putVarint(into, at, entry.index);
  if (entry.data.length === 0) return at;
  into[at++] = 0x22;
  at = putVarint(into, at, entry.data.length);
  into.set(entry.data, at);
  return at + entry.data.length;
}

/** At most 3 × `fieldBytes`. */
export function putHardState(into: Uint8Array, start: number, state: HardState): number {
  let at = start;
  into[at++] = 0x08;
  at = putVarint(into, at, state.term);
  into[at++] = 0x10;
  at = putVarint64(into, at, state.vote);
  into[at++] = 0x18;
  return putVarint(into, at, state.commit);
}

function putVarint64(into: Uint8Array, at: number, value: bigint): number {
  let rest = BigInt.asUintN(64, value);
  while (rest >= 0x80n) {
    into[at++] = Number(rest & 0x7fn) | 0x80;
    rest >>= 7n;
  }
  into[at++] = Number(rest);
  return at;
}
