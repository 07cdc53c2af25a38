// The code of RFC 7541 Appendix B. It is canonical: codes of one length are consecutive, in the order of their symbols,
// so that the lengths say it all.

import { ErrorCode } from "../constants.ts";
import { ConnectionError } from "../error.ts";

/** Bits of the code for each byte. The end of string, symbol 256, has 30. */
const lengths: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
  28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6,
  5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23,
  22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22,
  23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26,
  20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27,
  27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27,
  27, 27, 27, 26, 30,
];

const endOfString = 256;

/** A binary tree: `children[2 * node + bit]` is a node, or the complement of a symbol. */
function buildTree(): number[] {
  const children: number[] = [0, 0];
  let code = 0;
  let previous = 0;
  const order = lengths.map((_, symbol) => symbol).sort((a, b) => lengths[a]! - lengths[b]! || a - b);
  for (const symbol of order) {
    const length = lengths[symbol] as number;
    code *= 2 ** (length - previous);
    previous = length;
    let node = 0;
    for (let bit = length - 1; bit >= 0; bit--) {
      const slot = 2 * node + (Math.floor(code / 2 ** bit) & 1);
      if (bit === 0) children[slot] = ~symbol;
      else {
        if (children[slot] === 0) children[slot] = children.push(0, 0) / 2 - 1;
        node = children[slot] as number;
      }
    }
    code++;
  }
  return children;
}

/** One step of the decoder takes four bits: `steps[16 * node + bits]` holds the next node, a byte to put out (if bit 16 is
 * set, in bits 8 to 15), or `failed`. */
const emits = 1 << 16;
const failed = -1;
const steps = buildSteps(buildTree());
/** Nodes at which a string may end: those reached by up to seven one-bits, the beginning of the end-of-string code. */
const ends = buildEnds(buildTree());

function buildSteps(children: readonly number[]): Int32Array {
  const table = new Int32Array((children.length / 2) * 16);
  for (let start = 0; start < children.length / 2; start++) {
    for (let bits = 0; bits < 16; bits++) {
      let node = start;
      let output = 0;
      for (let bit = 3; bit >= 0; bit--) {
        const child = children[2 * node + ((bits >> bit) & 1)] as number;
        if (child === ~endOfString) output = failed;
        if (output === failed) break;
        if (child < 0) output = emits | (~child << 8);
        node = Math.max(child, 0); // after a symbol, the root again
      }
      table[16 * start + bits] = output === failed ? failed : output | node;
    }
  }
  return table;
}

function buildEnds(children: readonly number[]): Uint8Array {
  const table = new Uint8Array(children.length / 2);
  for (let node = 0, ones = 0; ones <= 7; ones++) {
    table[node] = 1;
    node = children[2 * node + 1] as number;
  }
  return table;
}

/** The text of the Huffman-coded `bytes[start..end)`. */
export function decodeHuffman(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  let node = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    for (let shift = 4; shift >= 0; shift -= 4) {
      const step = steps[16 * node + ((byte >> shift) & 15)] as number;
      if (step === failed) throw invalid("the end of string is inside a string");
      if (step >= emits) text += String.fromCharCode((step >> 8) & 0xff);
      node = step & 0xff;
    }
  }
  if (ends[node] !== 1) throw invalid("a string ends in the middle of a symbol");
  return text;
}

function invalid(what: string): ConnectionError {
  return new ConnectionError(ErrorCode.COMPRESSION_ERROR, `Huffman code: ${what}`);
}
