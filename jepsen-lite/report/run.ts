import type { History } from "../history/mod.ts";

/** What the report needs of a checker's verdict (`Verdict` of checkers/). */
export interface CheckerVerdict {
  readonly valid: true | false | "unknown";
  readonly checker: string;
  /** One sentence. */
  readonly summary: string;
  readonly anomalies: readonly Anomaly[];
  /** What it counted, by name; times end in their unit. */
  readonly figures?: Readonly<Record<string, number>>;
}

/** Something that should not be, and what it is seen in. */
export interface Anomaly {
  /** As the field calls it: `G-single`, `lost-update`. */
  readonly kind: string;
  /** In sentences. */
  readonly explanation: string;
  /** Indexes, in the history, of the invocations it is seen in. */
  readonly operations: readonly number[];
  /** Each before the next, and the last before the first, which cannot be. */
  readonly cycle?: readonly CycleEdge[];
}

export interface CycleEdge {
  /** Indexes of invocations. */
  readonly from: number;
  readonly to: number;
  /** ww, wr, rw, process, realtime. */
  readonly kind: string;
  /** Why the one is before the other. */
  readonly because: string;
}

/** `manifest.json`: what a run was. Nothing of it has to be there: a report is also made of a history that somebody found. */
export interface Manifest {
  /** Of this program, or a commit. */
  readonly version?: string;
  readonly seed?: string | number;
  /** Repeats the run. */
  readonly command?: string;
  readonly nodeVersion?: string;
  /** Workload, faults, members, clients, … */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** `verdict.json`: of the whole run, and of each checker. */
export interface RunVerdict {
  readonly valid: CheckerVerdict["valid"];
  readonly checkers: readonly CheckerVerdict[];
}

/** From this moment on. `leader` null: nobody leads, or nobody knows. A line of `leaders.ndjson`. */
export interface LeaderChange {
  readonly timeNs: number;
  readonly leader: string | null;
  readonly term?: number;
}

/** How far a node's clock was from the true time. A line of `clocks.ndjson`. */
export interface ClockSample {
  readonly timeNs: number;
  readonly node: string;
  readonly offsetMs: number;
}

/** One that a simulation saw. `deliveredNs` is missing of one that was lost. A line of `messages.ndjson`. */
export interface SimulatedMessage {
  readonly sentNs: number;
  readonly deliveredNs?: number;
  readonly from: string;
  readonly to: string;
  /** MsgApp, MsgVote, … */
  readonly type: string;
  readonly text?: string;
}

/** All that a report is made of. */
export interface Run {
  readonly history: History;
  readonly manifest: Manifest;
  readonly verdict: RunVerdict;
  readonly leaders?: readonly LeaderChange[];
  readonly clocks?: readonly ClockSample[];
  readonly messages?: readonly SimulatedMessage[];
}
