import type { Node } from "../../api/mod.ts";
import type { EventRecorder, Informer, ObjectKey, WorkQueue } from "../../client/mod.ts";
import { type Controller, type ControllerContext, controllerQueue, recorderFor } from "../common/controller.ts";
import { PodCidrRange } from "./pod-cidr.ts";

/** Gives every node a range of pod addresses of its own. */
export class NodeIpamController implements Controller {
  readonly name = "node-ipam-controller";
  /** One: two nodes must not be offered the same range. */
  readonly workers = 1;
  readonly queue: WorkQueue;
  readonly #context: ControllerContext;
  readonly #range: PodCidrRange;
  readonly #nodes: Informer<Node>;
  readonly #events: EventRecorder;
  /** Ranges given away that the cache may not show yet, by node. */
  readonly #given = new Map<string, string>();

  constructor(context: ControllerContext, clusterCIDR: string, nodeMaskSize: number) {
    this.#context = context;
    this.#range = new PodCidrRange(clusterCIDR, nodeMaskSize);
    this.queue = controllerQueue(this.name, context);
    this.#events = recorderFor(this.name, context);
    this.#nodes = context.informers.informer(context.client.nodes);
    const look = (node: Node) => {
      if (!node.spec?.podCIDR) this.queue.add(node.metadata.name);
    };
    this.#nodes.addHandler({
      onAdd: look,
      onUpdate: (_, node) => look(node),
      onDelete: ({ metadata }) => this.#given.delete(metadata.name),
    });
  }

  async reconcile(name: ObjectKey, signal: AbortSignal): Promise<undefined> {
    const node = this.#nodes.lister.get(undefined, name);
    if (node === undefined || node.spec?.podCIDR) return;
    const taken = new Set(this.#given.values());
    for (const { spec } of this.#nodes.lister.list()) {
      for (const cidr of [spec?.podCIDR, ...(spec?.podCIDRs ?? [])]) if (cidr) taken.add(cidr);
    }
    const podCIDR = this.#given.get(name) ?? this.#range.next(taken);
    if (podCIDR === undefined) {
      this.#events.event(node, "Normal", "CIDRNotAvailable", `Node ${name} status is now: CIDRNotAvailable`);
      throw new Error(`no pod address range is left for node ${name}`);
    }
    this.#given.set(name, podCIDR);
    // With the version: somebody else may give it a range at the same moment, and a range never changes.
    const { resourceVersion } = node.metadata;
    const patch = { metadata: { resourceVersion }, spec: { podCIDR, podCIDRs: [podCIDR] } };
    await this.#context.client.nodes.patch(name, "strategic", patch, { signal });
  }
}
