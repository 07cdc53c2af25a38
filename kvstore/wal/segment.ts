import { crc32c } from "@node-rs/crc32";
import { WireError, walpb } from "../../proto/mod.ts";
import type { File } from "./files.ts";
import { recordTypes } from "./record.ts";

const sectorBytes = 512;
const chunkBytes = 256 * 1024;
/** A frame is never longer than a request may be, by far; a length beyond this is damage, not data. */
const frameLimitBytes = 64 * 1024 * 1024;

/** How reading a segment ended, and where: `offset` is behind the last good record. */
export interface SegmentEnd {
  readonly offset: number;
  /** Of the last good record. */
  readonly crc: number;
  /** `clean`: zeros or the end of the file follow. Otherwise the frame at `offset` is not a record. */
  readonly state: "clean" | "torn" | "damaged";
  /** What is wrong with the frame at `offset`. */
  readonly problem?: string;
}

/**
 * Gives every good record to `visit`, in order. `crc` is that of the last record of the segment before, undefined if there is
 * none to go on from.
 *
 * A frame that is no record is `torn` if a crash in the middle of a write explains it: the file ends in it, or one of its
 * sectors is still the zeros that the segment was made of (disks write sectors whole). Anything else is damage to what was
 * once durable; so is a head of zeros with something behind it in the same sector.
 */
export async function readSegment(
  file: File,
  crc: number | undefined,
  visit: (record: walpb.Record) => void,
): Promise<SegmentEnd> {
  const window = new Window(file, await file.size());
  let offset = 0;
  let running = crc;
  for (;;) {
    const header = await window.at(offset, 8);
    if (header === undefined) return { offset, crc: running ?? 0, state: "clean" };
    if (isZero(header)) {
      const rest = await window.at(offset, sectorBytes - (offset % sectorBytes));
      if (rest === undefined || isZero(rest)) return { offset, crc: running ?? 0, state: "clean" };
      return { offset, crc: running ?? 0, state: "damaged", problem: "the head of a record is gone" };
    }
    const frame = await readFrame(window, offset, header);
    const checked = frame.bytes === undefined ? frame.problem : check(frame.bytes, running);
    if (typeof checked !== "string") {
      running = checked.record.type === recordTypes.crc ? checked.record.crc : checked.crc;
      visit(checked.record);
      offset = frame.end;
      continue;
    }
    const torn =
      frame.plausible &&
      (frame.bytes === undefined || hasZeroSector((await window.at(offset, frame.end - offset))!, offset)) &&
      !(await recordsWithin(window, offset + 8, frame.end));
    return { offset, crc: running ?? 0, state: torn ? "torn" : "damaged", problem: checked };
  }
}

interface Frame {
  /** The record without its padding; undefined if the frame cannot be one or does not fit the file. */
  readonly bytes: Uint8Array | undefined;
  readonly problem: string;
  readonly end: number;
  /** Whether some record could have this head. A head lies within a sector, so a crash leaves it whole or zero. */
  readonly plausible: boolean;
}

async function readFrame(window: Window, offset: number, header: Uint8Array): Promise<Frame> {
  const view = new DataView(header.buffer, header.byteOffset, 8);
  const top = view.getUint8(7);
  const length = view.getUint32(0, true) + (view.getUint32(4, true) & 0xff_ffff) * 0x1_0000_0000;
  const padding = (8 - (length % 8)) % 8;
  const end = offset + 8 + length + padding;
  if (top !== (padding === 0 ? 0 : 0x80 | padding) || length > frameLimitBytes) {
    return { bytes: undefined, problem: "the length of a record makes no sense", end, plausible: false };
  }
  const whole = await window.at(offset + 8, length + padding);
  const problem = `a record of ${length} bytes does not fit the file`;
  return { bytes: whole?.subarray(0, length), problem, end, plausible: true };
}

/** The record and the checksum up to and with it, or what is wrong. */
function check(bytes: Uint8Array, crc: number | undefined): { record: walpb.Record; crc: number } | string {
  let record: walpb.Record;
  try {
    record = walpb.Record.decode(bytes);
  } catch (error) {
    if (error instanceof WireError) return "a record is not well formed";
    throw error;
  }
  if (record.type === recordTypes.crc) {
    if (crc !== undefined && record.crc !== crc) return "the checksum does not continue that of the segment before";
    return { record, crc: record.crc };
  }
  if (crc === undefined) return "the segment does not begin with a checksum";
  const expected = record.data.length === 0 ? crc : crc32c(record.data, crc);
  return record.crc === expected ? { record, crc: expected } : "the checksum of a record does not match its bytes";
}

/**
 * Whether two frames that fit together begin in what claims to be one: then its length was damaged, rather than its write cut
 * off. Two, because the rolling checksum of one record can only be tried with that of the one before.
 */
async function recordsWithin(window: Window, from: number, to: number): Promise<boolean> {
  for (let offset = from; offset < to; offset += 8) {
    const header = await window.at(offset, 8);
    if (header === undefined) return false;
    if (isZero(header)) continue;
    const first = await readFrame(window, offset, header);
    if (first.bytes === undefined || first.bytes.length === 0) continue;
    const next = await window.at(first.end, 8);
    if (next === undefined || isZero(next)) continue;
    const second = await readFrame(window, first.end, next);
    if (second.bytes === undefined || second.bytes.length === 0) continue;
    const crc = tryDecode(first.bytes)?.crc;
    if (crc !== undefined && typeof check(second.bytes, crc) !== "string") return true;
  }
  return false;
}

function tryDecode(bytes: Uint8Array): walpb.Record | undefined {
  try {
    return walpb.Record.decode(bytes);
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

/** Whether all of the frame that lies in some one sector is zero. */
function hasZeroSector(frame: Uint8Array, offset: number): boolean {
  for (let at = 0; at < frame.length; ) {
    const until = Math.min(frame.length, at + sectorBytes - ((offset + at) % sectorBytes));
    if (isZero(frame.subarray(at, until))) return true;
    at = until;
  }
  return false;
}

function isZero(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte !== 0) return false;
  return true;
}

/** Reads a file front to back in chunks. What it gave out stays valid: it never writes into a chunk again. */
class Window {
  readonly #file: File;
  readonly #size: number;
  #chunk: Uint8Array = new Uint8Array(0);
  #start = 0;

  constructor(file: File, size: number) {
    this.#file = file;
    this.#size = size;
  }

  /** Undefined if the file ends before `length` bytes. */
  async at(offset: number, length: number): Promise<Uint8Array | undefined> {
    if (offset + length > this.#size) return undefined;
    const from = offset - this.#start;
    if (from >= 0 && from + length <= this.#chunk.length) return this.#chunk.subarray(from, from + length);
    this.#chunk = await this.#file.read(offset, Math.max(length, chunkBytes));
    this.#start = offset;
    return this.#chunk.length < length ? undefined : this.#chunk.subarray(0, length);
  }
}
