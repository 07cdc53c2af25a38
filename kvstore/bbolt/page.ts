import {
  bucketFlag,
  elementBytes,
  pageFlags,
  pageHeadBytes,
  readSmallUint64,
  viewOf,
  writePageHead,
  writeUint64,
} from "./format.ts";
import { invalid } from "./invalid.ts";

export interface Entry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** What a leaf page has under a key: a value, or a bucket. */
export interface LeafEntry extends Entry {
  readonly isBucket?: boolean;
}

/** A page below, and the least key in it. */
export interface Child {
  readonly key: Uint8Array;
  readonly page: number;
}

/** A branch or leaf page with its overflow. What is taken out of it are views of its bytes. */
export class TreePage {
  readonly id: number;
  readonly isLeaf: boolean;
  /** How many elements. */
  readonly count: number;
  /** How many pages it takes beyond the first. */
  readonly overflow: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  /** Throws if `bytes` are no such page. `id` is where they were found; that of a leaf inside a bucket's value is 0. */
  constructor(bytes: Uint8Array, id: number) {
    if (bytes.length < pageHeadBytes) throw invalid(`page ${id}: ends in its head`);
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
    this.id = readSmallUint64(this.#view, 0);
    if (this.id !== id) throw invalid(`page ${id}: calls itself ${this.id}`);
    const flags = this.#view.getUint16(8, true);
    if (flags !== pageFlags.branch && flags !== pageFlags.leaf)
      throw invalid(`page ${id}: has unexpected type/flags: ${flags.toString(16)}`);
    this.isLeaf = flags === pageFlags.leaf;
    this.count = this.#view.getUint16(10, true);
    this.overflow = this.#view.getUint32(12, true);
    if (pageHeadBytes + this.count * elementBytes > bytes.length)
      throw invalid(`page ${id}: has more elements than room`);
  }

  key(index: number): Uint8Array {
    const at = this.#element(index);
    return this.isLeaf
      ? this.#part(at, this.#view.getUint32(at + 4, true), this.#view.getUint32(at + 8, true))
      : this.#part(at, this.#view.getUint32(at, true), this.#view.getUint32(at + 4, true));
  }

  /** Of a branch page. */
  child(index: number): number {
    return readSmallUint64(this.#view, this.#element(index) + 8);
  }

  /** Of a leaf page. */
  entry(index: number): LeafEntry {
    const at = this.#element(index);
    const view = this.#view;
    const position = view.getUint32(at + 4, true);
    const keyBytes = view.getUint32(at + 8, true);
    return {
      key: this.#part(at, position, keyBytes),
      value: this.#part(at, position + keyBytes, view.getUint32(at + 12, true)),
      isBucket: (view.getUint32(at, true) & bucketFlag) !== 0,
    };
  }

  #element(index: number): number {
    return pageHeadBytes + index * elementBytes;
  }

  #part(element: number, position: number, length: number): Uint8Array {
    const start = element + position;
    if (start + length > this.#bytes.length) throw invalid(`page ${this.id}: an element points outside`);
    return this.#bytes.subarray(start, start + length);
  }
}

/** How many bytes the elements take with the head. */
export function leafBytes(entries: readonly LeafEntry[]): number {
  return entries.reduce((sum, entry) => sum + leafEntryBytes(entry), pageHeadBytes);
}

export function leafEntryBytes({ key, value }: Entry): number {
  return elementBytes + key.length + value.length;
}

export function childBytes({ key }: Child): number {
  return elementBytes + key.length;
}

/** Writes a leaf page into `bytes`, which are zero and as long as it needs, whole pages or, for an inline bucket, exactly. */
export function encodeLeaf(bytes: Uint8Array, id: number, overflow: number, entries: readonly LeafEntry[]): void {
  const view = viewOf(bytes);
  writePageHead(view, id, pageFlags.leaf, entries.length, overflow);
  let element = pageHeadBytes;
  let at = pageHeadBytes + entries.length * elementBytes;
  for (const { key, value, isBucket } of entries) {
    view.setUint32(element, isBucket === true ? bucketFlag : 0, true);
    view.setUint32(element + 4, at - element, true);
    view.setUint32(element + 8, key.length, true);
    view.setUint32(element + 12, value.length, true);
    bytes.set(key, at);
    bytes.set(value, at + key.length);
    element += elementBytes;
    at += key.length + value.length;
  }
}

export function encodeBranch(bytes: Uint8Array, id: number, overflow: number, children: readonly Child[]): void {
  const view = viewOf(bytes);
  writePageHead(view, id, pageFlags.branch, children.length, overflow);
  let element = pageHeadBytes;
  let at = pageHeadBytes + children.length * elementBytes;
  for (const { key, page } of children) {
    view.setUint32(element, at - element, true);
    view.setUint32(element + 4, key.length, true);
    writeUint64(view, element + 8, page);
    bytes.set(key, at);
    element += elementBytes;
    at += key.length;
  }
}
