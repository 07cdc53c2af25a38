import type { Node, Pod } from "../../api/mod.ts";
import { type Informer, isNotFound, type ObjectKey, sleep, timestamp, type WorkQueue } from "../../client/mod.ts";
import { findCondition, withCondition } from "../common/conditions.ts";
import { type Controller, type ControllerContext, controllerQueue } from "../common/controller.ts";
import { isTerminal } from "../common/pods.ts";
import { type Garbage, plan } from "./plan.ts";

const sweepEveryMs = 20_000;
/** A node that is missing may be one that registers again. */
const quarantineMs = 40_000;
const sweep = "sweep";

/** Removes pods that no kubelet will remove: those of vanished nodes, those that never had one, and old finished ones in excess. */
export class PodGarbageCollector implements Controller {
  readonly name = "pod-garbage-collector";
  readonly workers = 1;
  readonly queue: WorkQueue;
  readonly #context: ControllerContext;
  readonly #terminatedThreshold: number;
  readonly #nodes: Informer<Node>;
  readonly #pods: Informer<Pod>;
  /** Since when nodes that pods name are missing. */
  readonly #missingSinceMs = new Map<string, number>();

  constructor(context: ControllerContext, terminatedThreshold: number) {
    this.#context = context;
    this.#terminatedThreshold = terminatedThreshold;
    this.queue = controllerQueue(this.name, context);
    this.#nodes = context.informers.informer(context.client.nodes);
    this.#pods = context.informers.informer(context.client.pods);
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.queue.add(sweep);
      await sleep(this.#context.clock, sweepEveryMs, signal).catch(() => undefined);
    }
  }

  async reconcile(_key: ObjectKey, signal: AbortSignal): Promise<undefined> {
    const pods = this.#pods.lister.list();
    const gone = await this.#goneNodes(pods, signal);
    for (const garbage of plan(
      pods,
      this.#terminatedThreshold,
      (node) => gone.has(node),
      (node) => this.#isOutOfService(node),
    ))
      await this.#remove(garbage, signal);
  }

  #isOutOfService(name: string): boolean {
    const node = this.#nodes.lister.get(undefined, name);
    const taints = node?.spec?.taints ?? [];
    const ready = findCondition(node?.status?.conditions, "Ready")?.status === "True";
    return !ready && taints.some(({ key }) => key === "node.kubernetes.io/out-of-service");
  }

  async #goneNodes(pods: readonly Pod[], signal: AbortSignal): Promise<Set<string>> {
    const now = this.#context.clock.monotonic();
    const named = new Set(pods.flatMap(({ spec }) => (spec.nodeName ? [spec.nodeName] : [])));
    const missing = new Set([...named].filter((name) => this.#nodes.lister.get(undefined, name) === undefined));
    for (const name of this.#missingSinceMs.keys()) if (!missing.has(name)) this.#missingSinceMs.delete(name);
    const gone = new Set<string>();
    for (const name of missing) {
      const since = this.#missingSinceMs.get(name) ?? now;
      this.#missingSinceMs.set(name, since);
      // The cache may lag: what cannot be undone is decided on what the server says.
      if (now - since >= quarantineMs && !(await this.#exists(name, signal))) gone.add(name);
    }
    return gone;
  }

  async #exists(nodeName: string, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#context.client.nodes.get(nodeName, { signal });
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  async #remove({ pod, why }: Garbage, signal: AbortSignal): Promise<void> {
    const { pods } = this.#context.client;
    const { namespace, name, uid } = pod.metadata;
    try {
      // A pod that was running is now known to have failed: its owners count it.
      if ((why === "orphaned" || why === "out of service") && !isTerminal(pod)) {
        const conditions = withCondition(pod.status?.conditions, {
          type: "DisruptionTarget",
          status: "True",
          reason: "DeletionByPodGC",
          message: why === "orphaned" ? "PodGC: node no longer exists" : "PodGC: node is out of service",
          lastTransitionTime: timestamp(this.#context.clock.now()),
        });
        await pods.updateStatus({ ...pod, status: { ...pod.status, phase: "Failed", conditions } }, { signal });
      }
      await pods.delete(namespace, name, { gracePeriodSeconds: 0, preconditions: { uid }, signal });
      this.#context.log("info", "removed a pod that nobody else would", { pod: `${namespace}/${name}`, why });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}
