import type { Clock, Log, Random } from "../../base/mod.ts";
import { type Client, runLeaderElection, systemClock, systemRandom } from "../client/mod.ts";
import { Scheduler } from "./scheduler.ts";

export interface StartSchedulerOptions {
  readonly client: Client;
  readonly log: Log;
  /** Default "default-scheduler". */
  readonly schedulerName?: string;
  /** Competes for the Lease kube-system/kube-scheduler under this identity; without it, schedules at once. */
  readonly leaderElectionIdentity?: string;
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface RunningScheduler {
  /** Settles when scheduling ends: resolves after `stop`, rejects when leadership was lost or a bug stopped it. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/** Starts scheduling in the background; what the API server is not ready for is tried again. */
export async function startScheduler(options: StartSchedulerOptions): Promise<RunningScheduler> {
  const { client, log, clock = systemClock, random = systemRandom, schedulerName = "default-scheduler" } = options;
  const stopping = new AbortController();
  const run = (signal: AbortSignal) => new Scheduler({ client, log, clock, random, schedulerName }).run(signal);
  const identity = options.leaderElectionIdentity;
  const lease = { namespace: "kube-system", name: "kube-scheduler", log, clock, random };
  const ended = (
    identity === undefined
      ? run(stopping.signal)
      : runLeaderElection(client, { ...lease, identity }, run, stopping.signal)
  ).catch((error: unknown) => {
    if (!stopping.signal.aborted) throw error;
  });
  return {
    ended,
    async stop() {
      stopping.abort(new Error("the scheduler stops"));
      await ended;
    },
  };
}
