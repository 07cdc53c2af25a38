import type { Clock, Log, Random } from "../../../base/mod.ts";
import {
  type Client,
  EventRecorder,
  type InformerFactory,
  isConflict,
  isNamespaceTerminating,
  isNotFound,
  type ObjectKey,
  type Requeue,
  WorkQueue,
} from "../../client/mod.ts";

/** What every controller is given. */
export interface ControllerContext {
  readonly client: Client;
  /** Shared: one copy of the cluster's objects for all controllers. */
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** A loop that brings the world to what an object asks for, one key at a time. */
export interface Controller {
  /** As it reports events, for example `deployment-controller`. */
  readonly name: string;
  readonly workers: number;
  readonly queue: WorkQueue;
  /** Reads everything now, is never told which event woke it, may run twice. A failure comes back after a growing delay. */
  reconcile(key: ObjectKey, signal: AbortSignal): Promise<Requeue | undefined>;
  /** What it does beside its queue, until the signal aborts: sweeps, watches of its own. */
  run?(signal: AbortSignal): Promise<void>;
}

/** A queue whose failures are logged, quietly where they only mean that somebody was faster. */
export function controllerQueue(name: string, context: ControllerContext): WorkQueue {
  return new WorkQueue({
    clock: context.clock,
    onFailure: (key, error, failures) => {
      const expected = isConflict(error) || isNotFound(error) || isNamespaceTerminating(error);
      const { message, stack } = error as Error;
      const shown = expected || failures < 3 ? { error: message } : { error: message, stack };
      context.log(expected ? "debug" : "warn", `${name}: reconcile failed`, { key, failures, ...shown });
    },
  });
}

export function recorderFor(component: string, context: ControllerContext): EventRecorder {
  return new EventRecorder(context.client, { component, log: context.log, clock: context.clock });
}

/** Works until the signal aborts; returns once the work under way has ended. */
export async function runController(controller: Controller, signal: AbortSignal): Promise<void> {
  const { queue } = controller;
  const stop = () => queue.shutDown();
  signal.addEventListener("abort", stop, { once: true });
  const work = async () => {
    for await (const item of queue.take(signal)) {
      using lease = item;
      await lease.settle(controller.reconcile(lease.key, signal));
    }
  };
  const workers = Array.from({ length: controller.workers }, work);
  await Promise.all([...workers, controller.run?.(signal)]);
  signal.removeEventListener("abort", stop);
}
