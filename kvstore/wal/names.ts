/** `%016x-%016x.wal`: the segment's number, and the index of the first entry that can be in it. */
export function segmentName(sequence: number, firstIndex: number): string {
  return `${hex16(sequence)}-${hex16(firstIndex)}.wal`;
}

export interface SegmentName {
  readonly name: string;
  readonly sequence: number;
  readonly firstIndex: number;
}

/** Undefined for files that are no segments. */
export function parseSegmentName(name: string): SegmentName | undefined {
  const match = /^([0-9a-f]{16})-([0-9a-f]{16})\.wal$/.exec(name);
  if (match === null) return undefined;
  return { name, sequence: Number.parseInt(match[1]!, 16), firstIndex: Number.parseInt(match[2]!, 16) };
}

function hex16(value: number): string {
  return value.toString(16).padStart(16, "0");
}
