import type { Clock } from "../../base/mod.ts";
import { Lessor } from "../lease/mod.ts";
import { MemberMetrics } from "../metrics/mod.ts";
import { Applier } from "./applier.ts";
import { Backend, type BackendOptions, type BackendRecord, importRecords } from "./backend.ts";
import type { Engine, EngineHome } from "./engine.ts";
import { Store, type StoreOptions } from "./store.ts";

export interface StateOptions {
  readonly home: EngineHome;
  readonly clock: Clock;
  /** Shortest lease TTL, in seconds: 1.5 election timeouts, rounded up. */
  readonly minLeaseTtl: number;
  /** A write to the disk failed: memory is ahead of it for good, and the member has to stop. */
  readonly onFailure: (error: unknown) => void;
  /** How much of the history that is on disk stays in memory too. Default 8 MiB. */
  readonly recentHistoryBytes?: number;
  /** How much memory the newest records of live keys may take. Default 1 GiB. */
  readonly recordMemoryBytes?: number;
  /** How changes gather before they are written. */
  readonly batching?: Pick<BackendOptions, "intervalMs" | "batchLimit">;
  readonly logged?: BackendOptions["logged"];
  readonly compactionPace?: StoreOptions["compactionPace"];
  readonly onCompacted?: StoreOptions["onCompacted"];
  /** What is counted; the same for the states that follow each other. */
  readonly metrics?: MemberMetrics;
}

/** All that a member's log has made so far: the replicated state machine. */
export interface State {
  readonly backend: Backend;
  readonly lessor: Lessor;
  readonly store: Store;
  readonly applier: Applier;
}

/** Reads the state back from its home; an empty home is a fresh store. */
export async function openState(options: StateOptions): Promise<State> {
  return load(await options.home.open(), options);
}

/** Makes the state of another member's snapshot, beside the current one, which goes on answering meanwhile. From then on
 * the home holds the new state; the caller puts it in the old one's place (`watches.moveTo(store)`) and closes the old
 * one's backend. */
export async function installState(
  options: StateOptions,
  records: AsyncIterable<readonly BackendRecord[]>,
): Promise<State> {
  const { engine, takeOver } = await options.home.openSuccessor();
  try {
    await importRecords(engine, records);
    const state = await load(engine, options);
    await takeOver();
    return state;
  } catch (error) {
    await engine.close();
    throw error;
  }
}

async function load(engine: Engine, options: StateOptions): Promise<State> {
  const { clock, minLeaseTtl, onFailure, logged, recentHistoryBytes, recordMemoryBytes, compactionPace, onCompacted } =
    options;
  const { metrics = new MemberMetrics() } = options;
  const backend = await Backend.open({ engine, clock, onFailure, logged, metrics, ...options.batching });
  const lessor = await Lessor.open({ backend, clock, minTtl: minLeaseTtl, metrics });
  const kept = { recentHistoryBytes, recordMemoryBytes, compactionPace, onCompacted };
  const store = await Store.open({ backend, clock, leases: lessor, onFailure, metrics, ...kept });
  return { backend, lessor, store, applier: new Applier(store, lessor) };
}
