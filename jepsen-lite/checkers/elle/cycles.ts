import { components } from "./components.ts";
import { type Adjacency, type DependencyGraph, dependency, type Kind } from "./graph.ts";

/** A step of a cycle between two transactions. */
export interface Step {
  readonly from: number;
  readonly to: number;
  readonly kind: Kind;
  readonly note: number;
}

export interface Cycle {
  /** For example `G-single-realtime`: the worst name that fits, with the weakest kinds of order that it needs. */
  readonly name: string;
  readonly steps: readonly Step[];
}

const { ww, wr, rw, process, realtime, link } = dependency;
const orders = [
  { suffix: "", extra: 0 },
  { suffix: "-process", extra: process },
  { suffix: "-realtime", extra: process | realtime },
] as const;

/** Edges that are looked along, per component and shape, before a longer witness has to do. */
const lookLimit = 5_000_000;

/**
 * Cycles of dependencies, a short one from each strongly connected component, by the names of Adya, Liskov and O'Neil (Generalized isolation level definitions,
 * 2000) as Elle uses them (Kingsbury and Alvaro 2020):
 *
 * - `G0`: writes only. `G1c`: writes and reads. `G-single`: one anti-dependency. `G-nonadjacent`: several, no two in a row. `G2-item`: any.
 * - with `-process` or `-realtime` when the cycle needs that order too.
 *
 * @param forbidden which names count; a component in which only others are found is let pass.
 */
export function findCycles(graph: DependencyGraph, forbidden: (name: string) => boolean, limit = 10): Cycle[] {
  const adjacency = graph.compact();
  const { of, members } = components(adjacency, ~0);
  const cycles: Cycle[] = [];
  for (let i = 0; i < members.length && cycles.length < limit; i++) {
    const cycle = worstCycle(new Component(adjacency, of, i + 1, members[i] as readonly number[]), forbidden);
    if (cycle !== undefined) cycles.push(cycle);
  }
  return cycles;
}

function worstCycle(component: Component, forbidden: (name: string) => boolean): Cycle | undefined {
  for (const { suffix, extra } of orders) {
    const shapes = [
      { name: "G0", first: ww, rest: ww, adjacent: true },
      { name: "G1c", first: wr, rest: ww | wr, adjacent: true },
      { name: "G-single", first: rw, rest: ww | wr, adjacent: true },
      { name: "G-nonadjacent", first: rw, rest: ww | wr | rw, adjacent: false },
      { name: "G2-item", first: rw, rest: ww | wr | rw, adjacent: true },
    ];
    for (const { name, first, rest, adjacent } of shapes) {
      if (!forbidden(name + suffix)) continue;
      const steps = component.cycle(first, rest | extra, adjacent);
      if (steps !== undefined) return { name: name + suffix, steps };
    }
  }
  return undefined;
}

class Component {
  readonly #graph: Adjacency;
  readonly #of: Int32Array;
  readonly #id: number;
  readonly #members: readonly number[];

  constructor(graph: Adjacency, of: Int32Array, id: number, members: readonly number[]) {
    this.#graph = graph;
    this.#of = of;
    this.#id = id;
    this.#members = members;
  }

  /** A short cycle of one edge `first` and a way back along `rest`; unless `adjacent`, no two anti-dependencies follow each other in it. */
  cycle(first: Kind, rest: number, adjacent: boolean): readonly Step[] | undefined {
    const { starts, kind, to } = this.#graph;
    let best: readonly Step[] | undefined;
    let looked = 0;
    for (const node of this.#members) {
      for (let at = starts[node] as number; at < (starts[node + 1] as number); at++) {
        if (kind[at] !== first || this.#of[to[at] as number] !== this.#id) continue;
        const found = this.#wayBack(at, node, rest, adjacent, best === undefined ? Infinity : best.length);
        looked += found.looked;
        if (found.steps !== undefined) best = found.steps;
        if (best !== undefined && (best.length === 2 || looked > lookLimit)) return best;
      }
    }
    return best;
  }

  /** Breadth first from the end of edge `first` to its start, shorter than `below`. Nodes are doubled: whether the last dependency was an anti-dependency. */
  #wayBack(first: number, home: number, rest: number, adjacent: boolean, below: number) {
    const { starts, kind, to } = this.#graph;
    const anti = (node: number, wasRw: boolean) => 2 * node + (wasRw && !adjacent ? 1 : 0);
    const start = anti(to[first] as number, true);
    const cameBy = new Map<number, { readonly edge: number; readonly before: number }>([
      [start, { edge: first, before: -1 }],
    ]);
    let looked = 0;
    let layer = [start];
    while (layer.length > 0) {
      const nextLayer: number[] = [];
      for (const place of layer) {
        const node = place >> 1;
        const lastWasRw = (place & 1) === 1;
        for (let at = starts[node] as number; at < (starts[node + 1] as number); at++) {
          looked++;
          const edgeKind = kind[at] as number;
          const next = to[at] as number;
          if ((edgeKind & (rest | link)) === 0 || this.#of[next] !== this.#id) continue;
          const isRw = edgeKind === link ? lastWasRw : edgeKind === rw;
          if (!adjacent && edgeKind === rw && lastWasRw) continue;
          if (next === home) {
            // The cycle closes with its first edge, which is an anti-dependency itself.
            if (!adjacent && isRw) continue;
            const steps = this.#steps(home, [...trace(cameBy, place), at]);
            return { looked, steps: steps.length < below ? steps : undefined };
          }
          const there = anti(next, isRw);
          if (cameBy.has(there)) continue;
          cameBy.set(there, { edge: at, before: place });
          nextLayer.push(there);
        }
      }
      layer = nextLayer;
    }
    return { looked, steps: undefined };
  }

  /** Without the auxiliary nodes: kind by the edge that leaves a transaction, note by the one that reaches the next. */
  #steps(home: number, edges: readonly number[]): Step[] {
    const { to, kind, note, transactions } = this.#graph;
    const steps: Step[] = [];
    let from = home;
    let leaving: number | undefined;
    for (const edge of edges) {
      leaving ??= edge;
      const node = to[edge] as number;
      if (node >= transactions) continue;
      steps.push({ from, to: node, kind: kind[leaving] as Kind, note: note[edge] as number });
      from = node;
      leaving = undefined;
    }
    return steps;
  }
}

function trace(
  cameBy: ReadonlyMap<number, { readonly edge: number; readonly before: number }>,
  place: number,
): number[] {
  const edges: number[] = [];
  for (let at = place; at !== -1; ) {
    const came = cameBy.get(at);
    if (came === undefined) break;
    edges.push(came.edge);
    at = came.before;
  }
  return edges.reverse();
}
