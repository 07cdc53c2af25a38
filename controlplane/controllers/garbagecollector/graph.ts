import type { OwnerReference } from "../../api/mod.ts";
import { apiVersionOf, type KubernetesObject, type ResourceDefinition } from "../../client/mod.ts";

export const orphanFinalizer = "orphan";
export const foregroundFinalizer = "foregroundDeletion";

/** Where an object is. */
export interface Identity {
  readonly apiVersion: string;
  readonly kind: string;
  /** Undefined for objects outside namespaces. */
  readonly namespace: string | undefined;
  readonly name: string;
  readonly uid: string;
}

/** What an object is to the collector. */
export interface GraphNode {
  identity: Identity;
  owners: readonly OwnerReference[];
  /** Uids of the objects that name this one as an owner. */
  readonly dependents: Set<string>;
  /** It has a deletion timestamp. */
  beingDeleted: boolean;
  /** It waits for its blocking dependents to go first (foreground deletion). */
  deletingDependents: boolean;
  /** It wants its dependents to lose it before it goes. */
  orphaning: boolean;
  /** Only heard of, as an owner: no watch has shown it. */
  virtual: boolean;
}

/** What a change of the graph calls for. */
export interface Work {
  /** Uids to ask: may this object go? */
  readonly attemptToDelete: readonly string[];
  /** Uids whose dependents are to be released. */
  readonly attemptToOrphan: readonly string[];
}

/**
 * Who owns whom. Fed by watches in any order, so owners may be unknown when their dependents come: such owners become virtual nodes,
 * which are asked of the server. Invariant: `b` is in `a.dependents` exactly if `b`'s node names `a` as an owner.
 */
export class Graph {
  readonly #nodes = new Map<string, GraphNode>();

  get size(): number {
    return this.#nodes.size;
  }

  get(uid: string): GraphNode | undefined {
    return this.#nodes.get(uid);
  }

  dependentsOf(uid: string): GraphNode[] {
    return [...(this.#nodes.get(uid)?.dependents ?? [])].flatMap((dependent) => this.#nodes.get(dependent) ?? []);
  }

  /** A watch shows the object as it is now. */
  observe(resource: ResourceDefinition, { metadata }: KubernetesObject): Work {
    const { uid = "", namespace, name, ownerReferences = [], finalizers = [], deletionTimestamp } = metadata;
    const identity = { apiVersion: apiVersionOf(resource), kind: resource.kind, namespace, name, uid };
    const node = this.#nodes.get(uid) ?? this.#add(identity);
    const before = { owners: node.owners, deletingDependents: node.deletingDependents, orphaning: node.orphaning };
    node.identity = identity;
    node.virtual = false;
    node.beingDeleted = deletionTimestamp !== undefined;
    node.deletingDependents = node.beingDeleted && finalizers.includes(foregroundFinalizer);
    node.orphaning = node.beingDeleted && finalizers.includes(orphanFinalizer);
    this.#link(node, ownerReferences);
    const ask = new Set<string>();
    for (const owner of this.#removedOwners(before.owners, ownerReferences)) {
      // An owner that waits for its dependents may have waited for this one.
      if (this.#nodes.get(owner)?.deletingDependents) ask.add(owner);
    }
    for (const owner of ownerReferences) {
      const unblocks =
        before.owners.find(({ uid: it }) => it === owner.uid)?.blockOwnerDeletion && !owner.blockOwnerDeletion;
      if (unblocks && this.#nodes.get(owner.uid)?.deletingDependents) ask.add(owner.uid);
    }
    // Also when nothing changed: its owner may have vanished while nobody watched, and asking is cheap.
    if (ownerReferences.length > 0 && this.#mayBeGarbage(node, before.owners, ownerReferences)) ask.add(uid);
    if (node.deletingDependents && !before.deletingDependents) {
      ask.add(uid);
      for (const dependent of node.dependents) ask.add(dependent);
    }
    return { attemptToDelete: [...ask], attemptToOrphan: node.orphaning && !before.orphaning ? [uid] : [] };
  }

  /** A watch, or the server when asked, shows that the object is gone. */
  remove(uid: string): Work {
    const node = this.#nodes.get(uid);
    if (node === undefined) return { attemptToDelete: [], attemptToOrphan: [] };
    const ask = [...node.dependents];
    for (const owner of node.owners) {
      if (this.#nodes.get(owner.uid)?.deletingDependents) ask.push(owner.uid);
    }
    this.#link(node, []);
    if (node.dependents.size === 0) this.#nodes.delete(uid);
    else {
      // Stays as a name until its dependents are gone or have let go of it.
      node.virtual = true;
      node.beingDeleted = false;
      node.deletingDependents = false;
      node.orphaning = false;
    }
    return { attemptToDelete: ask, attemptToOrphan: [] };
  }

  #add(identity: Identity): GraphNode {
    const node: GraphNode = {
      identity,
      owners: [],
      dependents: new Set(),
      beingDeleted: false,
      deletingDependents: false,
      orphaning: false,
      virtual: true,
    };
    this.#nodes.set(identity.uid, node);
    return node;
  }

  #link(node: GraphNode, owners: readonly OwnerReference[]): void {
    const { uid, namespace } = node.identity;
    for (const gone of this.#removedOwners(node.owners, owners)) {
      const owner = this.#nodes.get(gone);
      owner?.dependents.delete(uid);
      if (owner?.virtual && owner.dependents.size === 0) this.#nodes.delete(gone);
    }
    for (const { uid: ownerUid, apiVersion, kind, name } of owners) {
      const owner = this.#nodes.get(ownerUid) ?? this.#add({ apiVersion, kind, namespace, name, uid: ownerUid });
      owner.dependents.add(uid);
    }
    node.owners = owners;
  }

  #removedOwners(before: readonly OwnerReference[], now: readonly OwnerReference[]): string[] {
    return before.map(({ uid }) => uid).filter((uid) => !now.some((owner) => owner.uid === uid));
  }

  /** New owners, lost owners, or an owner that is unknown or on its way out: only then is there something to find out. */
  #mayBeGarbage(node: GraphNode, before: readonly OwnerReference[], now: readonly OwnerReference[]): boolean {
    const suspicious = (owner: GraphNode | undefined) =>
      owner === undefined || owner.virtual || owner.deletingDependents;
    return (
      !node.beingDeleted &&
      (this.#removedOwners(before, now).length > 0 || now.some(({ uid }) => suspicious(this.#nodes.get(uid))))
    );
  }
}
