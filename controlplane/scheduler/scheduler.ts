import type { Clock, Log, Random } from "../../base/mod.ts";
import type { Node, Pod } from "../api/mod.ts";
import {
  ApiError,
  type Client,
  EventRecorder,
  type Handler,
  type Informer,
  InformerFactory,
  isNotFound,
  keyOf,
  timestamp,
} from "../client/mod.ts";
import { Cache, isTerminal } from "./cache.ts";
import { NodeFinder, type Placement } from "./find-node.ts";
import { fitMessage } from "./fit-message.ts";
import { filterPlugins, scorePlugins } from "./plugins/mod.ts";
import { podInfo } from "./pod-info.ts";
import { type QueuedPod, SchedulingQueue } from "./queue.ts";

export interface SchedulerOptions {
  readonly client: Client;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  /** Pods whose spec.schedulerName is this are ours. */
  readonly schedulerName: string;
}

/**
 * The scheduling cycle: one pod at a time is given a node (filter, score, pick) against the cache; binding goes on in the background
 * while the next pod is tried, the pod being assumed on its node meanwhile.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #cache = new Cache();
  readonly #queue: SchedulingQueue;
  readonly #finder: NodeFinder;
  readonly #informers: InformerFactory;
  readonly #recorder: EventRecorder;
  readonly #nodes: Informer<Node>;
  readonly #pods: Informer<Pod>;
  readonly #bindings = new Set<Promise<void>>();

  constructor(options: SchedulerOptions) {
    this.#options = options;
    const { client, log, clock, random } = options;
    this.#queue = new SchedulingQueue(clock, filterPlugins);
    this.#finder = new NodeFinder(filterPlugins, scorePlugins, random);
    this.#informers = new InformerFactory({ log, clock, random });
    this.#recorder = new EventRecorder(client, { component: options.schedulerName, log, clock });
    this.#nodes = this.#informers.informer(client.nodes);
    this.#pods = this.#informers.informer(client.pods);
    this.#nodes.addHandler(this.#nodeHandler());
    this.#pods.addHandler(this.#podHandler());
  }

  /** Schedules until the signal aborts; then waits for the bindings under way. */
  async run(signal: AbortSignal): Promise<void> {
    this.#informers.start(signal);
    signal.addEventListener("abort", () => this.#queue.close(), { once: true });
    try {
      await this.#informers.synced(signal);
      for (let entry = await this.#queue.next(); entry !== undefined; entry = await this.#queue.next()) {
        this.#scheduleOne(entry);
        // One pod per turn of the event loop: what the watches bring is seen before the next choice.
        await new Promise(setImmediate);
      }
    } finally {
      this.#queue.close();
      await Promise.allSettled(this.#bindings);
      await this.#recorder.flush();
    }
  }

  #scheduleOne(entry: QueuedPod): void {
    const { pod } = entry;
    if (this.#cache.isAssumed(pod.key)) {
      this.#queue.done(entry);
      return;
    }
    const placement = this.#finder.find(pod, this.#cache.nodes(), this.#cache);
    if (placement.kind === "unschedulable") {
      this.#queue.park(entry, new Set([...placement.refusals.values()].map((refusal) => refusal.plugin)));
      this.#inBackground(this.#sayUnschedulable(pod.pod, placement));
      return;
    }
    this.#cache.assume(pod, placement.node);
    this.#queue.done(entry);
    this.#inBackground(this.#bind(entry, placement));
  }

  async #bind(entry: QueuedPod, placement: Extract<Placement, { kind: "node" }>): Promise<void> {
    const { pod } = entry.pod;
    const { namespace = "default", name = "", uid } = pod.metadata;
    const { client, log } = this.#options;
    try {
      await client.bind(namespace, name, {
        apiVersion: "v1",
        kind: "Binding",
        metadata: { namespace, name, uid },
        target: { apiVersion: "v1", kind: "Node", name: placement.node },
      });
    } catch (error) {
      this.#cache.forget(entry.pod.key);
      if (isNotFound(error) || this.#pods.lister.getByKey(entry.pod.key)?.metadata.uid !== uid) return;
      log("warn", "could not bind", { pod: entry.pod.key, node: placement.node, error: (error as Error).message });
      this.#recorder.event(pod, "Warning", "FailedScheduling", `binding rejected: ${(error as Error).message}`);
      this.#queue.retry(entry);
      return;
    }
    log("info", "bound", { pod: entry.pod.key, node: placement.node, feasible: placement.feasible });
    const where = `${namespace}/${name}`;
    this.#recorder.event(pod, "Normal", "Scheduled", `Successfully assigned ${where} to ${placement.node}`);
  }

  async #sayUnschedulable(pod: Pod, placement: Extract<Placement, { kind: "unschedulable" }>): Promise<void> {
    const message = fitMessage(placement.nodeCount, placement.refusals);
    this.#recorder.event(pod, "Warning", "FailedScheduling", message);
    const said = pod.status?.conditions?.find((condition) => condition.type === "PodScheduled");
    if (said?.status === "False" && said.reason === "Unschedulable" && said.message === message) return;
    const lastTransitionTime =
      said?.status === "False" ? said.lastTransitionTime : timestamp(this.#options.clock.now());
    const condition = { type: "PodScheduled", status: "False", reason: "Unschedulable", message, lastTransitionTime };
    const { namespace, name = "" } = pod.metadata;
    await this.#options.client.pods.patch(
      namespace,
      name,
      "strategic",
      { metadata: { uid: pod.metadata.uid }, status: { conditions: [condition] } },
      { subresource: "status" },
    );
  }

  #inBackground(work: Promise<void>): void {
    const settled = work.catch((error: unknown) => {
      if (error instanceof ApiError && (isNotFound(error) || error.status.code === 409)) return; // The pod is gone or another one.
      this.#options.log("warn", "scheduling went on without this", { error: (error as Error).message });
    });
    this.#bindings.add(settled);
    void settled.finally(() => this.#bindings.delete(settled));
  }

  #isOurs(pod: Pod): boolean {
    return (pod.spec?.schedulerName ?? "default-scheduler") === this.#options.schedulerName;
  }

  #nodeHandler(): Handler<Node> {
    return {
      onAdd: (node) => {
        this.#cache.setNode(node);
        this.#queue.onEvent({ kind: "NodeAdd", node });
      },
      onUpdate: (old, node) => {
        this.#cache.setNode(node);
        this.#queue.onEvent({ kind: "NodeUpdate", old, node });
      },
      onDelete: (node) => this.#cache.removeNode(node.metadata.name ?? ""),
    };
  }

  #podHandler(): Handler<Pod> {
    return {
      onAdd: (pod) => this.#see(undefined, pod),
      onUpdate: (old, pod) => {
        // Deleted and made again under the same name, without the deletion having been seen.
        if (old.metadata.uid !== pod.metadata.uid) this.#lose(old);
        this.#see(old, pod);
      },
      onDelete: (pod) => this.#lose(pod),
    };
  }

  #see(old: Pod | undefined, pod: Pod): void {
    if (pod.spec?.nodeName) {
      this.#queue.remove(keyOf(pod));
      this.#cache.setPod(pod);
      if (old?.spec?.nodeName === undefined) return;
      if (isTerminal(pod) && !isTerminal(old)) this.#queue.onEvent({ kind: "AssignedPodDelete", pod });
      else this.#queue.onEvent({ kind: "AssignedPodUpdate", old, pod });
      return;
    }
    const gated = (pod.spec?.schedulingGates ?? []).length > 0;
    const waits = this.#isOurs(pod) && !isTerminal(pod) && pod.metadata.deletionTimestamp === undefined && !gated;
    if (!waits) this.#queue.remove(keyOf(pod));
    else if (!this.#cache.isAssumed(keyOf(pod))) this.#queue.add(podInfo(pod));
  }

  #lose(pod: Pod): void {
    this.#queue.remove(keyOf(pod));
    this.#cache.removePod(pod);
    if (pod.spec?.nodeName) this.#queue.onEvent({ kind: "AssignedPodDelete", pod });
  }
}
