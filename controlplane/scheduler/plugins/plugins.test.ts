import { describe, expect, test } from "vitest";
import type { NodeSelectorTerm, PodSpec } from "../../api/mod.ts";
import { filterNode, scoreNodes } from "../find-node.ts";
import { NodeInfo } from "../node-info.ts";
import { podInfo } from "../pod-info.ts";
import { aNode, aPod, type NodeTraits } from "../scheduler.testing.ts";
import { balancedAllocation } from "./balanced-allocation.ts";
import { filterPlugins } from "./mod.ts";
import { nodeAffinityScore } from "./node-affinity.ts";
import { leastAllocated } from "./node-resources-fit.ts";
import { taintTolerationScore } from "./taint-toleration.ts";

function refusal(spec: Partial<PodSpec>, traits: NodeTraits, requests?: Record<string, string>) {
  return filterNode(filterPlugins, podInfo(aPod("p", spec, requests)), new NodeInfo(aNode("n", traits)))?.reasons;
}

const onDisk = (operator: string, values: string[]): NodeSelectorTerm => ({
  matchExpressions: [{ key: "disk", operator: operator as "In", values }],
});
const required = (...nodeSelectorTerms: NodeSelectorTerm[]): Partial<PodSpec> => ({
  affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } },
});
const dedicated = { key: "dedicated", value: "db", effect: "NoSchedule" } as const;

describe("a node refuses a pod", () => {
  const cases: [string, Partial<PodSpec>, NodeTraits, Record<string, string> | undefined, string[] | undefined][] = [
    ["that fits: it does not", {}, {}, { cpu: "4" }, undefined],
    ["that wants too much CPU", {}, { cpu: "1" }, { cpu: "1001m" }, ["Insufficient cpu"]],
    [
      "that wants too much of two things",
      {},
      { cpu: "1", memory: "1Gi" },
      { cpu: "2", memory: "2Gi" },
      ["Insufficient cpu", "Insufficient memory"],
    ],
    ["when it is full", {}, { pods: 0 }, undefined, ["Too many pods"]],
    ["that names another node", { nodeName: "m" }, {}, undefined, ["node(s) didn't match the requested node name"]],
    ["while it is cordoned", {}, { unschedulable: true }, undefined, ["node(s) were unschedulable"]],
    [
      "that does not tolerate its taint",
      {},
      { taints: [dedicated] },
      undefined,
      ["node(s) had untolerated taint {dedicated: db}"],
    ],
    [
      "that tolerates another value",
      { tolerations: [{ key: "dedicated", value: "web" }] },
      { taints: [dedicated] },
      undefined,
      ["node(s) had untolerated taint {dedicated: db}"],
    ],
    [
      "not if it tolerates the key",
      { tolerations: [{ key: "dedicated", operator: "Exists" }] },
      { taints: [dedicated] },
      undefined,
      undefined,
    ],
    [
      "not if it tolerates everything",
      { tolerations: [{ operator: "Exists" }] },
      { taints: [dedicated] },
      undefined,
      undefined,
    ],
    [
      "whose node selector it lacks",
      { nodeSelector: { disk: "ssd" } },
      { labels: { disk: "hdd" } },
      undefined,
      ["node(s) didn't match Pod's node affinity/selector"],
    ],
    [
      "not if one of its terms matches",
      required(onDisk("In", ["x"]), onDisk("In", ["ssd"])),
      { labels: { disk: "ssd" } },
      undefined,
      undefined,
    ],
    [
      "whose NotIn it violates",
      required(onDisk("NotIn", ["ssd"])),
      { labels: { disk: "ssd" } },
      undefined,
      ["node(s) didn't match Pod's node affinity/selector"],
    ],
    ["not if NotIn names a label it lacks", required(onDisk("NotIn", ["ssd"])), {}, undefined, undefined],
    [
      "unless Gt holds",
      required(onDisk("Gt", ["10"])),
      { labels: { disk: "9" } },
      undefined,
      ["node(s) didn't match Pod's node affinity/selector"],
    ],
    [
      "with an empty term, which matches nothing",
      required({}),
      {},
      undefined,
      ["node(s) didn't match Pod's node affinity/selector"],
    ],
  ];
  test.each(cases)("%s", (_, spec, traits, requests, expected) => {
    expect(refusal(spec, traits, requests)).toEqual(expected);
  });

  test("whose host port is taken there, on the same or on any address", () => {
    const withPort = (name: string, hostIP?: string) =>
      podInfo(
        aPod(name, {
          containers: [{ name: "c", image: "host", ports: [{ containerPort: 80, hostPort: 8080, hostIP }] }],
        }),
      );
    const node = new NodeInfo(aNode("n"));
    node.addPod(withPort("there", "10.0.0.1"));
    const taken = ["node(s) didn't have free ports for the requested pod ports"];
    expect(filterNode(filterPlugins, withPort("same", "10.0.0.1"), node)?.reasons).toEqual(taken);
    expect(filterNode(filterPlugins, withPort("any"), node)?.reasons).toEqual(taken);
    expect(filterNode(filterPlugins, withPort("other", "10.0.0.2"), node)).toBeUndefined();
  });
});

describe("scores", () => {
  const cluster = { nodeCount: 2, nodesWithImage: () => 0 };

  test("LeastAllocated, by hand: 1 of 4 CPUs and 2 of 8 GiB leave 75 and 75", () => {
    const pod = podInfo(aPod("p", {}, { cpu: "1", memory: "2Gi" }));
    expect(leastAllocated.score(pod, new NodeInfo(aNode("n")), cluster)).toBe(75);
  });

  test("LeastAllocated counts a container without requests as 100m and 200Mi", () => {
    // (4000-100)/4000 = 97.5 -> 97; (8192-200)/8192 = 97.55 -> 97.
    expect(leastAllocated.score(podInfo(aPod("p")), new NodeInfo(aNode("n")), cluster)).toBe(97);
  });

  test("BalancedAllocation, by hand: from 1/2 CPU and no memory to even halves is from 75 to 100 points", () => {
    const node = new NodeInfo(aNode("n", { cpu: "2", memory: "2Gi" }));
    node.addPod(podInfo(aPod("there", {}, { cpu: "1" })));
    // 50 + (50 + 100 - 75) / 2 = 87.5
    expect(balancedAllocation.score(podInfo(aPod("p", {}, { memory: "1Gi" })), node, cluster)).toBe(87);
  });

  test("preferred taints and affinity are brought to 0..100 and weighed 3 and 2", () => {
    const soft = { key: "slow", effect: "PreferNoSchedule" } as const;
    const nodes = [aNode("a", { taints: [soft] }), aNode("b", { labels: { disk: "ssd" } })].map(
      (node) => new NodeInfo(node),
    );
    const preferred = [{ weight: 7, preference: onDisk("In", ["ssd"]) }];
    const pod = podInfo(
      aPod("p", { affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: preferred } } }),
    );
    expect(scoreNodes([taintTolerationScore, nodeAffinityScore], pod, nodes, cluster)).toEqual([0, 500]);
  });
});
