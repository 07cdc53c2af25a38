import {
  durability,
  leaseBounds,
  listAppend,
  reads,
  registers,
  setFull,
  type Verdict,
  watches,
} from "../checkers/mod.ts";
import type { History } from "../history/mod.ts";
import { Violation } from "./hold.ts";
import type { Parameters, WorkloadName } from "./parameters.ts";

type Judge = (history: History, parameters: Parameters) => readonly Verdict[];

const second = 1_000_000_000;

/** Who judges what. */
const judges: Readonly<Record<WorkloadName, Judge>> = {
  register: (history) => [registers(history, { steps: 5_000_000 })],
  append: (history) => [listAppend(history, {})],
  set: (history) => [setFull(history, {})],
  // A member's clock that runs fast, by as much as the nemesis makes it, ends a lease so much sooner.
  lease: (history, { faults }) => [leaseBounds(history, { earlyNs: faults.has("clock-drift") ? 3 * second : 0 })],
  store: (history) => [durability(history, {}), reads(history, {}), watches(history, {})],
};

/** Throws a `Violation` if what the clients saw cannot have been. Not being able to tell is one too. */
export function judge(parameters: Parameters, history: History): void {
  for (const verdict of judges[parameters.workload](history, parameters)) {
    // Where nothing was ever answered, there is nothing to be wrong: that it was not is judged elsewhere.
    if (verdict.valid === true || verdict.summary.includes("in this history to judge")) continue;
    const anomalies = verdict.anomalies.slice(0, 3).map(({ explanation }) => explanation);
    throw new Violation(verdict.checker, [verdict.summary, ...anomalies].join("\n"));
  }
}
