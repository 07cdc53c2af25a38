import type { Clock, Log, Random, Timer } from "../../../base/mod.ts";
import type { Pod } from "../../../controlplane/api/mod.ts";
import { formatPod, refOf } from "./pod-ref.ts";

/** What one pass over a pod says about the next. */
export interface PassResult {
  /** The pod is over: from now on it only ends. */
  readonly terminal?: boolean;
  /** Come back after this long, earlier than the regular pass. */
  readonly retryAfterMs?: number;
}

/** The three passes of a pod's life (pkg/kubelet/kubelet.go: SyncPod, SyncTerminatingPod, SyncTerminatedPod). Each may run twice. */
export interface PodSyncer {
  sync(pod: Pod): Promise<PassResult>;
  /** Resolves when nothing of the pod runs any more. */
  syncTerminating(pod: Pod): Promise<void>;
  /** Resolves when nothing of the pod is left that others could need. */
  syncTerminated(pod: Pod): Promise<void>;
  /** The grace period became shorter while syncTerminating runs. */
  hasten(pod: Pod): Promise<void>;
  /** The pod is gone from the API too. */
  cleanUp(pod: Pod): Promise<void>;
}

export interface PodWorkerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly syncer: PodSyncer;
  /** The worker has nothing left to do, ever. */
  readonly onDone: () => void;
}

type Stage = "syncing" | "terminating" | "terminated" | "finished" | "done";

const resyncMs = 60_000;
const retryAfterErrorMs = [500, 1_000, 2_000, 5_000, 10_000] as const;

/**
 * Does everything that is done about one pod, one thing at a time. Stages only go forward: syncing, terminating, terminated, finished;
 * done once the API has forgotten the pod as well. What wakes it never says what to do: each pass looks at everything anew.
 */
export class PodWorker {
  readonly #options: PodWorkerOptions;
  #pod: Pod;
  #stage: Stage = "syncing";
  #removed = false;
  #running = false;
  #pending = false;
  #stopped = false;
  #failures = 0;
  #timer: Timer | undefined;

  constructor(pod: Pod, options: PodWorkerOptions) {
    this.#pod = pod;
    this.#options = options;
  }

  get pod(): Pod {
    return this.#pod;
  }

  get stage(): Stage {
    return this.#stage;
  }

  /** The pod changed in the API. */
  update(pod: Pod): void {
    const before = this.#pod.metadata.deletionGracePeriodSeconds;
    const now = pod.metadata.deletionGracePeriodSeconds;
    this.#pod = pod;
    if (this.#running && this.#stage === "terminating" && now !== undefined && (before === undefined || now < before)) {
      this.#options.syncer
        .hasten(pod)
        .catch((error: Error) => this.#report("could not hasten the end of a pod", error));
    }
    this.wake();
  }

  /** The pod is not in the API any more: end it if it still runs, then forget it. */
  remove(): void {
    this.#removed = true;
    this.wake();
  }

  /** Something may have changed: look again. */
  wake(): void {
    if (this.#stopped) return;
    if (this.#running) {
      this.#pending = true;
      return;
    }
    this.#timer?.cancel();
    void this.#run();
  }

  /** The kubelet stops; the pod's containers do not. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  async #run(): Promise<void> {
    this.#running = true;
    let delayMs: number | undefined;
    do {
      this.#pending = false;
      try {
        delayMs = await this.#pass();
        this.#failures = 0;
      } catch (error) {
        this.#report("a pass over a pod failed", error as Error);
        delayMs = retryAfterErrorMs[Math.min(this.#failures++, retryAfterErrorMs.length - 1)];
        break; // what woke us meanwhile does not make it better at once
      }
    } while (this.#pending && !this.#stopped);
    this.#running = false;
    if (this.#stopped || this.#stage === "done") return;
    const again = this.#pending && this.#failures > 0 ? Math.min(delayMs ?? 500, 500) : delayMs;
    if (again !== undefined) this.#timer = this.#options.clock.after(again, () => this.wake());
  }

  /** One pass; returns when the next is due. */
  async #pass(): Promise<number | undefined> {
    const { syncer, random } = this.#options;
    if (this.#stage === "syncing" && (this.#removed || this.#pod.metadata.deletionTimestamp !== undefined)) {
      this.#stage = "terminating";
    }
    if (this.#stage === "syncing") {
      const result = await syncer.sync(this.#pod);
      if (result.terminal !== true) {
        const regular = resyncMs / 2 + random.below(resyncMs);
        return Math.min(result.retryAfterMs ?? regular, regular);
      }
      this.#stage = "terminating";
    }
    if (this.#stage === "terminating") {
      await syncer.syncTerminating(this.#pod);
      this.#stage = "terminated";
    }
    if (this.#stage === "terminated") {
      await syncer.syncTerminated(this.#pod);
      this.#stage = "finished";
    }
    if (this.#stage === "finished" && this.#removed) {
      await syncer.cleanUp(this.#pod);
      this.#stage = "done";
      this.#options.onDone();
    }
    return undefined;
  }

  #report(message: string, error: Error): void {
    if (this.#stopped) return;
    this.#options.log("warn", message, { pod: formatPod(refOf(this.#pod)), error: error.message });
    if (!error.message) this.#options.log("debug", "stack", { stack: error.stack });
  }
}
