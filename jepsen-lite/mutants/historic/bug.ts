import type { Forced } from "../bug.ts";
import type { Patch } from "../patch.ts";

/** What finds a bug: with the bug in it has to fail, without it has to pass. */
export type Scenario =
  /** A test of the repository, which runs with all others too. `name` is the last part of its name, and of no other's in that file. */
  | { readonly kind: "test"; readonly file: string; readonly name: string }
  /** Seeds of the simulation from 1 on, each so many virtual seconds under faults; one of the first so many has to find it. */
  | {
      readonly kind: "simulation";
      readonly seconds: number;
      readonly seeds: number;
      readonly forced: Forced;
      /** Any of these checkers and invariants has to report it; after a colon, the kind of anomaly. */
      readonly caughtBy: readonly string[];
      readonly blinded?: readonly string[];
    };

/** A bug that etcd had, put into our own code at the place that would have it. */
export interface HistoricBug {
  /** The issue or pull request in etcd-io/etcd: "#13766"; or the advisory. */
  readonly name: string;
  /** In the list of etcd's bugs that this suite has to know: 1 to 25; 0 is what Jepsen found. */
  readonly row: number;
  /** Those of etcd that had it. */
  readonly versions: string;
  readonly title: string;
  /** What etcd did, and what must hold instead. */
  readonly story: string;
  readonly patches: readonly Patch[];
  /** What the bug needs of its surroundings, and what breaks nothing by itself: there with it and without it. */
  readonly setting?: readonly Patch[];
  readonly scenario: Scenario;
}

/** A bug that nobody can put into our code: what had it is not there. */
export interface AbsentBug {
  readonly name: string;
  readonly row: number;
  readonly versions: string;
  readonly title: string;
  readonly why: string;
  /** A test that looks all the same for what it did to people. */
  readonly scenario: Extract<Scenario, { readonly kind: "test" }>;
}
