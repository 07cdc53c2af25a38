import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { seededRandom } from "../../base/mod.ts";
import { Cache } from "./cache.ts";
import { enoughFeasibleNodes, NodeFinder } from "./find-node.ts";
import { fitMessage } from "./fit-message.ts";
import { Framework } from "./framework/framework.ts";
import { podInfo } from "./pod-info.ts";
import { defaultProfile } from "./profile.ts";
import { Nominator } from "./queue/nominator.ts";
import { aNode, aPod, noObjects } from "./scheduler.testing.ts";

function cluster() {
  const nominator = new Nominator();
  const cache = new Cache(noObjects, nominator);
  const framework = new Framework(defaultProfile(), cache, seededRandom(1));
  return { cache, nominator, framework, finder: new NodeFinder(framework, cache) };
}

describe("finding a node", () => {
  test("spreads equal pods evenly over equal nodes", () => {
    const { cache, finder } = cluster();
    for (const name of ["a", "b", "c"]) cache.setNode(aNode(name));
    for (let i = 0; i < 30; i++) {
      const pod = podInfo(aPod(`p${i}`, {}, { cpu: "100m", memory: "64Mi" }));
      const placement = finder.find(pod);
      if (placement.kind === "node") cache.assume(pod, placement.node.name);
    }
    expect(cache.nodes.map((node) => node.pods.size)).toEqual([10, 10, 10]);
  });

  test("never overcommits a node, whatever the pods", () => {
    const amounts = fc.array(
      fc.record({ cpu: fc.integer({ min: 0, max: 3000 }), memory: fc.integer({ min: 0, max: 6000 }) }),
    );
    fc.assert(
      fc.property(amounts, (pods) => {
        const { cache, finder } = cluster();
        for (const name of ["a", "b"]) cache.setNode(aNode(name, { pods: 5 }));
        for (const [i, { cpu, memory }] of pods.entries()) {
          const pod = podInfo(aPod(`p${i}`, {}, { cpu: `${cpu}m`, memory: `${memory}Mi` }));
          const placement = finder.find(pod);
          if (placement.kind === "node") cache.assume(pod, placement.node.name);
        }
        for (const node of cache.nodes) {
          expect(node.pods.size).toBeLessThanOrEqual(5);
          expect(node.requested.get("cpu") ?? 0).toBeLessThanOrEqual(4000);
          expect(node.requested.get("memory") ?? 0).toBeLessThanOrEqual(8 * 2 ** 30);
        }
      }),
    );
  });

  test("says why, as users know it", () => {
    const { cache, finder, framework } = cluster();
    cache.setNode(aNode("small", { cpu: "1" }));
    cache.setNode(aNode("smaller", { cpu: "500m" }));
    cache.setNode(aNode("cordoned", { unschedulable: true }));
    const pod = podInfo(aPod("p", {}, { cpu: "2" }));
    const placement = finder.find(pod);
    if (placement.kind === "node") throw new Error("it fits nowhere");
    const way = framework.postFilter(pod, placement.refusals, placement.state);
    const message = fitMessage({
      nodeCount: placement.nodeCount,
      preFilterMessage: placement.preFilterMessage,
      reasonsOfNodes: [...placement.refusals.values()].map(({ reasons }) => reasons),
      postFilterMessage: way.kind === "none" ? way.message : "",
    });
    expect(message).toBe(
      "0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu. " +
        "preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
    );
  });

  test("a place that was promised to a more important pod is taken, one promised to a lesser is not", () => {
    const { cache, finder, nominator } = cluster();
    cache.setNode(aNode("only"));
    nominator.set(podInfo(aPod("promised", { priority: 5 }, { cpu: "3" })), "only");
    expect(finder.find(podInfo(aPod("equal", { priority: 5 }, { cpu: "2" }))).kind).toBe("unschedulable");
    expect(finder.find(podInfo(aPod("higher", { priority: 6 }, { cpu: "2" }))).kind).toBe("node");
  });

  test("a pod goes where room was made for it, though others are emptier", () => {
    const { cache, finder } = cluster();
    for (const name of ["a", "b", "c"]) cache.setNode(aNode(name));
    cache.assume(podInfo(aPod("there", {}, { cpu: "2" })), "b");
    const pod = { ...aPod("p"), status: { nominatedNodeName: "b" } };
    expect(finder.find(podInfo(pod))).toMatchObject({ kind: "node", node: { name: "b" }, evaluated: 1 });
  });

  test("in a large cluster a sample decides, and successive pods begin at different nodes", () => {
    const { cache, finder } = cluster();
    for (let i = 0; i < 1000; i++) cache.setNode(aNode(`n${i}`));
    const found = [0, 1, 2].map((i) => finder.find(podInfo(aPod(`p${i}`))));
    expect(found.map((placement) => placement.kind === "node" && placement.evaluated)).toEqual([420, 420, 420]);
  });

  test("looks at all of a small cluster, at 50 - n/125 percent of a large one", () => {
    expect([5, 99, 100, 1000, 5000, 100_000].map((nodes) => enoughFeasibleNodes(nodes))).toEqual([
      5, 99, 100, 420, 500, 5000,
    ]);
    expect(enoughFeasibleNodes(5000, 20)).toBe(1000);
  });
});
