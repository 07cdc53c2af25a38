import type { Random } from "../../base/mod.ts";
import type { Json } from "../history/mod.ts";
import type { Cluster, Preparation } from "./cluster.ts";
import type { Faults } from "./faults.ts";
import type { Scene } from "./network/shapes.ts";
import type { Observer } from "./observer.ts";
import type { Store } from "./store.ts";

/** What a nemesis has to work with. */
export interface NemesisContext {
  readonly cluster: Cluster;
  readonly faults: Faults;
  readonly observer: Observer;
  readonly random: Random;
  /** How long its fault will last: what takes turns within it knows how fast. */
  readonly holdMs: number;
  /** False where the workload compacts by itself, and has to have all compactions in its history. */
  readonly mayCompact: boolean;
  /** Members and the leader, as they are now. */
  scene(): Scene;
}

/** A fault that was made, and lasts until it is healed. */
export interface Applied {
  /** Whom it struck and how; what the report shows. */
  readonly value: { readonly [name: string]: Json };
  heal(): Promise<Healed>;
}

export interface Healed {
  /** Counted: processes killed, pieces of traffic held up, bytes changed. 0: the fault was made and nobody felt it. */
  readonly effect: number;
  /** What else there is to say. */
  readonly value?: { readonly [name: string]: Json };
}

/** What there is before there is a cluster. */
export interface ProbeContext {
  readonly store: Store | undefined;
  /** Started here; or else by somebody, with or without known processes. */
  readonly owned: boolean;
  readonly pids: boolean;
  readonly members: number;
  /** For trying things out. */
  readonly directory: string;
}

/** Who breaks something, and mends it. */
export interface Nemesis {
  readonly name: string;
  /** In half a sentence. */
  readonly summary: string;
  readonly prepare?: readonly Preparation[];
  /** Why it cannot work here; undefined if it can. Tries it out, where that is the only way to know. */
  probe(context: ProbeContext): Promise<string | undefined>;
  /** Undefined: there is nothing to break at the moment. */
  apply(context: NemesisContext): Promise<Applied | undefined>;
  /** What processes may write on account of it. */
  readonly expectedOutput?: readonly RegExp[];
}

const notOurs = "the members were not started here, and nobody would start them again";

/** For who ends processes or touches files. */
export async function needsOwned({ owned }: ProbeContext): Promise<string | undefined> {
  return owned ? undefined : notOurs;
}
