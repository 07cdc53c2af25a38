import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { OwnerReference } from "../../api/mod.ts";
import type { KubernetesObject } from "../../client/mod.ts";
import { Graph } from "./graph.ts";
import { type Decision, type Dependent, decide, type OwnerState } from "./plan.ts";

const configMaps = { group: "", version: "v1", plural: "configmaps", kind: "ConfigMap", namespaced: true };

interface Traits {
  readonly owners?: readonly string[];
  readonly blocking?: boolean;
  readonly finalizers?: string[];
  readonly deleted?: boolean;
}

function reference(uid: string, blockOwnerDeletion = false): OwnerReference {
  return { apiVersion: "v1", kind: "ConfigMap", name: uid, uid, blockOwnerDeletion };
}

function object(
  uid: string,
  { owners = [], blocking = false, finalizers, deleted = false }: Traits = {},
): KubernetesObject {
  return {
    metadata: {
      name: uid,
      namespace: "default",
      uid,
      finalizers,
      ownerReferences: owners.map((owner) => reference(owner, blocking)),
      deletionTimestamp: deleted ? "2030-01-01T00:00:00Z" : undefined,
    },
  };
}

describe("whom to ask", () => {
  test("what names an owner that nobody has seen", () => {
    const graph = new Graph();
    expect(graph.observe(configMaps, object("child", { owners: ["parent"] })).attemptToDelete).toEqual(["child"]);
    expect(graph.get("parent")?.virtual).toBe(true);
  });

  test("nobody, while the owner is there", () => {
    const graph = new Graph();
    graph.observe(configMaps, object("parent"));
    expect(graph.observe(configMaps, object("child", { owners: ["parent"] })).attemptToDelete).toEqual([]);
  });

  test("all dependents of what is gone", () => {
    const graph = new Graph();
    graph.observe(configMaps, object("parent"));
    for (const uid of ["a", "b"]) graph.observe(configMaps, object(uid, { owners: ["parent"] }));
    expect(graph.remove("parent").attemptToDelete).toEqual(["a", "b"]);
  });

  test("an owner that is deleted in the foreground, its dependents, and it again when one is gone", () => {
    const graph = new Graph();
    graph.observe(configMaps, object("parent"));
    graph.observe(configMaps, object("child", { owners: ["parent"], blocking: true }));
    const waiting = object("parent", { finalizers: ["foregroundDeletion"], deleted: true });
    expect(graph.observe(configMaps, waiting).attemptToDelete).toEqual(["parent", "child"]);
    expect(graph.remove("child").attemptToDelete).toEqual(["parent"]);
  });

  test("an owner that leaves its dependents behind, once", () => {
    const graph = new Graph();
    graph.observe(configMaps, object("parent"));
    const orphaning = object("parent", { finalizers: ["orphan"], deleted: true });
    expect(graph.observe(configMaps, orphaning).attemptToOrphan).toEqual(["parent"]);
    expect(graph.observe(configMaps, orphaning).attemptToOrphan).toEqual([]);
  });

  test("what lost one of its owners by an edit", () => {
    const graph = new Graph();
    for (const uid of ["x", "y"]) graph.observe(configMaps, object(uid));
    graph.observe(configMaps, object("child", { owners: ["x", "y"] }));
    expect(graph.observe(configMaps, object("child", { owners: ["y"] })).attemptToDelete).toEqual(["child"]);
  });
});

test("in whatever order objects come, change and go: the graph holds exactly what they say, and nothing else", () => {
  const uids = ["a", "b", "c", "d"];
  const change = fc.record({
    uid: fc.constantFrom(...uids),
    owners: fc.subarray(uids),
    gone: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
      const graph = new Graph();
      const world = new Map<string, readonly string[]>();
      for (const { uid, owners, gone } of changes) {
        const others = owners.filter((owner) => owner !== uid);
        if (gone) {
          world.delete(uid);
          graph.remove(uid);
        } else {
          world.set(uid, others);
          graph.observe(configMaps, object(uid, { owners: others }));
        }
        const named = new Set([...world.keys(), ...[...world.values()].flat()]);
        expect(graph.size, "no node that nobody names").toBe(named.size);
        for (const owner of named) {
          const dependents = [...world].filter(([, names]) => names.includes(owner)).map(([it]) => it);
          expect(
            graph
              .dependentsOf(owner)
              .map(({ identity }) => identity.uid)
              .sort(),
          ).toEqual(dependents.sort());
          expect(graph.get(owner)?.virtual).toBe(!world.has(owner));
        }
      }
    }),
  );
});

describe("may an object stay?", () => {
  const owners = (...states: OwnerState[]) => states.map((state, i) => ({ reference: reference(`o${i}`), state }));
  const lone = { finalizers: [], hasDependents: false, dependentsDelete: false };

  test.each<[string, Dependent, Decision]>([
    ["nobody owns it", { ...lone, owners: [] }, { kind: "keep" }],
    ["its owner is there", { ...lone, owners: owners("solid") }, { kind: "keep" }],
    [
      "one of two owners is gone",
      { ...lone, owners: owners("solid", "dangling") },
      { kind: "dropReferences", uids: ["o1"] },
    ],
    [
      "one of two owners waits for it",
      { ...lone, owners: owners("waiting", "solid") },
      { kind: "dropReferences", uids: ["o0"] },
    ],
    [
      "its owner is gone",
      { ...lone, owners: owners("dangling") },
      { kind: "delete", policy: "Background", unblockOwners: false },
    ],
    [
      "its owner waits for it",
      { ...lone, owners: owners("waiting") },
      { kind: "delete", policy: "Background", unblockOwners: false },
    ],
    [
      "its owner waits for it, and it has dependents itself",
      { ...lone, owners: owners("waiting"), hasDependents: true },
      { kind: "delete", policy: "Foreground", unblockOwners: false },
    ],
    [
      "a cycle of such owners",
      { ...lone, owners: owners("waiting"), hasDependents: true, dependentsDelete: true },
      { kind: "delete", policy: "Foreground", unblockOwners: true },
    ],
    [
      "its owner is gone, and it was to orphan its dependents",
      { ...lone, owners: owners("dangling"), finalizers: ["orphan"] },
      { kind: "delete", policy: "Orphan", unblockOwners: false },
    ],
  ])("%s", (_, dependent, expected) => {
    expect(decide(dependent)).toEqual(expected);
  });
});
