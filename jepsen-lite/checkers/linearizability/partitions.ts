import type { SearchResult, Stuck } from "./search.ts";

/** A part of a history that is linearizable or not by itself: a key, with its own object. */
export interface Partition<Op> {
  readonly name: string;
  search(): Stepwise<Op>;
}

/** A search for an order of operations that can be left and taken up again. */
export interface Stepwise<Op> {
  /** Steps taken so far: what a budget is counted in. */
  readonly spent: number;
  /** Bytes of memory that grow with the search. */
  readonly sizeBytes: number;
  /** Goes on for about so many steps. */
  run(steps: number): SearchResult<Op>;
}

export interface Budget {
  /** Steps over all partitions; a million take about a tenth of a second. */
  readonly steps?: number;
  /** Of the searches' memories together. */
  readonly sizeBytes?: number;
}

export type PartitionsResult<Op> =
  | { readonly kind: "legal"; readonly steps: number }
  | { readonly kind: "illegal"; readonly steps: number; readonly name: string; readonly stuck: Stuck<Op> }
  | { readonly kind: "unknown"; readonly steps: number; readonly undecided: readonly string[]; readonly why: string };

export const defaultSteps = 200_000_000;
const defaultSizeBytes = 1 << 30;
const firstRound = 20_000;
/** A search's memory is looked at between rounds. */
const longestRound = 4_000_000;

/**
 * Linearizability is local: the whole is linearizable exactly when each object is (Herlihy and Wing 1990, theorem 1). All get a little time, then twice as much
 * and so on: an illegal part that is seen at once is not found behind a hard one that never ends. The first that is illegal ends it.
 */
export function checkPartitions<Op>(
  partitions: Iterable<Partition<Op>>,
  { steps = defaultSteps, sizeBytes = defaultSizeBytes }: Budget = {},
): PartitionsResult<Op> {
  let open: { readonly name: string; readonly search: Stepwise<Op> }[] = [];
  let spent = 0;
  let round = firstRound;
  // The first round builds each search when it is its turn: most are done in it, and their memory is not needed twice.
  const begin = function* () {
    for (const { name, search } of partitions) yield { name, search: search() };
  };
  for (let turn: Iterable<(typeof open)[number]> = begin(); ; turn = open) {
    const still: typeof open = [];
    let held = 0;
    for (const part of turn) {
      const before = part.search.spent;
      const result = part.search.run(round);
      spent += part.search.spent - before;
      if (result.kind === "illegal") return { kind: "illegal", steps: spent, name: part.name, stuck: result.stuck };
      if (result.kind === "running") {
        still.push(part);
        held += part.search.sizeBytes;
      }
      const over = spent > steps ? `${steps} steps` : held > sizeBytes ? `${sizeBytes} bytes of memory` : undefined;
      if (over !== undefined && (still.length > 0 || turn !== open))
        return {
          kind: "unknown",
          steps: spent,
          undecided: still.map(({ name }) => name),
          why: `it took more than ${over}`,
        };
    }
    open = still;
    if (open.length === 0) return { kind: "legal", steps: spent };
    round = Math.min(round * 2, longestRound);
  }
}
