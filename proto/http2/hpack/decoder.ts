import { ErrorCode } from "../constants.ts";
import { ConnectionError } from "../error.ts";
import { HeaderBlock } from "./block.ts";
import { DynamicTable } from "./dynamic-table.ts";
import { type Header, headerSize, receivedHeader } from "./header.ts";
import { decodeHuffman } from "./huffman.ts";
import { staticCount, staticTable } from "./static-table.ts";

/** Blocks this short that change no table are remembered: the same few come again and again. */
const memoBytes = 128;
const memoCount = 4;

interface Memo {
  readonly bytes: Uint8Array;
  readonly version: number;
  readonly block: HeaderBlock;
}

/** Decodes the header blocks of one direction of a connection, in order (RFC 7541). After an error, which is always a
 * ConnectionError, the tables of the two sides differ, and the connection has to end. */
export class HpackDecoder {
  readonly #table: DynamicTable;
  readonly #maxTableBytes: number;
  /** A list larger than this, by the measure of §10.5.1, comes back as undefined. */
  readonly #maxListBytes: number;
  readonly #memos: Memo[] = [];
  #nextMemo = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #end = 0;

  constructor(options: { readonly maxTableBytes: number; readonly maxListBytes: number }) {
    this.#table = new DynamicTable(options.maxTableBytes);
    this.#maxTableBytes = options.maxTableBytes;
    this.#maxListBytes = options.maxListBytes;
  }

  /** The block in `bytes[start..end)`, or undefined if it is too large. */
  decode(bytes: Uint8Array, start: number, end: number): HeaderBlock | undefined {
    const remembered = this.#recall(bytes, start, end);
    if (remembered !== undefined) return remembered;
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    const version = this.#table.version;
    const headers: Header[] = [];
    let listBytes = 0;
    while (this.#at < end) {
      const header = this.#field(headers.length === 0);
      if (header === undefined) continue;
      listBytes += headerSize(header.name, header.value);
      if (listBytes <= this.#maxListBytes) headers.push(header);
    }
    if (listBytes > this.#maxListBytes) return undefined;
    const block = new HeaderBlock(headers);
    if (version === this.#table.version && end - start <= memoBytes) {
      this.#memos[this.#nextMemo++ % memoCount] = { bytes: bytes.slice(start, end), version, block };
    }
    return block;
  }

  #recall(bytes: Uint8Array, start: number, end: number): HeaderBlock | undefined {
    for (const memo of this.#memos) {
      if (memo.version !== this.#table.version || memo.bytes.length !== end - start) continue;
      let i = 0;
      while (i < memo.bytes.length && memo.bytes[i] === bytes[start + i]) i++;
      if (i === memo.bytes.length) return memo.block;
    }
    return undefined;
  }

  /** One field (§6), or undefined for a change of the table's size. */
  #field(first: boolean): Header | undefined {
    const byte = this.#bytes[this.#at] as number;
    if (byte >= 0x80) return this.#lookup(this.#integer(7));
    if (byte >= 0x40) {
      const header = this.#literal(6);
      this.#table.insert(header);
      return header;
    }
    if (byte < 0x20) return this.#literal(4);
    const capacity = this.#integer(5);
    if (!first) throw invalid("the table's size changes in the middle of a block");
    if (capacity > this.#maxTableBytes) throw invalid("the table is to be larger than allowed");
    this.#table.resize(capacity);
    return undefined;
  }

  #literal(prefixBits: number): Header {
    const index = this.#integer(prefixBits);
    const name = index === 0 ? this.#string() : this.#lookup(index).name;
    return receivedHeader(name, this.#string());
  }

  #lookup(index: number): Header {
    const header = index <= staticCount ? staticTable[index - 1] : this.#table.at(index - staticCount - 1);
    if (header === undefined) throw invalid(`nothing has the index ${index}`);
    return header;
  }

  /** §5.1. None that is meaningful here has more than 28 bits. */
  #integer(prefixBits: number): number {
    const mask = (1 << prefixBits) - 1;
    let value = (this.#bytes[this.#at++] as number) & mask;
    if (value < mask) return value;
    for (let shift = 0; shift <= 21; shift += 7) {
      if (this.#at >= this.#end) throw invalid("an integer does not end");
      const byte = this.#bytes[this.#at++] as number;
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw invalid("an integer is too large");
  }

  #string(): string {
    if (this.#at >= this.#end) throw invalid("a string is missing");
    const huffman = (this.#bytes[this.#at] as number) >= 0x80;
    const length = this.#integer(7);
    const start = this.#at;
    if (length > this.#end - start) throw invalid("a string does not end");
    this.#at += length;
    return huffman ? decodeHuffman(this.#bytes, start, this.#at) : latin1(this.#bytes, start, this.#at);
  }
}

/** Most strings here are short: a loop beats any call that takes a range. */
function latin1(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at] as number);
  return text;
}

function invalid(what: string): ConnectionError {
  return new ConnectionError(ErrorCode.COMPRESSION_ERROR, `HPACK: ${what}`);
}
