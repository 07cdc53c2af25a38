import type { Lease, Node, Pod } from "../../api/mod.ts";
import {
  type EventRecorder,
  type Informer,
  isConflict,
  isNotFound,
  type ObjectKey,
  type Requeue,
  sleep,
  TokenBucket,
  timestamp,
  type WorkQueue,
} from "../../client/mod.ts";
import { findCondition } from "../common/conditions.ts";
import { type Controller, type ControllerContext, controllerQueue, recorderFor } from "../common/controller.ts";
import { sameJson } from "../common/equality.ts";
import { isReady } from "../common/pods.ts";
import { type Health, type HealthOptions, hear, silentConditions } from "./health.ts";
import { evictionTaint, taintsFor } from "./taints.ts";

const leaseNamespace = "kube-node-lease";
export const nodeNameIndex = "nodeName";

export interface NodeLifecycleOptions extends HealthOptions {
  readonly monitorPeriodMs: number;
  /** Nodes a second whose pods are driven away. */
  readonly evictionRate: number;
}

/** Notices nodes that fall silent, says so in their conditions, and taints them so that pods stay away or leave. */
export class NodeLifecycleController implements Controller {
  readonly name = "node-controller";
  readonly workers = 4;
  readonly queue: WorkQueue;
  readonly #context: ControllerContext;
  readonly #options: NodeLifecycleOptions;
  readonly #nodes: Informer<Node>;
  readonly #leases: Informer<Lease>;
  readonly #pods: Informer<Pod>;
  readonly #events: EventRecorder;
  readonly #health = new Map<string, Health>();
  readonly #evictions: TokenBucket;

  constructor(context: ControllerContext, options: NodeLifecycleOptions) {
    this.#context = context;
    this.#options = options;
    this.queue = controllerQueue(this.name, context);
    this.#events = recorderFor(this.name, context);
    this.#evictions = new TokenBucket(options.evictionRate, 1, context.clock);
    this.#nodes = context.informers.informer(context.client.nodes);
    this.#leases = context.informers.informer(context.client.leases, { namespace: leaseNamespace });
    this.#pods = context.informers.informer(context.client.pods);
    this.#nodes.addHandler({
      onAdd: (node) => {
        this.#hear(node.metadata.name);
        const { name } = node.metadata;
        this.#events.event(
          node,
          "Normal",
          "RegisteredNode",
          `Node ${name} event: Registered Node ${name} in Controller`,
        );
        this.queue.add(name);
      },
      onUpdate: (_, node) => {
        this.#hear(node.metadata.name);
        this.queue.add(node.metadata.name);
      },
      onDelete: (node) => {
        this.#health.delete(node.metadata.name);
        const { name } = node.metadata;
        this.#events.event(node, "Normal", "RemovingNode", `Node ${name} event: Removing Node ${name} from Controller`);
      },
    });
    // A renewed lease is noted, not acted upon: it means that all is well.
    const renewed = ({ metadata }: Lease) => this.#hear(metadata.name);
    this.#leases.addHandler({ onAdd: renewed, onUpdate: (_, lease) => renewed(lease) });
  }

  /** Silence makes no event: all nodes are looked at now and then. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(this.#context.clock, this.#options.monitorPeriodMs, signal).catch(() => undefined);
      for (const { metadata } of this.#nodes.lister.list()) this.queue.add(metadata.name);
    }
  }

  async reconcile(name: ObjectKey, signal: AbortSignal): Promise<Requeue | undefined> {
    const node = this.#nodes.lister.get(undefined, name);
    if (node === undefined) return;
    const checked = await this.#checkHealth(node, signal);
    await this.#keepTaints(checked, signal);
    const ready = findCondition(checked.status?.conditions, "Ready")?.status;
    if (ready !== undefined && ready !== "True") await this.#markPodsNotReady(checked, signal);
  }

  async #checkHealth(node: Node, signal: AbortSignal): Promise<Node> {
    const { client, clock } = this.#context;
    const health = this.#hear(node.metadata.name);
    if (health === undefined) return node;
    const conditions = silentConditions(node, health, this.#options, clock.monotonic(), clock.now());
    if (conditions === undefined || sameJson(conditions, node.status?.conditions)) return node;
    const wasReady = findCondition(node.status?.conditions, "Ready")?.status === "True";
    const updated = await client.nodes.updateStatus({ ...node, status: { ...node.status, conditions } }, { signal });
    const { name } = node.metadata;
    this.#context.log("warn", "node fell silent", { node: name });
    if (wasReady) this.#events.event(node, "Normal", "NodeNotReady", `Node ${name} status is now: NodeNotReady`);
    return updated;
  }

  async #keepTaints(node: Node, signal: AbortSignal): Promise<void> {
    const current = node.spec?.taints ?? [];
    const evicts = current.some(({ key, effect }) => effect === "NoExecute" && key === evictionTaint(node));
    const wanted = taintsFor(node, !evicts && this.#mayEvict(node), this.#context.clock.now());
    if (sameJson(current, wanted)) return;
    const spec = { ...node.spec, taints: wanted.length === 0 ? undefined : wanted };
    await this.#context.client.nodes.update({ ...node, spec }, { signal });
  }

  /** When no node is ready it is more likely that we are cut off than that all have died. */
  #mayEvict(node: Node): boolean {
    if (evictionTaint(node) === undefined) return false;
    const anyReady = this.#nodes.lister.list().some((other) => evictionTaint(other) === undefined);
    return anyReady && this.#evictions.tryTake();
  }

  /** Services must not lead to pods that nobody vouches for. */
  async #markPodsNotReady(node: Node, signal: AbortSignal): Promise<void> {
    for (const pod of this.#pods.lister.byIndex(nodeNameIndex, node.metadata.name)) {
      if (!isReady(pod)) continue;
      const { namespace, name, uid } = pod.metadata;
      const lastTransitionTime = timestamp(this.#context.clock.now());
      const patch = {
        metadata: { uid },
        status: { conditions: [{ type: "Ready", status: "False", lastTransitionTime }] },
      };
      try {
        await this.#context.client.pods.patch(namespace, name, "strategic", patch, { subresource: "status", signal });
        this.#events.event(pod, "Warning", "NodeNotReady", "Node is not ready");
      } catch (error) {
        if (!isNotFound(error) && !isConflict(error)) throw error;
      }
    }
  }

  #hear(name: string): Health | undefined {
    const node = this.#nodes.lister.get(undefined, name);
    if (node === undefined) return undefined;
    const lease = this.#leases.lister.get(leaseNamespace, name);
    const health = hear(this.#health.get(name), node, lease, this.#context.clock.monotonic());
    this.#health.set(name, health);
    return health;
  }
}
