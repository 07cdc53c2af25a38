export { canary } from "./canary.ts";
export { hashAgreement, logAgreement, membershipAgreement } from "./cluster/agreement.ts";
export { type ErrorOptions, errorAudit, indefiniteClasses } from "./cluster/errors.ts";
export { type OutputOptions, panics } from "./cluster/logs.ts";
export { type ResourceOptions, resources } from "./cluster/resources.ts";
export { type VacuityOptions, vacuity } from "./cluster/vacuity.ts";
export { forbids, type IsolationModel, weakestViolated } from "./elle/isolation.ts";
export type { ElleOptions } from "./elle/judge.ts";
export { listAppend } from "./elle/list-append.ts";
export { type RegisterOptions, rwRegister } from "./elle/rw-register.ts";
export type { Call, Model } from "./linearizability/model.ts";
export { multiRegisters } from "./linearizability/multi-register.ts";
export { type Budget, checkPartitions, type Partition, type PartitionsResult } from "./linearizability/partitions.ts";
export { registers } from "./linearizability/register-checker.ts";
export { Search, type SearchResult, type Stuck } from "./linearizability/search.ts";
export { type WholeStoreOptions, wholeStore } from "./linearizability/store-checker.ts";
export { type Grade, gradeMutants } from "./mutants/grade.ts";
export { type CacheOptions, caches } from "./replay/cache.ts";
export { type DurabilityOptions, durability } from "./replay/durability.ts";
export { type ReadsOptions, reads } from "./replay/reads.ts";
export type { LogEntry } from "./replay/replay.ts";
export { elections } from "./timing/elections.ts";
export { type LeaseOptions, leaseBounds } from "./timing/leases.ts";
export { type LivenessOptions, liveness } from "./timing/liveness.ts";
export { type LockOptions, locks } from "./timing/locks.ts";
export {
  type Anomaly,
  anomalyLimit,
  BudgetExceeded,
  type Checker,
  checker,
  type Findings,
  overall,
  type Verdict,
} from "./verdict.ts";
export { type WatchOptions, watches } from "./watch/checker.ts";
export { type BankOptions, bank } from "./workloads/bank.ts";
export { counter } from "./workloads/counter.ts";
export { longFork } from "./workloads/long-fork.ts";
export { queue } from "./workloads/queue.ts";
export { type SetOptions, setFull } from "./workloads/set-full.ts";
