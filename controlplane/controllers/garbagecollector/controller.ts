import type { OwnerReference } from "../../api/mod.ts";
import {
  apiVersionOf,
  isConflict,
  isNotFound,
  type KubernetesObject,
  type Requeue,
  type ResourceDefinition,
  sleep,
  type WorkQueue,
} from "../../client/mod.ts";
import { type Controller, type ControllerContext, controllerQueue } from "../common/controller.ts";
import { discover, type ServedResource } from "../common/discovery.ts";
import { foregroundFinalizer, Graph, type GraphNode, type Identity, orphanFinalizer, type Work } from "./graph.ts";
import { Monitors } from "./monitors.ts";
import { decide, type OwnerState } from "./plan.ts";

/** How often is looked for kinds that came or went. */
const discoverEveryMs = 30_000;
/** Asked again this soon while not all kinds are listed. */
const syncRetryMs = 200;

type Live = KubernetesObject;

/**
 * Deletes what lost all its owners, lets owners wait for their dependents (foreground) or lose them (orphan). Every decision is made
 * on what the server says now; the graph only tells whom to ask about.
 */
export class GarbageCollector implements Controller {
  readonly name = "garbage-collector-controller";
  readonly workers = 10;
  /** Keys are uids, those of orphaning owners with a prefix. */
  readonly queue: WorkQueue;
  readonly #context: ControllerContext;
  readonly #graph = new Graph();
  readonly #monitors: Monitors;
  /** By apiVersion and kind. */
  #kinds = new Map<string, ServedResource>();
  #discovered = false;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.queue = controllerQueue(this.name, context);
    // A server that goes away would be reported once per kind; the informers report it already.
    const quietly: ControllerContext["log"] = (level, message, fields) => {
      context.log(level === "warn" ? "debug" : level, message, fields);
    };
    const options = { ...context, log: quietly };
    this.#monitors = new Monitors(context.client, this.#graph, options, (work) => this.#enqueue(work));
  }

  /** Follows the kinds that are served, also those that come later. */
  async run(signal: AbortSignal): Promise<void> {
    const { client, clock, log } = this.#context;
    while (!signal.aborted) {
      let waitMs = discoverEveryMs;
      try {
        const { resources, failures } = await discover(client, signal);
        for (const [groupVersion, error] of failures)
          log("warn", `${this.name}: discovery failed`, { groupVersion, error });
        // What a failing group served stays watched: it is not gone, only silent.
        const silent = [...this.#kinds.values()].filter((kind) => failures.has(apiVersionOf(kind)));
        const all = [...resources, ...silent];
        this.#kinds = new Map(all.map((resource) => [kindKey(apiVersionOf(resource), resource.kind), resource]));
        this.#monitors.follow(all, signal);
        this.#discovered = true;
      } catch (error) {
        if (signal.aborted) return;
        log("warn", `${this.name}: discovery failed`, { error: (error as Error).message });
        waitMs = 1000;
      }
      await sleep(clock, waitMs, signal).catch(() => undefined);
    }
  }

  async reconcile(key: string, signal: AbortSignal): Promise<Requeue | undefined> {
    if (!this.#discovered || !this.#monitors.synced) return { afterMs: syncRetryMs };
    if (key.startsWith(orphanPrefix)) return this.#orphanDependents(key.slice(orphanPrefix.length), signal);
    return this.#attemptToDelete(key, signal);
  }

  async #attemptToDelete(uid: string, signal: AbortSignal): Promise<undefined> {
    const node = this.#graph.get(uid);
    if (node === undefined || (node.beingDeleted && !node.deletingDependents)) return;
    const live = await this.#read(node.identity, signal);
    // Gone, or another object under the same name: for those who depended on it that is the same.
    if (live === undefined) {
      this.#enqueue(this.#graph.remove(uid));
      return;
    }
    if (live === "unknownKind") return;
    if (node.deletingDependents) return this.#finishForeground(node, live, signal);
    const references = live.metadata.ownerReferences ?? [];
    const owners = await Promise.all(
      references.map(async (reference) => ({
        reference,
        state: await this.#stateOf(reference, node.identity, signal),
      })),
    );
    const dependents = this.#graph.dependentsOf(uid);
    const decision = decide({
      owners,
      finalizers: live.metadata.finalizers ?? [],
      hasDependents: dependents.length > 0,
      dependentsDelete: dependents.some(({ deletingDependents }) => deletingDependents),
    });
    if (decision.kind === "dropReferences") await this.#dropReferences(node.identity, live, decision.uids, signal);
    else if (decision.kind === "delete") {
      if (decision.unblockOwners) await this.#unblock(node.identity, live, signal);
      await this.#delete(node.identity, live, decision.policy, signal);
    }
  }

  /** Lets an owner go whose blocking dependents are gone. */
  async #finishForeground(node: GraphNode, live: Live, signal: AbortSignal): Promise<undefined> {
    const { uid } = node.identity;
    const blocking = this.#graph
      .dependentsOf(uid)
      .filter(({ owners }) => owners.some((owner) => owner.uid === uid && owner.blockOwnerDeletion === true));
    if (blocking.length === 0) await this.#removeFinalizer(node.identity, live, foregroundFinalizer, signal);
    else for (const dependent of blocking) if (!dependent.deletingDependents) this.queue.add(dependent.identity.uid);
  }

  async #orphanDependents(uid: string, signal: AbortSignal): Promise<undefined> {
    const node = this.#graph.get(uid);
    if (node === undefined || !node.orphaning) return;
    for (const { identity } of this.#graph.dependentsOf(uid)) {
      const live = await this.#read(identity, signal);
      if (live === undefined || live === "unknownKind") continue;
      await this.#dropReferences(identity, live, [uid], signal);
    }
    const owner = await this.#read(node.identity, signal);
    if (owner === undefined || owner === "unknownKind") return;
    await this.#removeFinalizer(node.identity, owner, orphanFinalizer, signal);
  }

  /** Asks the graph first: an owner that a watch shows, and that stays, needs no request. */
  async #stateOf(reference: OwnerReference, dependent: Identity, signal: AbortSignal): Promise<OwnerState> {
    const known = this.#graph.get(reference.uid);
    if (known !== undefined && !known.virtual && !known.beingDeleted) {
      // A reference across namespaces does not count: it names an object that cannot exist there.
      const reachable = known.identity.namespace === undefined || known.identity.namespace === dependent.namespace;
      if (reachable) return "solid";
    }
    const { apiVersion, kind, name, uid } = reference;
    const live = await this.#read({ apiVersion, kind, name, uid, namespace: dependent.namespace }, signal);
    // A kind that is not served may be served again: nothing is deleted on a guess.
    if (live === "unknownKind") return "solid";
    if (live === undefined) return "dangling";
    const waits =
      live.metadata.deletionTimestamp !== undefined && live.metadata.finalizers?.includes(foregroundFinalizer);
    return waits ? "waiting" : "solid";
  }

  /** The object's metadata; undefined when it does not exist or its name belongs to another object now. */
  async #read(identity: Identity, signal: AbortSignal): Promise<Live | undefined | "unknownKind"> {
    const kind = this.#kinds.get(kindKey(identity.apiVersion, identity.kind)) ?? this.#otherVersion(identity);
    if (kind === undefined) return "unknownKind";
    try {
      const live = await this.#context.client
        .metadata(kind)
        .get(namespaceFor(kind, identity), identity.name, { signal });
      return live.metadata.uid === identity.uid ? live : undefined;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** References may name a version that is served besides the preferred one. */
  #otherVersion({ apiVersion, kind }: Identity): ServedResource | undefined {
    const group = apiVersion.includes("/") ? apiVersion.split("/")[0] : "";
    return [...this.#kinds.values()].find((served) => served.group === group && served.kind === kind);
  }

  async #delete(
    identity: Identity,
    live: Live,
    policy: "Orphan" | "Background" | "Foreground",
    signal: AbortSignal,
  ): Promise<void> {
    const { uid, resourceVersion } = live.metadata;
    const preconditions = { uid, resourceVersion };
    await this.#write(identity, (resource, namespace) =>
      resource.delete(namespace, identity.name, { propagationPolicy: policy, preconditions, signal }),
    );
    this.#context.log("debug", `${this.name}: deleted`, {
      kind: identity.kind,
      namespace: identity.namespace,
      name: identity.name,
    });
  }

  async #dropReferences(identity: Identity, live: Live, uids: readonly string[], signal: AbortSignal): Promise<void> {
    const ownerReferences = (live.metadata.ownerReferences ?? []).filter(({ uid }) => !uids.includes(uid));
    if (ownerReferences.length === live.metadata.ownerReferences?.length) return;
    await this.#patch(
      identity,
      live,
      { ownerReferences: ownerReferences.length === 0 ? null : ownerReferences },
      signal,
    );
  }

  async #unblock(identity: Identity, live: Live, signal: AbortSignal): Promise<void> {
    const ownerReferences = (live.metadata.ownerReferences ?? []).map((owner) => ({
      ...owner,
      blockOwnerDeletion: false,
    }));
    await this.#patch(identity, live, { ownerReferences }, signal);
    delete live.metadata.resourceVersion;
  }

  async #removeFinalizer(identity: Identity, live: Live, finalizer: string, signal: AbortSignal): Promise<undefined> {
    const before = live.metadata.finalizers ?? [];
    const finalizers = before.filter((it) => it !== finalizer);
    if (finalizers.length === before.length) return;
    await this.#patch(identity, live, { finalizers: finalizers.length === 0 ? null : finalizers }, signal);
  }

  /** Bound to the version that was read: whoever changed the object since is asked about again. */
  async #patch(
    identity: Identity,
    live: Live,
    metadata: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ): Promise<void> {
    const { uid, resourceVersion } = live.metadata;
    const patch = { metadata: { uid, resourceVersion, ...metadata } };
    await this.#write(identity, (resource, namespace) =>
      resource.patch(namespace, identity.name, "merge", patch, { signal }),
    );
  }

  async #write(
    identity: Identity,
    call: (
      resource: ReturnType<ControllerContext["client"]["metadata"]>,
      namespace: string | undefined,
    ) => Promise<unknown>,
  ): Promise<void> {
    const kind = this.#kinds.get(kindKey(identity.apiVersion, identity.kind)) ?? this.#otherVersion(identity);
    if (kind === undefined) return;
    try {
      await call(this.#context.client.metadata(kind), namespaceFor(kind, identity));
    } catch (error) {
      if (isNotFound(error)) return;
      // Changed since it was read: the change comes by watch or the retry reads it.
      if (isConflict(error)) this.queue.addAfter(identity.uid, syncRetryMs);
      throw error;
    }
  }

  #enqueue({ attemptToDelete, attemptToOrphan }: Work): void {
    for (const uid of attemptToDelete) this.queue.add(uid);
    for (const uid of attemptToOrphan) this.queue.add(orphanPrefix + uid);
  }
}

const orphanPrefix = "orphan:";

function kindKey(apiVersion: string, kind: string): string {
  return `${apiVersion} ${kind}`;
}

function namespaceFor(kind: ResourceDefinition, { namespace }: Identity): string | undefined {
  return kind.namespaced ? namespace : undefined;
}
