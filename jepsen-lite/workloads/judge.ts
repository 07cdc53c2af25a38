import {
  bank,
  caches,
  counter,
  durability,
  errorAudit,
  locks,
  longFork,
  multiRegisters,
  overall,
  rwRegister,
  type Verdict,
  vacuity,
  watches,
} from "../checkers/mod.ts";
import type { History } from "../history/mod.ts";
import type { WorkloadConfig, WorkloadDefinition } from "./workload.ts";
import { workloads } from "./workloads.ts";

/** Whose histories can be judged. */
export const judged: Readonly<Record<string, Pick<WorkloadDefinition, "summary" | "judge">>> = {
  ...workloads,
  "multi-register": {
    summary: "transactions of reads and writes of several keys; short histories",
    judge: (history) => [multiRegisters(history, {}), rwRegister(history, {})],
  },
  "rw-register": {
    summary: "transactions of reads and writes, each value written once",
    judge: (history) => [rwRegister(history, {})],
  },
  counter: { summary: "add to a counter and read it", judge: (history) => [counter(history, {})] },
  bank: {
    summary: "move money between accounts and read all (config: accounts, total)",
    judge: (history, { accounts, total, mayBeNegative }) => [
      bank(history, {
        accounts: Array.isArray(accounts) ? accounts.map(String) : [],
        total: Number(total),
        mayBeNegative: mayBeNegative === true,
      }),
    ],
  },
  "long-fork": { summary: "write keys once and read several at once", judge: (history) => [longFork(history, {})] },
  durability: {
    summary: "writes, and at the end what each member has",
    judge: (history) => [durability(history, {})],
  },
  watch: { summary: "writes and watches", judge: (history) => [watches(history, {})] },
  informer: { summary: "writes and informers' caches", judge: (history) => [caches(history, {})] },
  lock: {
    summary: "guarded work under a lock, by fencing token (config: promise exclusive or fenced)",
    judge: (history, { promise }) => [locks(history, { promise: promise === "exclusive" ? "exclusive" : "fenced" })],
  },
};

export interface Judgement {
  readonly valid: Verdict["valid"];
  readonly checkers: readonly Verdict[];
}

/** Has all of a workload's checkers look at a history. A workload that is not known is judged by nobody: unknown. */
export function judge(history: History, workload: string, config: WorkloadConfig = {}): Judgement {
  const particular = Object.hasOwn(judged, workload) ? judged[workload]!.judge(history, config) : [];
  // Of every history that holds anything: nobody said `fail` who could not know, and of each kind of operation one was ok.
  const general = particular.length > 0 && history.length > 0 ? [errorAudit(history, {}), vacuity(history, {})] : [];
  const checkers = [...particular, ...general];
  return { valid: overall(checkers), checkers };
}
