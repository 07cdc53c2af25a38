import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { seededRandom } from "../../base/mod.ts";
import { Cache } from "./cache.ts";
import { enoughFeasibleNodes, NodeFinder } from "./find-node.ts";
import { fitMessage } from "./fit-message.ts";
import { filterPlugins, scorePlugins } from "./plugins/mod.ts";
import { podInfo } from "./pod-info.ts";
import { aNode, aPod } from "./scheduler.testing.ts";

const finder = () => new NodeFinder(filterPlugins, scorePlugins, seededRandom(1));

describe("finding a node", () => {
  test("spreads equal pods evenly over equal nodes", () => {
    const cache = new Cache();
    for (const name of ["a", "b", "c"]) cache.setNode(aNode(name));
    const find = finder();
    for (let i = 0; i < 30; i++) {
      const pod = podInfo(aPod(`p${i}`, {}, { cpu: "100m", memory: "64Mi" }));
      const placement = find.find(pod, cache.nodes(), cache);
      if (placement.kind === "node") cache.assume(pod, placement.node);
    }
    expect(cache.nodes().map((node) => node.pods.size)).toEqual([10, 10, 10]);
  });

  test("never overcommits a node, whatever the pods", () => {
    const amounts = fc.array(
      fc.record({ cpu: fc.integer({ min: 0, max: 3000 }), memory: fc.integer({ min: 0, max: 6000 }) }),
    );
    fc.assert(
      fc.property(amounts, (pods) => {
        const cache = new Cache();
        for (const name of ["a", "b"]) cache.setNode(aNode(name, { pods: 5 }));
        const find = finder();
        for (const [i, { cpu, memory }] of pods.entries()) {
          const pod = podInfo(aPod(`p${i}`, {}, { cpu: `${cpu}m`, memory: `${memory}Mi` }));
          const placement = find.find(pod, cache.nodes(), cache);
          if (placement.kind === "node") cache.assume(pod, placement.node);
        }
        for (const node of cache.nodes()) {
          expect(node.pods.size).toBeLessThanOrEqual(5);
          expect(node.requested.get("cpu") ?? 0).toBeLessThanOrEqual(4000);
          expect(node.requested.get("memory") ?? 0).toBeLessThanOrEqual(8 * 2 ** 30);
        }
      }),
    );
  });

  test("says why, as users know it", () => {
    const cache = new Cache();
    cache.setNode(aNode("small", { cpu: "1" }));
    cache.setNode(aNode("smaller", { cpu: "500m" }));
    cache.setNode(aNode("cordoned", { unschedulable: true }));
    const placement = finder().find(podInfo(aPod("p", {}, { cpu: "2" })), cache.nodes(), cache);
    expect(placement.kind === "unschedulable" && fitMessage(placement.nodeCount, placement.refusals)).toBe(
      "0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu. " +
        "preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
    );
  });

  test("looks at all of a small cluster and at a shrinking share of a large one", () => {
    expect([3, 99, 100, 250, 1000, 5000, 20_000].map(enoughFeasibleNodes)).toEqual([3, 99, 100, 120, 420, 500, 1000]);
  });
});

describe("the cache", () => {
  test("counts an assumed pod until it is forgotten, and a bound one until it ends", () => {
    const cache = new Cache();
    cache.setNode(aNode("a"));
    const cpu = () => cache.nodes()[0]?.requested.get("cpu") ?? 0;
    const pod = aPod("p", {}, { cpu: "1" });
    cache.assume(podInfo(pod), "a");
    expect(cpu()).toBe(1000);
    cache.forget("default/p");
    expect(cpu()).toBe(0);
    const bound = { ...pod, spec: { ...pod.spec, containers: pod.spec?.containers ?? [], nodeName: "a" } };
    cache.assume(podInfo(pod), "a");
    cache.setPod(bound);
    cache.forget("default/p"); // Too late: the informer has spoken.
    expect(cpu()).toBe(1000);
    cache.setPod({ ...bound, status: { phase: "Succeeded" } });
    expect(cpu()).toBe(0);
  });

  test("keeps the pods of a node that goes and comes back", () => {
    const cache = new Cache();
    cache.setPod(aPod("early", { nodeName: "a", containers: [] }));
    cache.setNode(aNode("a"));
    expect(cache.nodes()[0]?.pods.size).toBe(1);
    cache.removeNode("a");
    cache.setNode(aNode("a"));
    expect(cache.nodes()[0]?.pods.size).toBe(1);
  });
});
