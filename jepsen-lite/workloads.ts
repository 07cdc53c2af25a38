import {
  bank,
  caches,
  counter,
  durability,
  errorAudit,
  leaseBounds,
  listAppend,
  locks,
  longFork,
  multiRegisters,
  overall,
  reads,
  registers,
  rwRegister,
  setFull,
  type Verdict,
  vacuity,
  watches,
  wholeStore,
} from "./checkers/mod.ts";
import type { History } from "./history/mod.ts";

/** What a run's manifest says of its workload: options of checkers by their names. */
export type WorkloadConfig = Readonly<Record<string, unknown>>;

export interface Workload {
  /** What its clients do. */
  readonly summary: string;
  readonly checkers: readonly ((history: History, config: WorkloadConfig) => Verdict)[];
}

/** Whose histories can be judged, and by whom. The operations of each stand with its checkers. */
export const workloads: Readonly<Record<string, Workload>> = {
  register: { summary: "read, write and compare-and-set single keys", checkers: [(history) => registers(history, {})] },
  "multi-register": {
    summary: "transactions of reads and writes of several keys; short histories",
    checkers: [(history) => multiRegisters(history, {}), (history) => rwRegister(history, {})],
  },
  "rw-register": {
    summary: "transactions of reads and writes, each value written once",
    checkers: [(history) => rwRegister(history, {})],
  },
  "list-append": {
    summary: "transactions that append to lists and read them",
    checkers: [(history) => listAppend(history, {})],
  },
  set: { summary: "add elements to a set and read it", checkers: [(history) => setFull(history, {})] },
  counter: { summary: "add to a counter and read it", checkers: [(history) => counter(history, {})] },
  bank: {
    summary: "move money between accounts and read all (config: accounts, total)",
    checkers: [
      (history, { accounts, total, mayBeNegative }) =>
        bank(history, {
          accounts: Array.isArray(accounts) ? accounts.map(String) : [],
          total: Number(total),
          mayBeNegative: mayBeNegative === true,
        }),
    ],
  },
  "long-fork": { summary: "write keys once and read several at once", checkers: [(history) => longFork(history, {})] },
  store: {
    summary: "the whole API: ranges, puts, deletes, transactions, compactions, leases",
    checkers: [(history) => wholeStore(history, {}), (history) => reads(history, {})],
  },
  durability: {
    summary: "writes, and at the end what each member has",
    checkers: [(history) => durability(history, {})],
  },
  watch: { summary: "writes and watches", checkers: [(history) => watches(history, {})] },
  informer: { summary: "writes and informers' caches", checkers: [(history) => caches(history, {})] },
  lease: { summary: "grant, keep alive, look at and revoke leases", checkers: [(history) => leaseBounds(history, {})] },
  lock: {
    summary: "guarded work under a lock, by fencing token (config: promise exclusive or fenced)",
    checkers: [(history, { promise }) => locks(history, { promise: promise === "exclusive" ? "exclusive" : "fenced" })],
  },
};

export interface Judgement {
  readonly valid: Verdict["valid"];
  readonly checkers: readonly Verdict[];
}

/** Of every history that holds anything: nobody said `fail` who could not know, and of each kind of operation one was ok. */
const always = [(history: History) => errorAudit(history, {}), (history: History) => vacuity(history, {})];

/** Has all of a workload's checkers look at a history. A workload that is not known is judged by nobody: unknown. */
export function judge(history: History, workload: string, config: WorkloadConfig = {}): Judgement {
  const checkers = Object.hasOwn(workloads, workload) ? (workloads[workload] as Workload).checkers : [];
  const general = checkers.length > 0 && history.length > 0 ? always : [];
  const verdicts = [...checkers, ...general].map((check) => check(history, config));
  return { valid: overall(verdicts), checkers: verdicts };
}
