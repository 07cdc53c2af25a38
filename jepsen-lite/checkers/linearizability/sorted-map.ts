/** What a `SortedMap` holds: a key, and 32 bits that tell equal entries from others. */
export interface Entry {
  readonly key: string;
  readonly hash: number;
}

interface Node<E extends Entry> {
  readonly entry: E;
  readonly priority: number;
  readonly left: Node<E> | undefined;
  readonly right: Node<E> | undefined;
}

/**
 * A map that changes by making another, which shares with it all but a path: the states of a search are many and differ little. A treap whose priorities are
 * hashes of the keys, so that equal contents make equal trees.
 */
export class SortedMap<E extends Entry> {
  static readonly empty: SortedMap<never> = new SortedMap<never>(undefined, 0, 0);

  readonly #root: Node<E> | undefined;
  readonly size: number;
  /** Sum of the entries' hashes. */
  readonly hash: number;

  private constructor(root: Node<E> | undefined, size: number, hash: number) {
    this.#root = root;
    this.size = size;
    this.hash = hash;
  }

  get(key: string): E | undefined {
    let node = this.#root;
    while (node !== undefined && node.entry.key !== key) node = key < node.entry.key ? node.left : node.right;
    return node?.entry;
  }

  set(entry: E): SortedMap<E> {
    const old = this.get(entry.key);
    const root = insert(this.#root, entry, hashText(entry.key));
    return new SortedMap(
      root,
      this.size + (old === undefined ? 1 : 0),
      (this.hash + entry.hash - (old?.hash ?? 0)) | 0,
    );
  }

  delete(key: string): SortedMap<E> {
    const old = this.get(key);
    if (old === undefined) return this;
    return new SortedMap(remove(this.#root, key), this.size - 1, (this.hash - old.hash) | 0);
  }

  /** In order of the keys, from `from` on. */
  *from(from: string): Generator<E> {
    yield* walk(this.#root, from);
  }

  equals(other: SortedMap<E>, same: (a: E, b: E) => boolean): boolean {
    if (this.size !== other.size || this.hash !== other.hash) return false;
    return sameNodes(this.#root, other.#root, same);
  }
}

/** FNV-1a. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}

function insert<E extends Entry>(node: Node<E> | undefined, entry: E, priority: number): Node<E> {
  if (node === undefined) return { entry, priority, left: undefined, right: undefined };
  if (entry.key === node.entry.key) return { ...node, entry };
  if (entry.key < node.entry.key) {
    const left = insert(node.left, entry, priority);
    if (!above(left, node)) return { ...node, left };
    return { ...left, right: { ...node, left: left.right } };
  }
  const right = insert(node.right, entry, priority);
  if (!above(right, node)) return { ...node, right };
  return { ...right, left: { ...node, right: right.left } };
}

function remove<E extends Entry>(node: Node<E> | undefined, key: string): Node<E> | undefined {
  if (node === undefined) return undefined;
  if (key < node.entry.key) return { ...node, left: remove(node.left, key) };
  if (key > node.entry.key) return { ...node, right: remove(node.right, key) };
  return merge(node.left, node.right);
}

function merge<E extends Entry>(left: Node<E> | undefined, right: Node<E> | undefined): Node<E> | undefined {
  if (left === undefined) return right;
  if (right === undefined) return left;
  if (above(left, right)) return { ...left, right: merge(left.right, right) };
  return { ...right, left: merge(left, right.left) };
}

function above<E extends Entry>(a: Node<E>, b: Node<E>): boolean {
  return a.priority === b.priority ? a.entry.key < b.entry.key : a.priority < b.priority;
}

function* walk<E extends Entry>(node: Node<E> | undefined, from: string): Generator<E> {
  if (node === undefined) return;
  if (node.entry.key >= from) {
    yield* walk(node.left, from);
    yield node.entry;
  }
  yield* walk(node.right, from);
}

function sameNodes<E extends Entry>(
  a: Node<E> | undefined,
  b: Node<E> | undefined,
  same: (a: E, b: E) => boolean,
): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  return same(a.entry, b.entry) && sameNodes(a.left, b.left, same) && sameNodes(a.right, b.right, same);
}
