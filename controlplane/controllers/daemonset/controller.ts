import type { DaemonSet, Node, Pod } from "../../api/mod.ts";
import {
  type EventRecorder,
  type Informer,
  keyOf,
  type ObjectKey,
  type Requeue,
  splitKey,
  type WorkQueue,
} from "../../client/mod.ts";
import { claim, claimable, planClaims, staysOnServer } from "../common/claims.ts";
import { type Controller, type ControllerContext, controllerQueue, recorderFor } from "../common/controller.ts";
import { sameJson } from "../common/equality.ts";
import { Expectations } from "../common/expectations.ts";
import { selectsAll } from "../common/label-selector.ts";
import { followPods } from "../common/owned-pods.ts";
import { controllerReference } from "../common/owners.ts";
import { PodControl } from "../common/pod-control.ts";
import { availableInMs } from "../common/pods.ts";
import { RevisionHistory } from "../history/history.ts";
import { surplusRevisions, templatePatch } from "../history/revisions.ts";
import { hashLabel, nodeOf, podFor } from "./daemon-pod.ts";
import { FailureBackoff } from "./failure-backoff.ts";
import type { Observed } from "./places.ts";
import { type Plan, plan, statusOf } from "./plan.ts";

/** Created or deleted at most in one go. */
const burst = 250;

/** Keeps one pod on every node that should have one. */
export class DaemonSetController implements Controller {
  readonly name = "daemonset-controller";
  readonly workers = 2;
  readonly queue: WorkQueue;
  readonly #context: ControllerContext;
  readonly #sets: Informer<DaemonSet>;
  readonly #pods: Informer<Pod>;
  readonly #nodes: Informer<Node>;
  readonly #history: RevisionHistory;
  readonly #expectations: Expectations;
  readonly #events: EventRecorder;
  readonly #podControl: PodControl;
  readonly #backoff: FailureBackoff;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.queue = controllerQueue(this.name, context);
    this.#expectations = new Expectations(context.clock);
    this.#events = recorderFor(this.name, context);
    this.#podControl = new PodControl(context.client, this.#events, this.#expectations);
    this.#history = new RevisionHistory(context);
    this.#backoff = new FailureBackoff(context.clock);
    this.#sets = context.informers.informer(context.client.daemonSets);
    this.#pods = context.informers.informer(context.client.pods);
    this.#nodes = context.informers.informer(context.client.nodes);
    this.#sets.addHandler({
      onAdd: (set) => this.queue.add(keyOf(set)),
      onUpdate: (_, set) => this.queue.add(keyOf(set)),
      onDelete: (set) => this.#expectations.forget(keyOf(set)),
    });
    followPods({
      pods: this.#pods,
      owners: this.#sets,
      kind: "DaemonSet",
      selectorOf: ({ spec }) => spec.selector,
      queue: this.queue,
      expectations: this.#expectations,
    });
    const everySet = () => {
      for (const set of this.#sets.lister.list()) this.queue.add(keyOf(set));
    };
    this.#nodes.addHandler({
      onAdd: everySet,
      // Nodes report every few seconds; only what pods can select or must tolerate is news.
      onUpdate: (old, node) => {
        const same =
          sameJson(old.metadata.labels, node.metadata.labels) && sameJson(old.spec?.taints, node.spec?.taints);
        if (!same) everySet();
      },
      onDelete: everySet,
    });
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Requeue | undefined> {
    const { namespace, name } = splitKey(key);
    const set = this.#sets.lister.get(namespace, name);
    if (set === undefined) return; // deleted: the garbage collector owns what is left
    if (selectsAll(set.spec.selector)) {
      const message = "This daemon set is selecting all pods. A non-empty selector is required.";
      this.#events.event(set, "Warning", "SelectingAll", message);
      return;
    }
    const { client, clock } = this.#context;
    const cacheIsFresh = this.#expectations.satisfied(key);
    const reference = controllerReference(set, "apps/v1", "DaemonSet");
    const stays = staysOnServer(client.daemonSets, set, signal);
    const claims = planClaims(set, set.spec.selector, claimable(this.#pods.lister, set));
    const pods = await claim(client.pods, reference, claims, stays, signal);
    const revisions = await this.#history.of(set, reference, set.spec.selector, stays, signal);
    const snapshot = {
      owner: set,
      reference,
      data: templatePatch(set.spec.template),
      labels: set.spec.template.metadata?.labels ?? {},
      hashLabel,
      collisionCount: set.status?.collisionCount,
    };
    const { revision, collisionCount } = await this.#history.ensure(snapshot, revisions, signal);
    const hash = revision.metadata.labels?.[hashLabel] ?? "";
    const backsOff = (pod: Pod) => this.#backoff.leftMs(placeKey(set, pod)) > 0;
    const observed: Observed = { set, nodes: this.#nodes.lister.list(), pods, hash, backsOff, nowMs: clock.now() };
    let failure: unknown;
    if (cacheIsFresh && set.metadata.deletionTimestamp === undefined) {
      failure = await this.#carryOut(key, set, hash, plan(observed), signal);
    }
    const status = statusOf(observed, collisionCount);
    if (!sameJson(status, set.status)) await client.daemonSets.updateStatus({ ...set, status }, { signal });
    if (failure !== undefined) throw failure;
    const live = new Set([hash, ...pods.map(({ metadata }) => metadata.labels?.[hashLabel])]);
    const surplus = surplusRevisions(
      revisions,
      ({ metadata }) => metadata.name === revision.metadata.name || live.has(metadata.labels?.[hashLabel]),
      set.spec.revisionHistoryLimit,
    );
    await this.#history.remove(surplus, signal);
    return this.#nextLook(set, pods);
  }

  async #carryOut(key: ObjectKey, set: DaemonSet, hash: string, todo: Plan, signal: AbortSignal): Promise<unknown> {
    for (const pod of todo.finished) {
      const failed = pod.status?.phase === "Failed";
      if (failed) this.#backoff.failed(placeKey(set, pod));
      const what = `daemon pod ${keyOf(pod)} on node ${nodeOf(pod)}`;
      if (failed) this.#events.event(set, "Warning", "FailedDaemonPod", `Found failed ${what}, will try to kill it`);
      else this.#events.event(set, "Normal", "SucceededDaemonPod", `Found succeeded ${what}, will try to delete it`);
    }
    const pods = todo.create.slice(0, burst).map((node) => podFor(set, hash, node));
    // Deletions happen even if creations fail: another set's pods may only fit when these are gone.
    const outcomes = await Promise.allSettled([
      this.#podControl.create(key, set, pods, signal),
      this.#podControl.delete(key, set, todo.remove.slice(0, burst), signal),
    ]);
    return outcomes.find((outcome) => outcome.status === "rejected")?.reason;
  }

  /** When the next pod becomes available, or a failed one may be replaced. */
  #nextLook(set: DaemonSet, pods: readonly Pod[]): Requeue | undefined {
    const nowMs = this.#context.clock.now();
    const waits = pods.map((pod) =>
      pod.status?.phase === "Failed"
        ? this.#backoff.leftMs(placeKey(set, pod))
        : (availableInMs(pod, set.spec.minReadySeconds ?? 0, nowMs) ?? 0),
    );
    const next = Math.min(...waits.filter((wait) => wait > 0));
    return Number.isFinite(next) ? { afterMs: next } : undefined;
  }
}

function placeKey(set: DaemonSet, pod: Pod): string {
  return `${set.metadata.uid}/${nodeOf(pod)}`;
}
