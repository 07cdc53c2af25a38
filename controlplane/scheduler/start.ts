import type { Clock, Log, Random } from "../../base/mod.ts";
import {
  ApiError,
  type Client,
  runLeaderElection,
  sleep,
  systemClock,
  systemRandom,
  TransportError,
} from "../client/mod.ts";
import type { Profile } from "./framework/framework.ts";
import { defaultProfile } from "./profile.ts";
import { Scheduler } from "./scheduler.ts";

export interface StartSchedulerOptions {
  readonly client: Client;
  readonly log: Log;
  /** Default: one, for pods that name "default-scheduler" or nobody. */
  readonly profiles?: readonly Profile[];
  readonly podInitialBackoffMs?: number;
  readonly podMaxBackoffMs?: number;
  /** Competes for a Lease under this identity; without it, schedules at once. */
  readonly leaderElectionIdentity?: string;
  /** Defaults: kube-system/kube-scheduler, 15 s, 10 s, 2 s. */
  readonly lease?: {
    readonly namespace?: string;
    readonly name?: string;
    readonly leaseDurationMs?: number;
    readonly renewDeadlineMs?: number;
    readonly retryPeriodMs?: number;
  };
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface RunningScheduler {
  /** Settles when scheduling ends: resolves after `stop`, rejects when leadership was lost or a bug stopped it. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

const retryMs = 500;

/** Starts scheduling in the background; what the API server is not ready for is tried again. */
export async function startScheduler(options: StartSchedulerOptions): Promise<RunningScheduler> {
  const { client, log, clock = systemClock, random = systemRandom, profiles = [defaultProfile()] } = options;
  const { podInitialBackoffMs, podMaxBackoffMs } = options;
  const stopping = new AbortController();
  const create = async (signal: AbortSignal): Promise<Scheduler> => {
    for (;;) {
      try {
        return await Scheduler.create({ client, log, clock, random, profiles, podInitialBackoffMs, podMaxBackoffMs });
      } catch (error) {
        // A new server refuses until its roles are written.
        const mayPass = error instanceof TransportError || error instanceof ApiError;
        if (signal.aborted || !mayPass) throw error;
        log("warn", "the API server cannot be asked what it serves", { error: error.message });
        await sleep(clock, retryMs, signal);
      }
    }
  };
  const run = async (signal: AbortSignal) => (await create(signal)).run(signal);
  const identity = options.leaderElectionIdentity;
  const { namespace = "kube-system", name = "kube-scheduler", ...times } = options.lease ?? {};
  const lease = { namespace, name, ...times, log, clock, random };
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
