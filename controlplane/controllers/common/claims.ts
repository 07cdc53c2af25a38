import type { LabelSelector, OwnerReference } from "../../api/mod.ts";
import { isNotFound, type KubernetesObject, type Lister, type ResourceClient } from "../../client/mod.ts";
import { selects } from "./label-selector.ts";
import { controllerOf } from "./owners.ts";

export interface Claims<T> {
  readonly owned: readonly T[];
  /** Orphans that the selector takes. */
  readonly adopt: readonly T[];
  /** Ours by reference, no longer by selector. */
  readonly release: readonly T[];
}

/** All that can concern an owner: what it controls, and what nobody does. Never the whole namespace. */
export function claimable<T extends KubernetesObject>(lister: Lister<T>, owner: KubernetesObject): T[] {
  const { namespace = "", uid = "" } = owner.metadata;
  return [...lister.ownedBy(uid), ...lister.orphansIn(namespace)];
}

/**
 * Asks the server, not the cache, whether an owner still exists and stays: nothing may be adopted by what is being deleted. What it
 * returns is for `claim`.
 */
export function staysOnServer<T extends KubernetesObject>(
  client: ResourceClient<T>,
  owner: T,
  signal: AbortSignal,
): () => Promise<boolean> {
  return async () => {
    const { namespace, name = "", uid } = owner.metadata;
    const fresh = await client.get(namespace, name, { signal });
    return fresh.metadata.uid === uid && fresh.metadata.deletionTimestamp === undefined;
  };
}

/** Who belongs to an owner: by reference and selector both. Objects of other controllers are left alone. */
export function planClaims<T extends KubernetesObject>(
  owner: KubernetesObject,
  selector: LabelSelector | undefined,
  objects: readonly T[],
): Claims<T> {
  const owned: T[] = [];
  const adopt: T[] = [];
  const release: T[] = [];
  const ownerGoes = owner.metadata.deletionTimestamp !== undefined;
  for (const object of objects) {
    const controller = controllerOf(object);
    const taken = selects(selector, object.metadata.labels);
    if (controller !== undefined) {
      if (controller.uid !== owner.metadata.uid) continue;
      if (taken) owned.push(object);
      else if (!ownerGoes) release.push(object);
    } else if (taken && !ownerGoes && object.metadata.deletionTimestamp === undefined) adopt.push(object);
  }
  return { owned, adopt, release };
}

/**
 * Carries the claims out and returns what is owned afterwards. `canAdopt` asks the server whether the owner still exists and stays:
 * the cache may not know yet that it is being deleted. The uid in each patch makes sure that it meets the object that was meant.
 */
export async function claim<T extends KubernetesObject>(
  client: ResourceClient<T>,
  reference: OwnerReference,
  claims: Claims<T>,
  canAdopt: () => Promise<boolean>,
  signal: AbortSignal,
  finalizers?: readonly string[],
): Promise<T[]> {
  const owned = [...claims.owned];
  if (claims.adopt.length > 0 && (await canAdopt())) {
    for (const object of claims.adopt) {
      const { namespace, name, uid } = object.metadata;
      const patch = {
        metadata: { uid, ownerReferences: [reference], ...(finalizers === undefined ? {} : { finalizers }) },
      };
      const adopted = await ignoreGone(client.patch(namespace, name, "strategic", patch, { signal }));
      if (adopted !== undefined) owned.push(adopted);
    }
  }
  for (const object of claims.release) {
    const { namespace, name, uid } = object.metadata;
    const drop = finalizers === undefined ? {} : { "$deleteFromPrimitiveList/finalizers": finalizers };
    const patch = { metadata: { uid, ownerReferences: [{ $patch: "delete", uid: reference.uid }], ...drop } };
    await ignoreGone(client.patch(namespace, name, "strategic", patch, { signal }));
  }
  return owned;
}

async function ignoreGone<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
