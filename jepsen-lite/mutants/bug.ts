import type { FaultName, Parameters } from "../simulation/mod.ts";
import type { Patch } from "./patch.ts";

/** What of a seed's parameters a search decides itself; the seed draws the rest. */
export type Forced = Partial<Omit<Parameters, "store" | "network" | "disk" | "home" | "faults">> & {
  readonly store?: Partial<Parameters["store"]>;
  readonly network?: Partial<Parameters["network"]>;
  readonly disk?: Partial<Parameters["disk"]>;
  readonly home?: Partial<Parameters["home"]>;
  /** These and no others, with their weights. */
  readonly faults?: Readonly<Partial<Record<FaultName, number>>>;
};

/** Where a bug is looked for. */
export type Search =
  /** Seeds of the simulation, each so many virtual seconds under faults. */
  | { readonly kind: "simulation"; readonly seconds: number; readonly forced: Forced }
  /** Seeds of Raft alone, with everything that can happen to it (raft/simulation). */
  | { readonly kind: "schedules"; readonly steps: number }
  /** An experiment of its own: a module whose `trial` gives who reported what. */
  | { readonly kind: "trial"; readonly module: string };

export type Trial = (seed: number) => Promise<readonly Caught[]>;

/** Who reported, and what. */
export interface Caught {
  /** The invariant, or the checker. */
  readonly by: string;
  /** Of a checker: the kinds of anomalies. */
  readonly kinds?: readonly string[];
  readonly what: string;
}

/** A bug that somebody could have written. */
export interface SeededBug {
  readonly number: number;
  readonly title: string;
  readonly patches: readonly Patch[];
  readonly search: Search;
  /** Any of these checkers and invariants must report it; after a colon, the kind of anomaly. That others do counts for nothing. */
  readonly caughtBy: readonly string[];
  /**
   * Invariants, and assertions of the production code, that would see the bug before those that are to be put to the proof: they look away
   * while it is searched for.
   */
  readonly blinded?: readonly string[];
  /** What the bug needs of its surroundings, and what does not break anything by itself: in the runs without the bug it is there too. */
  readonly setting?: readonly Patch[];
  /** Seeds after which the search gives up. Default 500. */
  readonly budget?: number;
}

export function adjusted(drawn: Parameters, { store, network, disk, home, faults, ...rest }: Forced): Parameters {
  return {
    ...drawn,
    ...rest,
    store: { ...drawn.store, ...store },
    network: { ...drawn.network, ...network },
    disk: { ...drawn.disk, ...disk },
    home: { ...drawn.home, ...home },
    faults: faults === undefined ? drawn.faults : new Map(Object.entries(faults) as [FaultName, number][]),
  };
}

/** The patches of a bug, its setting, and those that blind what would see it too soon. Without it, for comparison, the setting alone. */
export function patchesOf({ patches, blinded = [], setting = [] }: SeededBug, isIn = true): readonly Patch[] {
  if (!isIn) return setting;
  if (blinded.length === 0) return [...patches, ...setting];
  const list = JSON.stringify(blinded);
  const blindfolds = Object.entries(judges).map(
    ([file, name]): Patch => ({
      file,
      find: "if (!condition) throw",
      replace: `if (!condition && !${list}.includes(${name})) throw`,
    }),
  );
  return [...patches, ...setting, ...blindfolds];
}

/** Where it is stated what must hold, and what that is called there. */
const judges = {
  "base/assert.ts": "invariant",
  "jepsen-lite/simulation/hold.ts": "property",
  "raft/simulation/ledger.ts": "invariant",
};

/** Not every search has a use for it. */
export function isOptional(file: string): boolean {
  return file !== "base/assert.ts" && Object.hasOwn(judges, file);
}
