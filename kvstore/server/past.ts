import { assert } from "../../base/mod.ts";
import { Auth } from "../auth/mod.ts";
import { MemberMetrics } from "../metrics/mod.ts";
import { type CompactionReport, openState, type State, type StateOptions } from "../mvcc/mod.ts";
import { Alarms } from "./alarms.ts";
import { type Origin, openOrigin, stillJoining } from "./bootstrap.ts";
import { forceNewCluster } from "./force-new-cluster.ts";
import { databaseUnreadable, findLostState } from "./lost-state.ts";
import { Membership } from "./membership.ts";
import { databasePathOf, defaults, type MemberOptions } from "./options.ts";
import type { World } from "./world.ts";

/** What a member starts with: its log and its state, as the disk has them, or new ones. */
export interface Past {
  readonly origin: Origin;
  readonly stateOptions: StateOptions & { readonly metrics: MemberMetrics };
  readonly state: State;
  readonly alarms: Alarms;
  readonly auth: Auth;
}

export interface PastEvents {
  /** The disk failed, now or later. */
  readonly onFailure: (error: unknown) => void;
  readonly onCompacted: (report: CompactionReport) => void;
}

/** Rejects with a `Failure` if the disk or the flags forbid it; then the log is let go of. */
export async function openPast(options: MemberOptions, world: World, events: PastEvents): Promise<Past> {
  const { clock, files, segmentBytes, home, askForMembers } = world;
  const { onFailure, onCompacted } = events;
  await world.inspect();
  const metrics = new MemberMetrics();
  const directory = options.walDir ?? `${options.dataDir}/member/wal`;
  const wal = { files, directory, segmentBytes, onFailure, measure: { clock, metrics } };
  const origin = await openOrigin(options, wal, askForMembers);
  const stateOptions = {
    home,
    clock,
    minLeaseTtl: Math.ceil((3 * (options.electionMs ?? defaults.electionMs)) / 2000),
    metrics,
    onFailure,
    logged: () => origin.wal.durable(),
    batching: {
      intervalMs: options.backendBatchIntervalMs ?? defaults.backendBatchIntervalMs,
      batchLimit: options.backendBatchLimit,
    },
    compactionPace: options.compaction,
    onCompacted,
  };
  try {
    const unreadable = (error: unknown) => databaseUnreadable(databasePathOf(options), error);
    const state = await openState(stateOptions).catch(unreadable);
    await defragmentAtStart(options, state);
    const alarms = await Alarms.open(state.backend);
    const auth = await Auth.open({ ...options.auth, clock, log: options.log }, state.backend);
    const membership = membershipOf(state);
    const knowsItself = membership.member(origin.id) !== undefined || membership.isRemoved(origin.id);
    const joining = await stillJoining(origin, knowsItself, options, askForMembers);
    const found = await findLostState(joining, state.store.applied.index, options, askForMembers);
    return { origin: await forcedOrigin(options, found, state), stateOptions, state, alarms, auth };
  } catch (error) {
    await origin.wal.close();
    throw error;
  }
}

/** Of a member that is to be a cluster of its own, the log says so. */
async function forcedOrigin(options: MemberOptions, origin: Origin, state: State): Promise<Origin> {
  if (options.forceNewCluster !== true) return origin;
  const { index } = state.store.applied;
  return forceNewCluster(origin, index, membershipOf(state), options.advertisePeerUrls, options.log);
}

/** As of the applied index. */
function membershipOf({ backend }: State): Membership {
  return new Membership({
    get: (bucket, key) => backend.get(bucket, key),
    put: () => assert(false, "nothing changes the membership but entries that are applied"),
    delete: () => assert(false, "nothing changes the membership but entries that are applied"),
  });
}

async function defragmentAtStart(options: MemberOptions, { backend, store }: State): Promise<void> {
  const { bootstrapDefragMegabytes: threshold = 0, log } = options;
  if (threshold === 0) return;
  const sizes = {
    "current-db-size-bytes": backend.sizeBytes,
    "current-db-size-in-use-bytes": store.sizeInUseBytes,
    "bootstrap-defrag-threshold-bytes": threshold * 1024 * 1024,
  };
  if (backend.sizeBytes - store.sizeInUseBytes < threshold * 1024 * 1024) {
    log("info", "Skipping defragmentation", sizes);
    return;
  }
  log("info", "defragmenting", sizes);
  await backend.defragment();
}
