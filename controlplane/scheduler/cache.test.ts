import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Pod } from "../api/mod.ts";
import { Cache } from "./cache.ts";
import { podInfo } from "./pod-info.ts";
import { aNode, aPod, bound, noObjects } from "./scheduler.testing.ts";

/** All that plugins can ask, in a form that can be compared. */
function facts(cache: Cache) {
  const names = (nodes: Iterable<{ name: string }>) => [...nodes].map(({ name }) => name).sort();
  return {
    nodes: names(cache.nodes),
    affinity: names(cache.nodesWithAffinity),
    antiAffinity: names(cache.nodesWithRequiredAntiAffinity),
    image: cache.nodesWithImage("i:latest"),
    claim: cache.claimUsers("default/c"),
    sums: cache.nodes
      .map((node) => ({
        name: node.name,
        pods: [...node.pods.keys()].sort(),
        requested: [...node.requested].filter(([, amount]) => amount !== 0),
        nonZero: { ...node.nonZeroRequested },
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

const term = { topologyKey: "zone", labelSelector: { matchLabels: { app: "a" } } };
const kinds: readonly Partial<Pod["spec"]>[] = [
  {},
  { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } },
  { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } },
  { volumes: [{ name: "v", persistentVolumeClaim: { claimName: "c" } }] },
];

describe("the cache", () => {
  test("after any changes, equals one that is built from what is left", () => {
    const step = fc.record({
      what: fc.constantFrom("setNode", "removeNode", "setPod", "removePod", "assume", "forget", "end"),
      node: fc.constantFrom("a", "b", "c"),
      pod: fc.integer({ min: 0, max: 5 }),
      kind: fc.integer({ min: 0, max: kinds.length - 1 }),
      zone: fc.constantFrom("x", "y"),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const cache = new Cache(noObjects);
        const nodes = new Map<string, ReturnType<typeof aNode>>();
        const pods = new Map<string, { pod: Pod; isAssumed: boolean }>();
        for (const { what, node, pod: number, kind, zone } of steps) {
          const name = `p${number}`;
          const pod = bound(aPod(name, kinds[kind], { cpu: `${number + 1}00m` }), node);
          if (what === "setNode") {
            const object = aNode(node, { labels: { "topology.kubernetes.io/zone": zone } });
            object.status = { ...object.status, images: zone === "x" ? [{ names: ["i"], sizeBytes: 1 }] : [] };
            nodes.set(node, object);
            cache.setNode(object);
          } else if (what === "removeNode") {
            nodes.delete(node);
            cache.removeNode(node);
          } else if (what === "setPod") {
            pods.set(name, { pod, isAssumed: false });
            cache.setPod(pod);
          } else if (what === "removePod") {
            pods.delete(name);
            cache.removePod(pod);
          } else if (what === "end") {
            pods.delete(name);
            cache.setPod({ ...pod, status: { phase: "Succeeded" } });
          } else if (what === "assume" && !pods.has(name)) {
            pods.set(name, { pod, isAssumed: true });
            cache.assume(podInfo(pod), node);
          } else if (what === "forget" && pods.get(name)?.isAssumed !== false) {
            pods.delete(name);
            cache.forget(`default/${name}`);
          }
        }
        const rebuilt = new Cache(noObjects);
        for (const node of nodes.values()) rebuilt.setNode(node);
        for (const { pod } of pods.values()) rebuilt.setPod(pod);
        expect(facts(cache)).toEqual(facts(rebuilt));
      }),
    );
  });

  test("an assumed pod counts until binding fails; the API server's word ends the assumption", () => {
    const cache = new Cache(noObjects);
    cache.setNode(aNode("a"));
    const pod = aPod("p", {}, { cpu: "1" });
    const cpu = () => cache.node("a")?.requested.get("cpu") ?? 0;
    cache.assume(podInfo(pod), "a");
    expect(cpu()).toBe(1000);
    cache.forget("default/p");
    expect(cpu()).toBe(0);
    cache.assume(podInfo(pod), "a");
    cache.setPod(bound(pod, "a"));
    cache.forget("default/p"); // Too late: the informer has spoken.
    expect(cpu()).toBe(1000);
    cache.setPod({ ...bound(pod, "a"), status: { phase: "Succeeded" } });
    expect(cpu()).toBe(0);
  });

  test("a pod that was bound and never shows is forgotten in the end, one still being bound is not", () => {
    const cache = new Cache(noObjects);
    cache.setNode(aNode("a"));
    for (const name of ["bound", "binding"]) cache.assume(podInfo(aPod(name)), "a");
    cache.expireAt("default/bound", 1000);
    expect(cache.expire(999)).toEqual([]);
    expect(cache.expire(1000)).toEqual(["default/bound"]);
    expect([...(cache.node("a")?.pods.keys() ?? [])]).toEqual(["default/binding"]);
  });

  test("keeps the pods of a node that goes and comes back", () => {
    const cache = new Cache(noObjects);
    cache.setPod(aPod("early", { nodeName: "a", containers: [] }));
    cache.setNode(aNode("a"));
    expect(cache.nodes[0]?.pods.size).toBe(1);
    cache.removeNode("a");
    cache.setNode(aNode("a"));
    expect(cache.nodes[0]?.pods.size).toBe(1);
  });

  test("lists nodes zone by zone in turns", () => {
    const cache = new Cache(noObjects);
    for (const [name, zone] of Object.entries({ a: "x", b: "x", c: "x", d: "y", e: "z", f: "z" })) {
      cache.setNode(aNode(name, { labels: { "topology.kubernetes.io/zone": zone } }));
    }
    expect(cache.nodes.map(({ name }) => name)).toEqual(["a", "d", "e", "b", "f", "c"]);
  });
});
