import type { Node, Pod } from "../../api/mod.ts";
import {
  type EventRecorder,
  type Informer,
  isNotFound,
  keyOf,
  type ObjectKey,
  type Requeue,
  splitKey,
  timestamp,
  type WorkQueue,
} from "../../client/mod.ts";
import { type Controller, type ControllerContext, controllerQueue, recorderFor } from "../common/controller.ts";
import { sameJson } from "../common/equality.ts";
import { nodeNameIndex } from "./controller.ts";
import { evictionTimeMs } from "./eviction.ts";

/** Deletes pods whose node got a NoExecute taint that they do not tolerate, or no longer. */
export class TaintEvictionController implements Controller {
  readonly name = "taint-eviction-controller";
  readonly workers = 4;
  readonly queue: WorkQueue;
  readonly #context: ControllerContext;
  readonly #nodes: Informer<Node>;
  readonly #pods: Informer<Pod>;
  readonly #events: EventRecorder;
  /** Pods whose eviction is announced. */
  readonly #waiting = new Set<ObjectKey>();

  constructor(context: ControllerContext) {
    this.#context = context;
    this.queue = controllerQueue(this.name, context);
    this.#events = recorderFor(this.name, context);
    this.#nodes = context.informers.informer(context.client.nodes);
    this.#pods = context.informers.informer(context.client.pods);
    this.#nodes.addHandler({
      onAdd: (node) => this.#podsOn(node),
      onUpdate: (old, node) => {
        if (!sameJson(old.spec?.taints, node.spec?.taints)) this.#podsOn(node);
      },
    });
    this.#pods.addHandler({
      onAdd: (pod) => this.#look(pod),
      onUpdate: (old, pod) => {
        const { nodeName, tolerations } = pod.spec;
        if (old.spec.nodeName !== nodeName || !sameJson(old.spec.tolerations, tolerations)) this.#look(pod);
      },
      onDelete: (pod) => this.#waiting.delete(keyOf(pod)),
    });
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Requeue | undefined> {
    const { namespace = "", name } = splitKey(key);
    const pod = this.#pods.lister.get(namespace, name);
    const node = this.#nodes.lister.get(undefined, pod?.spec.nodeName ?? "");
    if (pod === undefined || node === undefined || pod.metadata.deletionTimestamp !== undefined) return;
    const atMs = evictionTimeMs(pod, node);
    if (atMs === undefined) {
      if (!this.#waiting.delete(key)) return;
      this.#events.event(pod, "Normal", "TaintManagerEviction", `Cancelling deletion of Pod ${key}`);
      return;
    }
    this.#waiting.add(key);
    const waitMs = atMs - this.#context.clock.now();
    if (waitMs > 0) return { afterMs: waitMs };
    this.#events.event(pod, "Normal", "TaintManagerEviction", `Marking for deletion Pod ${key}`);
    await this.#evict(pod, signal);
  }

  async #evict(pod: Pod, signal: AbortSignal): Promise<void> {
    const { pods } = this.#context.client;
    const { namespace, name, uid } = pod.metadata;
    const target = {
      type: "DisruptionTarget",
      status: "True",
      reason: "DeletionByTaintManager",
      message: "Taint manager: deleting due to NoExecute taint",
      lastTransitionTime: timestamp(this.#context.clock.now()),
    };
    try {
      const patch = { metadata: { uid }, status: { conditions: [target] } };
      await pods.patch(namespace, name, "strategic", patch, { subresource: "status", signal });
      await pods.delete(namespace, name, { preconditions: { uid }, signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  #podsOn(node: Node): void {
    for (const pod of this.#pods.lister.byIndex(nodeNameIndex, node.metadata.name)) this.queue.add(keyOf(pod));
  }

  #look(pod: Pod): void {
    const node = this.#nodes.lister.get(undefined, pod.spec.nodeName ?? "");
    if (node?.spec?.taints?.some(({ effect }) => effect === "NoExecute")) this.queue.add(keyOf(pod));
  }
}
