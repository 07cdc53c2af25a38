import { describe, expect, test } from "vitest";
import type { NodeSelectorTerm, PodSpec } from "../../api/mod.ts";
import { filterPod, scorePod } from "../explain.ts";
import { aNode, aPod, bound, type NodeTraits } from "../scheduler.testing.ts";

function refusal(spec: Partial<PodSpec>, traits: NodeTraits, requests?: Record<string, string>) {
  const [verdict] = filterPod(aPod("p", spec, requests), { nodes: [aNode("n", traits)] });
  const reasons = verdict?.verdicts.find((one) => one.verdict === "refuses")?.reasons;
  expect(reasons === undefined).toBe(verdict?.feasible);
  return reasons;
}

function raw(plugin: string, pod: Parameters<typeof scorePod>[0], cluster: Parameters<typeof scorePod>[1]) {
  const scores = scorePod(pod, cluster).find((one) => one.plugin === plugin);
  return scores?.skipped ? "skipped" : scores?.nodes.map((node) => node.raw);
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
      aPod(name, {
        containers: [{ name: "c", image: "host", ports: [{ containerPort: 80, hostPort: 8080, hostIP }] }],
      });
    const cluster = { nodes: [aNode("n")], pods: [bound(withPort("there", "10.0.0.1"), "n")] };
    const feasible = (pod: ReturnType<typeof aPod>) => filterPod(pod, cluster)[0]?.feasible;
    expect(feasible(withPort("same", "10.0.0.1"))).toBe(false);
    expect(feasible(withPort("any"))).toBe(false);
    expect(feasible(withPort("other", "10.0.0.2"))).toBe(true);
  });

  test("that asks for devices nobody hands out", () => {
    expect(refusal({ resourceClaims: [{ name: "gpu" }] }, {})).toEqual([
      "dynamic resource allocation is not supported (resource claims: gpu)",
    ]);
  });

  test("that is bound to other nodes by name, without being asked", () => {
    const name = { matchFields: [{ key: "metadata.name", operator: "In" as const, values: ["a"] }] };
    const verdicts = filterPod(aPod("p", required(name)), { nodes: [aNode("a"), aNode("b")] });
    expect(verdicts.map(({ feasible }) => feasible)).toEqual([true, false]);
    expect(verdicts[1]?.verdicts[0]?.reasons).toEqual(["node(s) didn't satisfy plugin(s) [NodeAffinity]"]);
  });
});

describe("scores", () => {
  test("LeastAllocated, by hand: 1 of 4 CPUs and 2 of 8 GiB leave 75 and 75", () => {
    expect(raw("NodeResourcesFit", aPod("p", {}, { cpu: "1", memory: "2Gi" }), { nodes: [aNode("n")] })).toEqual([75]);
  });

  test("LeastAllocated counts a container without requests as 100m and 200Mi", () => {
    // (4000-100)/4000 = 97.5 -> 97; (8192-200)/8192 = 97.55 -> 97.
    expect(raw("NodeResourcesFit", aPod("p"), { nodes: [aNode("n")] })).toEqual([97]);
  });

  test("what is requested for the pod as a whole counts instead of its containers' sum, and overhead on top", () => {
    const spec = { resources: { requests: { cpu: "3" } }, overhead: { cpu: "500m" } };
    // (4000 - 3500) / 4000 = 12.5 -> 12; memory: (8 - 2) / 8 = 75; the mean is 43.5 -> 43.
    const pod = aPod("p", spec, { cpu: "1", memory: "2Gi" });
    expect(raw("NodeResourcesFit", pod, { nodes: [aNode("n")] })).toEqual([43]);
  });

  test("BalancedAllocation, by hand: half the CPU and a quarter of the memory deviate by an eighth", () => {
    const pod = aPod("p", {}, { cpu: "2", memory: "2Gi" });
    expect(raw("NodeResourcesBalancedAllocation", pod, { nodes: [aNode("n")] })).toEqual([87]);
  });

  test("BalancedAllocation does not score a pod that requests nothing", () => {
    expect(raw("NodeResourcesBalancedAllocation", aPod("p"), { nodes: [aNode("n")] })).toBe("skipped");
  });

  test("ImageLocality, by hand: 500 MiB on one of two nodes count as 250, (250 - 23) / (1000 - 23)", () => {
    const has = aNode("has");
    has.status = { ...has.status, images: [{ names: ["nginx"], sizeBytes: 500 * 2 ** 20 }] };
    const pod = aPod("p", { containers: [{ name: "c", image: "nginx:latest" }] });
    expect(raw("ImageLocality", pod, { nodes: [has, aNode("has-not")] })).toEqual([23, 0]);
  });

  test("preferred taints and affinity are brought to 0..100 and weighed 3 and 2", () => {
    const soft = { key: "slow", effect: "PreferNoSchedule" } as const;
    const nodes = [aNode("a", { taints: [soft] }), aNode("b", { labels: { disk: "ssd" } })];
    const preferred = [{ weight: 7, preference: onDisk("In", ["ssd"]) }];
    const pod = aPod("p", {
      affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: preferred } },
    });
    const weighted = (plugin: string) =>
      scorePod(pod, { nodes })
        .find((one) => one.plugin === plugin)
        ?.nodes.map((node) => node.weighted);
    expect(weighted("TaintToleration")).toEqual([0, 300]);
    expect(weighted("NodeAffinity")).toEqual([0, 200]);
  });
});
