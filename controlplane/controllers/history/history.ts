import type { ControllerRevision, LabelSelector, OwnerReference } from "../../api/mod.ts";
import { type Informer, isAlreadyExists, isNotFound, type KubernetesObject } from "../../client/mod.ts";
import { claim, claimable, planClaims } from "../common/claims.ts";
import type { ControllerContext } from "../common/controller.ts";
import { canonicalJson, sameJson } from "../common/equality.ts";
import { hashName } from "../common/hash.ts";
import { controllerOf } from "../common/owners.ts";
import { planRevision } from "./revisions.ts";

/** Names a hash may be appended to and still fit. */
const maxPrefix = 223;

export interface Snapshot {
  readonly owner: KubernetesObject;
  readonly reference: OwnerReference;
  readonly data: unknown;
  readonly labels: Readonly<Record<string, string>>;
  /** The label that carries the hash. */
  readonly hashLabel: string;
  readonly collisionCount: number | undefined;
}

/** The revisions of a workload, kept as ControllerRevisions. */
export class RevisionHistory {
  readonly #context: ControllerContext;
  readonly #revisions: Informer<ControllerRevision>;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#revisions = context.informers.informer(context.client.controllerRevisions);
  }

  /** The owner's revisions, orphans that its selector takes adopted. */
  async of(
    owner: KubernetesObject,
    reference: OwnerReference,
    selector: LabelSelector | undefined,
    canAdopt: () => Promise<boolean>,
    signal: AbortSignal,
  ): Promise<ControllerRevision[]> {
    const claims = planClaims(owner, selector, claimable(this.#revisions.lister, owner));
    const { client } = this.#context;
    // Labels of a revision are those of the template at its time: one that the selector no longer takes is still the owner's.
    const kept = { owned: [...claims.owned, ...claims.release], adopt: claims.adopt, release: [] };
    return claim(client.controllerRevisions, reference, kept, canAdopt, signal);
  }

  /** The revision that says `data`, as the newest one. A name that is taken by another text is a collision: another name is tried. */
  async ensure(
    snapshot: Snapshot,
    revisions: readonly ControllerRevision[],
    signal: AbortSignal,
  ): Promise<{ readonly revision: ControllerRevision; readonly collisionCount: number | undefined }> {
    const { client } = this.#context;
    const step = planRevision(revisions, snapshot.data);
    if (step.kind === "current") return { revision: step.revision, collisionCount: snapshot.collisionCount };
    if (step.kind === "renumber") {
      const renumbered = { ...step.revision, revision: step.number };
      const revision = await client.controllerRevisions.update(renumbered, { signal });
      return { revision, collisionCount: snapshot.collisionCount };
    }
    for (let { collisionCount } = snapshot; ; collisionCount = (collisionCount ?? 0) + 1) {
      const wanted = revisionFor(snapshot, step.number, collisionCount);
      try {
        return { revision: await client.controllerRevisions.create(wanted, { signal }), collisionCount };
      } catch (error) {
        if (!isAlreadyExists(error)) throw error;
        const { namespace, name } = wanted.metadata;
        const existing = await client.controllerRevisions.get(namespace, name, { signal });
        // Ours from a moment ago, not in the cache yet.
        const ours = controllerOf(existing)?.uid === snapshot.owner.metadata.uid;
        if (ours && sameJson(existing.data, snapshot.data)) return { revision: existing, collisionCount };
      }
    }
  }

  async remove(revisions: readonly ControllerRevision[], signal: AbortSignal): Promise<void> {
    for (const { metadata } of revisions) {
      const { namespace, name, uid } = metadata;
      await this.#context.client.controllerRevisions
        .delete(namespace, name, { signal, preconditions: { uid } })
        .catch((error: unknown) => {
          if (!isNotFound(error)) throw error;
        });
    }
  }
}

function revisionFor(snapshot: Snapshot, number: number, collisionCount: number | undefined): ControllerRevision {
  const { owner, reference, data, labels, hashLabel } = snapshot;
  const hash = hashName(canonicalJson(data), collisionCount);
  const { name = "", namespace, annotations } = owner.metadata;
  return {
    apiVersion: "apps/v1",
    kind: "ControllerRevision",
    metadata: {
      name: `${name.slice(0, maxPrefix)}-${hash}`,
      namespace,
      labels: { ...labels, [hashLabel]: hash },
      annotations,
      ownerReferences: [reference],
    },
    data,
    revision: number,
  };
}
