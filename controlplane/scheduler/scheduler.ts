import type { Clock, Log, Random, Timer } from "../../base/mod.ts";
import type { Node, Pod } from "../api/mod.ts";
import { type Client, EventRecorder, type Informer, InformerFactory, isConflict, isNotFound } from "../client/mod.ts";
import { Cache } from "./cache.ts";
import type { Placement } from "./find-node.ts";
import { fitMessage } from "./fit-message.ts";
import type { CycleState } from "./framework/cycle-state.ts";
import type { ClusterEvent } from "./framework/events.ts";
import type { Profile } from "./framework/framework.ts";
import type { BindContext, PostFilterResult } from "./framework/plugin.ts";
import { handleNodes, handlePods } from "./informed.ts";
import { LiveObjects } from "./live-objects.ts";
import type { PodInfo } from "./pod-info.ts";
import { shortened, type UnscheduledStatus, writeUnscheduled } from "./pod-status.ts";
import { clearNomination, evict } from "./preemption/evict.ts";
import { type ActiveProfile, Profiles } from "./profiles.ts";
import { Nominator } from "./queue/nominator.ts";
import { type QueuedPod, SchedulingQueue } from "./queue/scheduling-queue.ts";

export interface SchedulerOptions {
  readonly client: Client;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  /** At least one; pods that name none of them are not ours. */
  readonly profiles: readonly Profile[];
  readonly podInitialBackoffMs?: number;
  readonly podMaxBackoffMs?: number;
}

/** Faster than the API server takes them, bindings would only pile up. */
const mostBindings = 100;
/** A pod that was bound and is not shown within this time is looked for no more. */
const assumedForMs = 15 * 60_000;
const expireEveryMs = 60_000;

type Found = Extract<Placement, { kind: "node" }>;
type NotFound = Extract<Placement, { kind: "unschedulable" }>;

