import { ConfChangeTransition, type ConfChangeV2, type Entry, noBytes } from "../types.ts";

/** What entries carry in a simulation: a number of their own, or the number of a change of membership. */
export class Payloads {
  readonly #changes = new Map<number, ConfChangeV2>();
  #last = 0;

  next(): Uint8Array {
    return encode(++this.#last);
  }

  change(change: ConfChangeV2): Uint8Array {
    this.#changes.set(++this.#last, change);
    return encode(this.#last);
  }

  changeOf(entry: Entry): ConfChangeV2 {
    return this.#changes.get(numberOf(entry)) ?? leaveJoint;
  }
}

export const leaveJoint: ConfChangeV2 = {
  transition: ConfChangeTransition.ConfChangeTransitionAuto,
  changes: [],
  context: noBytes,
};

/** 0 for an entry without data. */
export function numberOf(entry: Entry): number {
  const { data } = entry;
  return data.length === 0 ? 0 : new DataView(data.buffer, data.byteOffset).getUint32(0);
}

/** Of different lengths, so that bounds in bytes cut at different places. */
function encode(number: number): Uint8Array {
  const data = new Uint8Array(4 + (number % 5) * 8);
  new DataView(data.buffer).setUint32(0, number);
  return data;
}
