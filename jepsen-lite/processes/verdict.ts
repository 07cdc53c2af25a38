import {
  checker,
  errorAudit,
  hashAgreement,
  liveness,
  membershipAgreement,
  overall,
  panics,
  type Verdict,
  vacuity,
} from "../checkers/mod.ts";
import type { History } from "../history/mod.ts";
import type { WorkloadConfig, WorkloadDefinition } from "../workloads/mod.ts";
import type { UnexpectedEnd } from "./member-process.ts";

/** What a run knows besides its history. */
export interface Evidence {
  readonly clients: number;
  /** Faults that had to be made. */
  readonly faults: readonly string[];
  readonly outputs: Readonly<Record<string, string>>;
  readonly expectedOutput: readonly RegExp[];
  readonly unexpectedEnds: readonly UnexpectedEnd[];
  readonly members: number;
}

/** After everything is healed, each client is served within this. */
export const servedWithinMs = 20_000;

const processes = checker<Evidence>("processes", (_history, { unexpectedEnds, members }) => ({
  anomalies: unexpectedEnds.map(({ name, how }) => ({
    kind: "process-ended",
    explanation: `${name} ended by itself, with ${how}; its output is in ${name}.log.`,
    operations: [],
  })),
  judged: members,
  of: "processes",
}));

/** The workload's own checkers, and what is asked of every run on processes. */
export function verdictOf(
  history: History,
  workload: WorkloadDefinition,
  config: WorkloadConfig,
  evidence: Evidence,
): { readonly valid: Verdict["valid"]; readonly checkers: readonly Verdict[] } {
  const { clients, faults, outputs, expectedOutput } = evidence;
  const hasOutput = Object.keys(outputs).length > 0;
  const checkers = [
    ...workload.judge(history, config),
    ...(evidence.members > 1 ? [hashAgreement(history, {}), membershipAgreement(history, {})] : []),
    liveness(history, { clients, withinNs: servedWithinMs * 1e6 }),
    errorAudit(history, {}),
    vacuity(history, { faults, minimumOk: hardlyTried(history) }),
    ...(hasOutput ? [panics(history, { outputs, expected: expectedOutput }), processes(history, evidence)] : []),
  ];
  return { valid: overall(checkers), checkers };
}

/** What was asked for this seldom may always have been at a bad moment. */
const seldom = 10;

function hardlyTried(history: History): Record<string, number> {
  const tried = new Map<string, number>();
  for (const { process, type, f } of history)
    if (process !== "nemesis" && type === "invoke") tried.set(f, (tried.get(f) ?? 0) + 1);
  return Object.fromEntries([...tried].filter(([, count]) => count < seldom).map(([f]) => [f, 0]));
}