/**
 * The scheduling cycle: one pod at a time is given a node (filter, score, pick, reserve) against the cache; waiting for volumes and binding go
 * on in the background while the next pod is tried, the pod being assumed on its node meanwhile.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #informers: InformerFactory;
  readonly #nodes: Informer<Node>;
  readonly #pods: Informer<Pod>;
  readonly #objects: LiveObjects;
  readonly #cache: Cache;
  readonly #nominator = new Nominator();
  readonly #profiles: Profiles;
  readonly #queue: SchedulingQueue;
  readonly #recorders = new Map<string, EventRecorder>();
  readonly #work = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  #bindings = 0;
  #slot: (() => void) | undefined;

  private constructor(options: SchedulerOptions, informers: InformerFactory, objects: LiveObjects) {
    const { client, clock, random, profiles } = options;
    this.#options = options;
    this.#informers = informers;
    this.#objects = objects;
    this.#cache = new Cache(objects, this.#nominator);
    this.#profiles = new Profiles(profiles, this.#cache, random);
    this.#queue = new SchedulingQueue({
      clock,
      plugins: this.#profiles,
      cluster: this.#cache,
      initialBackoffMs: options.podInitialBackoffMs,
      maxBackoffMs: options.podMaxBackoffMs,
    });
    this.#nodes = informers.informer(client.nodes);
    this.#pods = informers.informer(client.pods);
    const seen = { cache: this.#cache, queue: this.#queue, nominator: this.#nominator, profiles: this.#profiles };
    this.#nodes.addHandler(handleNodes(seen));
    this.#pods.addHandler(handlePods(seen));
  }

  static async create(options: SchedulerOptions): Promise<Scheduler> {
    const { client, log, clock, random } = options;
    const informers = new InformerFactory({ log, clock, random });
    let tell: (event: ClusterEvent) => void = () => undefined;
    const objects = await LiveObjects.create(client, informers, log, (event) => tell(event));
    const scheduler = new Scheduler(options, informers, objects);
    tell = (event) => scheduler.#queue.onEvent(event);
    return scheduler;
  }

  /** Schedules until the signal aborts; then waits for the bindings under way. */
  async run(signal: AbortSignal): Promise<void> {
    this.#informers.start(signal);
    const stop = () => {
      this.#stopping.abort(signal.reason);
      this.#queue.close();
      this.#slot?.();
    };
    signal.addEventListener("abort", stop, { once: true });
    const expiry = this.#expire();
    try {
      await this.#informers.synced(signal);
      for (let entry = await this.#queue.next(); entry !== undefined; entry = await this.#queue.next()) {
        this.#schedule(entry);
        await this.#freeSlot();
        // One pod per turn of the event loop: what the watches bring is seen before the next choice.
        await new Promise(setImmediate);
      }
    } finally {
      expiry.cancel();
      stop();
      await Promise.allSettled(this.#work);
      await Promise.all([...this.#recorders.values()].map((recorder) => recorder.flush()));
    }
  }

  #schedule(entry: QueuedPod): void {
    const { pod } = entry;
    const profile = this.#profiles.for(pod.pod);
    if (profile === undefined || this.#cache.isAssumed(pod.key) || pod.pod.metadata.deletionTimestamp !== undefined) {
      this.#queue.done(entry);
      return;
    }
    try {
      const placement = profile.finder.find(pod);
      if (placement.kind === "node") this.#place(entry, placement, profile);
      else this.#giveUp(entry, placement, profile);
    } catch (error) {
      this.#fail(entry, (error as Error).message);
    }
  }

  #place(entry: QueuedPod, { node, state, feasible }: Found, profile: ActiveProfile): void {
    const { pod } = entry;
    profile.framework.reserve(pod, node, state);
    this.#cache.assume(pod, node.name);
    if (this.#nominator.nodeOf(pod.key) !== node.name) this.#releasePromise(pod);
    this.#nominator.delete(pod.key);
    this.#bindings++;
    this.#inBackground(
      this.#bind(entry, node.name, state, profile, feasible).finally(() => {
        this.#bindings--;
        this.#slot?.();
      }),
    );
  }

  async #bind(
    entry: QueuedPod,
    nodeName: string,
    state: CycleState,
    { framework }: ActiveProfile,
    feasible: number,
  ): Promise<void> {
    const { pod } = entry;
    const { log, clock } = this.#options;
    const context = this.#bindContext();
    try {
      if (framework.mustWait(state)) {
        const refusal = await framework.permit(pod, nodeName, context);
        if (refusal !== undefined) {
          this.#unassume(pod, nodeName, state, framework);
          this.#queue.park(entry, new Set([refusal.plugin]));
          await this.#say(pod, { reason: "Unschedulable", message: refusal.reasons.join(", ") });
          return;
        }
        await framework.preBind(pod, nodeName, state, context);
      }
      // Nothing that plugins could be asked about can go wrong from here on: events need not be kept for this pod.
      this.#queue.done(entry);
      await framework.bind(pod, nodeName, context).catch((error: Error) => {
        throw new Error(`running Bind plugin "DefaultBinder": ${error.message}`, { cause: error });
      });
    } catch (error) {
      this.#unassume(pod, nodeName, state, framework);
      if (this.#stopping.signal.aborted || this.#isGone(pod, error)) {
        this.#queue.done(entry);
        return;
      }
      this.#fail(entry, `binding rejected: ${(error as Error).message}`);
      return;
    }
    this.#cache.expireAt(pod.key, clock.monotonic() + assumedForMs);
    framework.postBind(pod, nodeName);
    log("info", "bound", { pod: pod.key, node: nodeName, feasible });
    const { namespace, name } = pod.pod.metadata;
    this.#recorder(pod).event(
      pod.pod,
      "Normal",
      "Scheduled",
      `Successfully assigned ${namespace}/${name} to ${nodeName}`,
    );
  }

  /** What the pod was to have is free again, and that may help others. */
  #unassume(pod: PodInfo, nodeName: string, state: CycleState, framework: ActiveProfile["framework"]): void {
    framework.unreserve(pod, nodeName, state);
    this.#cache.forget(pod.key);
    this.#queue.onEvent({ kind: "AssignedPodDelete", pod: pod.pod, nodeName });
  }

  #giveUp(entry: QueuedPod, placement: NotFound, { framework }: ActiveProfile): void {
    const { pod } = entry;
    const { refusals, rejectedBy, state, nodeCount, preFilterMessage } = placement;
    const way: PostFilterResult =
      nodeCount === 0 ? { kind: "none", message: "", nomination: "keep" } : framework.postFilter(pod, refusals, state);
    const message = fitMessage({
      nodeCount,
      preFilterMessage,
      reasonsOfNodes: refusals.values().map(({ reasons }) => reasons),
      postFilterMessage: way.kind === "none" ? way.message : "",
    });
    if (way.kind === "nominated") {
      this.#nominator.set(pod, way.node);
      this.#inBackground(this.#preempt(entry, way, rejectedBy));
    } else {
      if (way.nomination === "clear") this.#releasePromise(pod);
      this.#queue.park(entry, rejectedBy);
    }
    const nominatedNodeName = way.kind === "nominated" ? way.node : way.nomination === "clear" ? "" : undefined;
    this.#inBackground(this.#say(pod, { reason: "Unschedulable", message, nominatedNodeName }));
  }

  /** Room that was kept for the pod is there for others. */
  #releasePromise({ key, pod }: PodInfo): void {
    const nodeName = this.#nominator.delete(key);
    if (nodeName !== undefined) this.#queue.onEvent({ kind: "AssignedPodDelete", pod, nodeName });
  }

  /** The pod stays in flight until its victims have been told to go: the events of their leaving must find it. */
  async #preempt(
    entry: QueuedPod,
    { node, victims }: Extract<PostFilterResult, { kind: "nominated" }>,
    rejectedBy: ReadonlySet<string>,
  ): Promise<void> {
    const { pod } = entry;
    const { client, clock, log } = this.#options;
    log("info", "preempts", { pod: pod.key, node, victims: victims.map(({ key }) => key).join(",") });
    const displaced = this.#nominator.onNode(node).filter(({ priority }) => priority < pod.priority);
    for (const { key } of displaced) this.#nominator.delete(key);
    const cleared = displaced.map((other) => clearNomination(other, client));
    const tools = { client, clock, recorder: this.#recorder(pod) };
    const results = await Promise.allSettled([...victims.map((victim) => evict(victim, pod, node, tools)), ...cleared]);
    const failure = results.find((result) => result.status === "rejected");
    if (failure === undefined) this.#queue.park(entry, rejectedBy);
    else {
      log("warn", "preemption failed", { pod: pod.key, node, error: (failure.reason as Error).message });
      this.#queue.retry(entry);
    }
  }

  /** The try ended by an error, not by a verdict. */
  #fail(entry: QueuedPod, message: string): void {
    this.#options.log("warn", "could not schedule", { pod: entry.pod.key, error: message });
    this.#queue.retry(entry);
    this.#inBackground(this.#say(entry.pod, { reason: "SchedulerError", message }));
  }

  async #say({ pod, key }: PodInfo, status: UnscheduledStatus): Promise<void> {
    // What is known by now, which may be newer than what was tried.
    const now = this.#pods.lister.getByKey(key) ?? pod;
    this.#recorder({ pod }).event(now, "Warning", "FailedScheduling", shortened(status.message));
    await writeUnscheduled(now, status, this.#options.client, this.#options.clock);
  }

  #isGone(pod: PodInfo, error: unknown): boolean {
    const now = this.#pods.lister.getByKey(pod.key);
    if (now === undefined || now.metadata.uid !== pod.pod.metadata.uid) return true;
    return isNotFound((error as Error).cause ?? error) || Boolean(now.spec?.nodeName);
  }

  #recorder({ pod }: Pick<PodInfo, "pod">): EventRecorder {
    const component = this.#profiles.for(pod)?.framework.profile.schedulerName ?? "default-scheduler";
    let recorder = this.#recorders.get(component);
    if (recorder === undefined) {
      const { client, log, clock } = this.#options;
      recorder = new EventRecorder(client, { component, log, clock });
      this.#recorders.set(component, recorder);
    }
    return recorder;
  }

  #bindContext(): BindContext {
    return {
      client: this.#options.client,
      cluster: this.#cache,
      signal: this.#stopping.signal,
      storageChanged: (signal) => this.#objects.storageChanged(signal),
    };
  }

  async #freeSlot(): Promise<void> {
    while (this.#bindings >= mostBindings && !this.#stopping.signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#slot = resolve;
      });
    }
  }

  #expire(): { cancel(): void } {
    const { clock, log } = this.#options;
    let timer: Timer;
    const look = () => {
      for (const pod of this.#cache.expire(clock.monotonic())) log("warn", "a bound pod never showed", { pod });
      timer = clock.after(expireEveryMs, look);
    };
    timer = clock.after(expireEveryMs, look);
    return { cancel: () => timer.cancel() };
  }

  #inBackground(work: Promise<void>): void {
    const settled = work.catch((error: unknown) => {
      if (isNotFound(error) || isConflict(error)) return; // The pod is gone, or another one of its name is there.
      this.#options.log("warn", "scheduling went on without this", { error: (error as Error).message });
    });
    this.#work.add(settled);
    void settled.finally(() => this.#work.delete(settled));
  }
}
