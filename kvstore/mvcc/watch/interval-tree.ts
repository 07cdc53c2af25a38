import type { Random } from "../../../base/mod.ts";
import type { ByteString } from "../byte-string.ts";
import type { KeyRange } from "../key-range.ts";

interface Node<V extends KeyRange> {
  readonly value: V;
  /** Never above the parent's: with random priorities the tree stays balanced. */
  readonly priority: number;
  left: Node<V> | undefined;
  right: Node<V> | undefined;
  /** Latest end below and including this node; undefined is no end. */
  maxTo: ByteString | undefined;
}

/** Ranges of keys, no two the same, that tells which of them a key lies in without looking at the others: a treap
 * ordered by start, each node knowing the latest end below it. */
export class IntervalTree<V extends KeyRange> {
  readonly #random: Random;
  #root: Node<V> | undefined;

  constructor(random: Random) {
    this.#random = random;
  }

  insert(value: V): void {
    const priority = this.#random.below(2 ** 31);
    this.#root = insert(this.#root, { value, priority, left: undefined, right: undefined, maxTo: value.to });
  }

  delete(value: V): void {
    this.#root = remove(this.#root, value);
  }

  /** Shows the ranges that `key` lies in, in order of their starts. */
  stab(key: ByteString, visit: (value: V) => void): void {
    stab(this.#root, key, visit);
  }
}

function stab<V extends KeyRange>(node: Node<V> | undefined, key: ByteString, visit: (value: V) => void): void {
  if (node === undefined || (node.maxTo !== undefined && node.maxTo <= key)) return;
  stab(node.left, key, visit);
  const { from, to } = node.value;
  if (from > key) return;
  if (to === undefined || key < to) visit(node.value);
  stab(node.right, key, visit);
}

function insert<V extends KeyRange>(node: Node<V> | undefined, added: Node<V>): Node<V> {
  if (node === undefined) return added;
  if (compareRanges(added.value, node.value) < 0) {
    node.left = insert(node.left, added);
    if (node.left.priority > node.priority) return rotateRight(node, node.left);
  } else {
    node.right = insert(node.right, added);
    if (node.right.priority > node.priority) return rotateLeft(node, node.right);
  }
  return refresh(node);
}

function remove<V extends KeyRange>(node: Node<V> | undefined, value: V): Node<V> | undefined {
  if (node === undefined) return undefined;
  const order = compareRanges(value, node.value);
  if (order === 0) return merge(node.left, node.right);
  if (order < 0) node.left = remove(node.left, value);
  else node.right = remove(node.right, value);
  return refresh(node);
}

/** Everything in `left` is before everything in `right`. */
function merge<V extends KeyRange>(left: Node<V> | undefined, right: Node<V> | undefined): Node<V> | undefined {
  if (left === undefined) return right;
  if (right === undefined) return left;
  if (left.priority > right.priority) {
    left.right = merge(left.right, right);
    return refresh(left);
  }
  right.left = merge(left, right.left);
  return refresh(right);
}

function rotateRight<V extends KeyRange>(node: Node<V>, left: Node<V>): Node<V> {
  node.left = left.right;
  left.right = refresh(node);
  return refresh(left);
}

function rotateLeft<V extends KeyRange>(node: Node<V>, right: Node<V>): Node<V> {
  node.right = right.left;
  right.left = refresh(node);
  return refresh(right);
}

function refresh<V extends KeyRange>(node: Node<V>): Node<V> {
  node.maxTo = node.value.to;
  if (node.left !== undefined) node.maxTo = later(node.maxTo, node.left.maxTo);
  if (node.right !== undefined) node.maxTo = later(node.maxTo, node.right.maxTo);
  return node;
}

function later(a: ByteString | undefined, b: ByteString | undefined): ByteString | undefined {
  if (a === undefined || b === undefined) return undefined;
  return a > b ? a : b;
}

function compareRanges(a: KeyRange, b: KeyRange): number {
  if (a.from !== b.from) return a.from < b.from ? -1 : 1;
  if (a.to === b.to) return 0;
  if (a.to === undefined) return 1;
  if (b.to === undefined) return -1;
  return a.to < b.to ? -1 : 1;
}
