import { bank } from "./bank.ts";
import { compaction } from "./compaction.ts";
import { counter } from "./counter.ts";
import { election } from "./election.ts";
import { kubernetes } from "./kubernetes.ts";
import { lease } from "./lease.ts";
import { listAppend } from "./list-append.ts";
import { lock, unfencedLock } from "./lock.ts";
import { longFork } from "./long-fork.ts";
import { membership } from "./membership.ts";
import { multiRegister } from "./multi-register.ts";
import { queue } from "./queue.ts";
import { register } from "./register.ts";
import { rwRegister } from "./rw-register.ts";
import { set } from "./set.ts";
import { setWatch } from "./set-watch.ts";
import { store } from "./store.ts";
import { watch, watchProgress } from "./watch.ts";
import type { WorkloadDefinition } from "./workload.ts";

const definitions = [
  register,
  multiRegister,
  rwRegister,
  listAppend,
  set,
  setWatch,
  counter,
  bank,
  longFork,
  watch,
  watchProgress,
  lease,
  lock,
  unfencedLock,
  election,
  queue,
  compaction,
  membership,
  kubernetes,
  store,
];

/** By name. */
export const workloads: Readonly<Record<string, WorkloadDefinition>> = Object.fromEntries(
  definitions.map((definition) => [definition.name, definition]),
);
