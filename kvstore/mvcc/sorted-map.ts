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
  /** The branches on the way to a key, the highest first; kept for its room. */
  readonly #path: Branch<V>[] = [];

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

  /** The value of a key; if it has none, what `create` makes, with that weight. One way down, where looking first and inserting
   * then would be two. */
  getOrInsert(key: ByteString, weight: number, create: (key: ByteString) => V): V {
    const path = this.#path;
    path.length = 0;
    let node = this.#root;
    while (node.kind === "branch") {
      path.push(node);
      node = node.children[childOf(node.keys, key)] as Node<V>;
    }
    const at = lowerBound(node.keys, key);
    if (node.keys[at] === key) return node.values[at] as V;
    const value = create(key);
    insertAt(node.keys, at, key);
    insertAt(node.values, at, value);
    insertAt(node.weights, at, weight);
    node.weight += weight;
    for (const above of path) above.weight += weight;
    this.#size++;
    if (node.keys.length === fanOut) this.#split(node, at, key);
    return value;
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

  /** Makes two nodes of one that is full, and so on upwards. At `inserted` it got `key`, to which `#path` leads. */
  #split(full: Node<V>, inserted: number, key: ByteString): void {
    let node = full;
    let at = inserted;
    for (;;) {
      const right = rightPart(node, at);
      node.weight -= right.weight;
      const first = right.keys[0] as ByteString;
      const above = this.#path.pop();
      if (above === undefined) {
        this.#root = branch(["", first], [node, right]);
        return;
      }
      at = childOf(above.keys, key) + 1;
      insertAt(above.keys, at, first);
      insertAt(above.children, at, right);
      if (above.children.length < fanOut) return;
      node = above;
    }
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

function insertAt<T>(array: T[], at: number, item: T): void {
  if (at === array.length) array.push(item);
  else array.splice(at, 0, item);
}

/** Cuts off the right half; but keys that arrive in order would leave every node half empty behind them, so what was inserted last at
 * the very end goes alone. */
function rightPart<V>(node: Node<V>, inserted: number): Node<V> {
  const middle = inserted === fanOut - 1 ? inserted : fanOut / 2;
  return node.kind === "leaf"
    ? leaf(node.keys.splice(middle), node.values.splice(middle), node.weights.splice(middle))
    : branch(node.keys.splice(middle), node.children.splice(middle));
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
