import { registers, type Verdict } from "../checkers/mod.ts";
import type { History } from "../history/mod.ts";
import { Violation } from "./hold.ts";
import type { Parameters, WorkloadName } from "./parameters.ts";

/** Who judges what. */
const checkers: Readonly<Record<WorkloadName, (history: History) => Verdict>> = {
  register: (history) => registers(history, { steps: 5_000_000 }),
};

/** Throws a `Violation` if what the clients saw cannot have been. Not being able to tell is one too. */
export function judge({ workload }: Pick<Parameters, "workload">, history: History): void {
  if (!history.some(({ type }) => type === "ok")) return;
  const verdict = checkers[workload](history);
  if (verdict.valid === true) return;
  const anomalies = verdict.anomalies.slice(0, 3).map(({ explanation }) => explanation);
  throw new Violation(verdict.checker, [verdict.summary, ...anomalies].join("\n"));
}
