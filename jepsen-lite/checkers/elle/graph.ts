/** Why one transaction must come before another. Powers of two: a search goes along a set of them. */
export const dependency = {
  /** It installed the version before. */
  ww: 1,
  /** The other read what it wrote. */
  wr: 2,
  /** It read the version that the other replaced: anti-dependency. */
  rw: 4,
  /** Same process, earlier. */
  process: 8,
  /** It returned before the other was invoked. */
  realtime: 16,
  /** From an auxiliary node: whatever led there leads on. */
  link: 32,
} as const;

export type Kind = (typeof dependency)[keyof typeof dependency];

/**
 * A graph of transactions, 0 … n - 1, and auxiliary nodes after them, which stand for "everything that …": with one, every transaction of a set precedes every
 * one of another at the cost of the sum of both, not of the product.
 */
export class DependencyGraph {
  readonly transactions: number;
  #nodes: number;
  #edges = 0;
  #from = new Int32Array(1024);
  #to = new Int32Array(1024);
  #kind = new Uint8Array(1024);
  #note = new Int32Array(1024);

  constructor(transactions: number) {
    this.transactions = transactions;
    this.#nodes = transactions;
  }

  get nodes(): number {
    return this.#nodes;
  }

  get edges(): number {
    return this.#edges;
  }

  addAuxiliary(): number {
    return this.#nodes++;
  }

  /** `note` says what about, to whoever explains. A transaction does not depend on itself. */
  add(from: number, to: number, kind: Kind, note = -1): void {
    if (from === to) return;
    if (this.#edges === this.#from.length) this.#grow();
    const at = this.#edges++;
    this.#from[at] = from;
    this.#to[at] = to;
    this.#kind[at] = kind;
    this.#note[at] = note;
  }

  /** The same edges, sorted by where they begin. */
  compact(): Adjacency {
    const starts = new Int32Array(this.#nodes + 1);
    for (let i = 0; i < this.#edges; i++) {
      const from = this.#from[i] as number;
      starts[from + 1] = (starts[from + 1] as number) + 1;
    }
    for (let node = 0; node < this.#nodes; node++)
      starts[node + 1] = (starts[node + 1] as number) + (starts[node] as number);
    const fill = starts.slice(0, this.#nodes);
    const to = new Int32Array(this.#edges);
    const kind = new Uint8Array(this.#edges);
    const note = new Int32Array(this.#edges);
    for (let i = 0; i < this.#edges; i++) {
      const from = this.#from[i] as number;
      const at = fill[from] as number;
      fill[from] = at + 1;
      to[at] = this.#to[i] as number;
      kind[at] = this.#kind[i] as number;
      note[at] = this.#note[i] as number;
    }
    return { nodes: this.#nodes, transactions: this.transactions, starts, to, kind, note };
  }

  #grow(): void {
    const size = this.#from.length * 2;
    this.#from = grown(this.#from, new Int32Array(size));
    this.#to = grown(this.#to, new Int32Array(size));
    this.#kind = grown(this.#kind, new Uint8Array(size));
    this.#note = grown(this.#note, new Int32Array(size));
  }
}

/** Edges of node `n` are those from `starts[n]` up to, without, `starts[n + 1]`. */
export interface Adjacency {
  readonly nodes: number;
  readonly transactions: number;
  readonly starts: Int32Array;
  readonly to: Int32Array;
  readonly kind: Uint8Array;
  readonly note: Int32Array;
}

function grown<T extends Int32Array | Uint8Array>(old: T, bigger: T): T {
  bigger.set(old);
  return bigger;
}
