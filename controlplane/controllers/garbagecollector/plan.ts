import type { OwnerReference } from "../../api/mod.ts";
import { foregroundFinalizer, orphanFinalizer } from "./graph.ts";

/** What became of an owner, according to the server. */
export type OwnerState =
  /** It exists and stays. */
  | "solid"
  /** It does not exist. */
  | "dangling"
  /** It exists and waits for its dependents to go first. */
  | "waiting";

export type PropagationPolicy = "Orphan" | "Background" | "Foreground";

export type Decision =
  | { readonly kind: "keep" }
  /** Some owner stays: only the references to others go. */
  | { readonly kind: "dropReferences"; readonly uids: readonly string[] }
  | { readonly kind: "delete"; readonly policy: PropagationPolicy; readonly unblockOwners: boolean };

export interface Dependent {
  readonly owners: readonly { readonly reference: OwnerReference; readonly state: OwnerState }[];
  readonly finalizers: readonly string[];
  readonly hasDependents: boolean;
  /** One of its own dependents deletes in the foreground too: a cycle would wait for itself. */
  readonly dependentsDelete: boolean;
}

/** May an object stay? It does as long as one owner does; without owners left it goes, in the manner its finalizers ask for. */
export function decide({ owners, finalizers, hasDependents, dependentsDelete }: Dependent): Decision {
  const solid = owners.filter(({ state }) => state === "solid");
  const others = owners.filter(({ state }) => state !== "solid").map(({ reference }) => reference.uid);
  if (owners.length === 0) return { kind: "keep" };
  if (solid.length > 0) return others.length === 0 ? { kind: "keep" } : { kind: "dropReferences", uids: others };
  const waiting = owners.some(({ state }) => state === "waiting");
  if (waiting && hasDependents) return { kind: "delete", policy: "Foreground", unblockOwners: dependentsDelete };
  const asked: PropagationPolicy = finalizers.includes(orphanFinalizer)
    ? "Orphan"
    : finalizers.includes(foregroundFinalizer)
      ? "Foreground"
      : "Background";
  return { kind: "delete", policy: asked, unblockOwners: false };
}
