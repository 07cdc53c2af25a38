import { assert } from "../../base/mod.ts";
import type { ByteString } from "./byte-string.ts";

/** Nodes split when they reach this many entries. */
const fanOut = 64;

interface Leaf<V> {
  readonly kind: "leaf";
  readonly keys: ByteString[];
  readonly values: V[];
  /** Sum of the weights below. */
  weight: number;
  readonly weights: number[];
}

interface Branch<V> {
  readonly kind: "branch";
  /** `keys[i]` <= every key below `children[i]` < `keys[i + 1]`; `keys[0]` is not looked at. */
  readonly keys: ByteString[];
  readonly children: Node<V>[];
  weight: number;
}

type Node<V> = Leaf<V> | Branch<V>;

/** A sorted map as a B+ tree that knows the weight of every subtree, so that the weight of any range of keys, here the
 * number of live ones, costs O(log n), as does everything else. A node that becomes empty goes; nodes are not merged
 * before that, which keeps deletion simple and, since keys come back, costs little room. */
export class SortedMap<V> {
  #root: Node<V> = leaf([], [], []);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get weight(): number {
    return this.#root.weight;
  }

  get(key: ByteString): V | undefined {
    let node = this.#root;
    while (node.kind === "branch") node = node.children[childOf(node.keys, key)] as Node<V>;
    const at = lowerBound(node.keys, key);
    return node.keys[at] === key ? node.values[at] : undefined;
  }

  /** The key must be new. */
  insert(key: ByteString, value: V, weight: number): void {
    const sibling = insertBelow(this.#root, key, value, weight);
    if (sibling !== undefined) this.#root = branch(["", sibling.first], [this.#root, sibling.node]);
    this.#size++;
  }

  /** The key must be there. */
  delete(key: ByteString): void {
    deleteBelow(this.#root, key);
    this.#size--;
    while (this.#root.kind === "branch" && this.#root.children.length === 1)
      this.#root = this.#root.children[0] as Node<V>;
    if (this.#root.kind === "branch" && this.#root.children.length === 0) this.#root = leaf([], [], []);
  }

  /** Changes the weight of a key that is there. */
  setWeight(key: ByteString, weight: number): void {
    setWeightBelow(this.#root, key, weight);
  }

  /** Weight of the keys in [from, to). */
  weightBetween(from: ByteString, to: ByteString | undefined): number {
    if (to !== undefined && to <= from) return 0;
    return (to === undefined ? this.#root.weight : weightBefore(this.#root, to)) - weightBefore(this.#root, from);
  }

  /** Shows the values of [from, to) in key order until `visit` returns false. The map must not change meanwhile. */
  visit(from: ByteString, to: ByteString | undefined, visit: (value: V, key: ByteString) => boolean): void {
    visitBelow(this.#root, from, to, visit);
  }
}

function leaf<V>(keys: ByteString[], values: V[], weights: number[]): Leaf<V> {
  return { kind: "leaf", keys, values, weights, weight: sum(weights) };
}

function branch<V>(keys: ByteString[], children: Node<V>[]): Branch<V> {
  let weight = 0;
  for (const child of children) weight += child.weight;
  return { kind: "branch", keys, children, weight };
}

function sum(numbers: readonly number[]): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}

/** Index of the first key that is not before `key`. */
function lowerBound(keys: readonly ByteString[], key: ByteString): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as ByteString) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Index of the child that `key` lies in or would. */
function childOf(keys: readonly ByteString[], key: ByteString): number {
  let low = 1;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as ByteString) <= key) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Returns the new right sibling when `node` had to split. */
function insertBelow<V>(
  node: Node<V>,
  key: ByteString,
  value: V,
  weight: number,
): { first: ByteString; node: Node<V> } | undefined {
  node.weight += weight;
  if (node.kind === "leaf") {
    const at = lowerBound(node.keys, key);
    assert(node.keys[at] !== key, "an inserted key is new");
    node.keys.splice(at, 0, key);
    node.values.splice(at, 0, value);
    node.weights.splice(at, 0, weight);
    if (node.keys.length < fanOut) return undefined;
    // Keys that arrive in order would leave every leaf half empty behind them.
    const middle = at === node.keys.length - 1 ? at : fanOut / 2;
    const right = leaf(node.keys.splice(middle), node.values.splice(middle), node.weights.splice(middle));
    node.weight -= right.weight;
    return { first: right.keys[0] as ByteString, node: right };
  }
  const at = childOf(node.keys, key);
  const split = insertBelow(node.children[at] as Node<V>, key, value, weight);
  if (split === undefined) return undefined;
  node.keys.splice(at + 1, 0, split.first);
  node.children.splice(at + 1, 0, split.node);
  if (node.children.length < fanOut) return undefined;
  const middle = at + 1 === node.children.length - 1 ? at + 1 : fanOut / 2;
  const right = branch(node.keys.splice(middle), node.children.splice(middle));
  node.weight -= right.weight;
  return { first: right.keys[0] as ByteString, node: right };
}

/** Returns the weight that went. */
function deleteBelow<V>(node: Node<V>, key: ByteString): number {
  let weight: number;
  if (node.kind === "leaf") {
    const at = lowerBound(node.keys, key);
    assert(node.keys[at] === key, "a deleted key is there");
    weight = node.weights[at] as number;
    node.keys.splice(at, 1);
    node.values.splice(at, 1);
    node.weights.splice(at, 1);
  } else {
    const at = childOf(node.keys, key);
    const child = node.children[at] as Node<V>;
    weight = deleteBelow(child, key);
    const { length } = child.kind === "leaf" ? child.keys : child.children;
    if (length === 0) {
      node.keys.splice(at, 1);
      node.children.splice(at, 1);
    }
  }
  node.weight -= weight;
  return weight;
}

/** Returns by how much the weight grew. */
function setWeightBelow<V>(node: Node<V>, key: ByteString, weight: number): number {
  let growth: number;
  if (node.kind === "leaf") {
    const at = lowerBound(node.keys, key);
    assert(node.keys[at] === key, "a key that changes its weight is there");
    growth = weight - (node.weights[at] as number);
    node.weights[at] = weight;
  } else growth = setWeightBelow(node.children[childOf(node.keys, key)] as Node<V>, key, weight);
  node.weight += growth;
  return growth;
}

function weightBefore<V>(root: Node<V>, key: ByteString): number {
  let weight = 0;
  let node = root;
  while (node.kind === "branch") {
    const at = childOf(node.keys, key);
    for (let i = 0; i < at; i++) weight += (node.children[i] as Node<V>).weight;
    node = node.children[at] as Node<V>;
  }
  const at = lowerBound(node.keys, key);
  for (let i = 0; i < at; i++) weight += node.weights[i] as number;
  return weight;
}

function visitBelow<V>(
  node: Node<V>,
  from: ByteString,
  to: ByteString | undefined,
  visit: (value: V, key: ByteString) => boolean,
): boolean {
  if (node.kind === "leaf") {
    for (let i = lowerBound(node.keys, from); i < node.keys.length; i++) {
      const key = node.keys[i] as ByteString;
      if (to !== undefined && key >= to) return false;
      if (!visit(node.values[i] as V, key)) return false;
    }
    return true;
  }
  for (let i = childOf(node.keys, from); i < node.children.length; i++) {
    if (!visitBelow(node.children[i] as Node<V>, from, to, visit)) return false;
  }
  return true;
}
