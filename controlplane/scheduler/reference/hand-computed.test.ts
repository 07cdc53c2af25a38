/**
 * Small cases with their arithmetic. Each is asked of the scheduler and of the reference: both must give the number that a pencil gives.
 */
import { describe, expect, it } from "vitest";
import type { Node, Pod, PodAffinityTerm, PodSpec, TopologySpreadConstraint } from "../../api/mod.ts";
import { type ClusterObjects, defaultProfile, explainPod, filterPod, type PluginArgs, scorePod } from "../mod.ts";
import { aNode, aPod, bound, labelled } from "../scheduler.testing.ts";
import { referenceFilter, referenceScores } from "./reference.testing.ts";

interface Case {
  readonly pod: Pod;
  readonly nodes: readonly Node[];
  readonly pods?: readonly Pod[];
  readonly more?: Partial<ClusterObjects>;
  readonly args?: PluginArgs;
}

const clusterOf = ({ nodes, pods = [], more = {} }: Case): ClusterObjects => ({ nodes, pods, ...more });
const namesOf = ({ nodes }: Case): string[] => nodes.map(({ metadata }) => metadata.name ?? "");
const profileOf = ({ args }: Case) => defaultProfile("default-scheduler", args);

/** [points before, points after normalising] of the plugin for each node; undefined: it has nothing to say. */
type Points = readonly (readonly [raw: number, normalized: number])[] | undefined;

function ofScheduler(plugin: string, one: Case): Points {
  const found = scorePod(one.pod, clusterOf(one), namesOf(one), profileOf(one)).find(
    (score) => score.plugin === plugin,
  );
  return found === undefined || found.skipped ? undefined : found.nodes.map(({ raw, normalized }) => [raw, normalized]);
}

function ofReference(plugin: string, one: Case): Points {
  const found = referenceScores(one.pod, clusterOf(one), namesOf(one), one.args)[plugin];
  return found?.raw.map((raw, i) => [raw, found.normalized[i] as number]);
}

function scores(plugin: string, table: Readonly<Record<string, Case & { readonly points: Points }>>): void {
  describe(`${plugin} scores`, () => {
    for (const [name, one] of Object.entries(table)) {
      it(name, () => {
        expect(ofScheduler(plugin, one)).toEqual(one.points);
        expect(ofReference(plugin, one)).toEqual(one.points);
      });
    }
  });
}

/** The plugin's reasons by node; an empty string where it takes the node. */
function refuses(
  plugin: string,
  table: Readonly<Record<string, Case & { readonly reasons: readonly string[] }>>,
): void {
  describe(`${plugin} filters`, () => {
    for (const [name, one] of Object.entries(table)) {
      it(name, () => {
        const verdicts = filterPod(one.pod, clusterOf(one), profileOf(one));
        const found = verdicts.map(
          ({ verdicts }) => verdicts.find((verdict) => verdict.plugin === plugin)?.reasons ?? [],
        );
        expect(found.map((reasons) => reasons.join(", "))).toEqual(one.reasons);
        const expected = referenceFilter(one.pod, clusterOf(one), one.args);
        expect(expected.map(({ refusals }) => refusals[plugin]?.reasons.join(", ") ?? "")).toEqual(one.reasons);
      });
    }
  });
}

const zone = "topology.kubernetes.io/zone";
const hostname = "kubernetes.io/hostname";
const gpu = "example.com/gpu";
const inZone = (name: string, value: string): Node => aNode(name, { labels: { [zone]: value, [hostname]: name } });
const [inA, inB] = [inZone("a", "A"), inZone("b", "B")];

function withGpus(node: Node, gpus: string): Node {
  return { ...node, status: { ...node.status, allocatable: { ...node.status?.allocatable, [gpu]: gpus } } };
}

const same = (points: number): Points => [[points, points]];
const nothing = aPod("incoming");

scores("NodeResourcesFit", {
  "least allocated: the mean of what stays free": {
    pod: aPod("p", {}, { cpu: "1", memory: "4Gi" }),
    nodes: [aNode("n", { cpu: "4", memory: "8Gi" })],
    // cpu (4000 - 1000) x 100 / 4000 = 75; memory (8 - 4) x 100 / 8 = 50; (75 + 50) / 2 = 62.5
    points: same(62),
  },
  "who asks for nothing counts for 100m and 200 MiB": {
    pod: nothing,
    nodes: [aNode("n", { cpu: "1", memory: "1Gi" })],
    // cpu (1000 - 100) / 1000 = 90; memory (1024 - 200) x 100 / 1024 = 80.46, cut to 80; (90 + 80) / 2
    points: same(85),
  },
  "so do pods that are there already": {
    pod: aPod("p", {}, { cpu: "500m", memory: "512Mi" }),
    nodes: [aNode("n", { cpu: "1", memory: "1Gi" })],
    pods: [bound(aPod("there"), "n")],
    // cpu (1000 - 600) / 1000 = 40; memory (1024 - 712) x 100 / 1024 = 30.46, cut to 30; (40 + 30) / 2
    points: same(35),
  },
  "an explicit zero is not nothing": {
    pod: aPod("p", {}, { cpu: "0", memory: "0" }),
    nodes: [aNode("n")],
    points: same(100),
  },
  "more than there is gives no points": {
    pod: nothing,
    nodes: [aNode("n", { cpu: "100m", memory: "8Gi" })],
    pods: [bound(aPod("there"), "n")],
    // cpu 200 > 100: 0; memory (8192 - 400) x 100 / 8192 = 95.1, cut to 95; (0 + 95) / 2 = 47.5
    points: same(47),
  },
  "weights of resources": {
    pod: aPod("p", {}, { cpu: "1", memory: "2Gi" }),
    nodes: [aNode("n", { cpu: "2", memory: "8Gi" })],
    args: {
      NodeResourcesFit: {
        scoringStrategy: {
          type: "LeastAllocated",
          resources: [
            { name: "cpu", weight: 3 },
            { name: "memory", weight: 1 },
          ],
        },
      },
    },
    // cpu 50, memory 75; (3 x 50 + 1 x 75) / 4 = 56.25
    points: same(56),
  },
  "an init container after a sidecar": {
    pod: aPod("p", {
      containers: [{ name: "c", image: "i", resources: { requests: { cpu: "500m", memory: "1Gi" } } }],
      initContainers: [
        { name: "s", image: "i", restartPolicy: "Always", resources: { requests: { cpu: "200m", memory: "1Gi" } } },
        { name: "i", image: "i", resources: { requests: { cpu: "1", memory: "512Mi" } } },
      ],
    }),
    nodes: [aNode("n", { cpu: "4", memory: "8Gi" })],
    // cpu max(500 + 200, 1000 + 200) = 1200: 70; memory max(1 + 1, 0.5 + 1) = 2 Gi: 75; (70 + 75) / 2 = 72.5
    points: same(72),
  },
  "overhead of the runtime": {
    pod: aPod("p", { overhead: { cpu: "500m", memory: "1Gi" } }, { cpu: "1", memory: "1Gi" }),
    nodes: [aNode("n", { cpu: "4", memory: "8Gi" })],
    // cpu (4000 - 1500) x 100 / 4000 = 62.5, cut to 62; memory 75; (62 + 75) / 2 = 68.5
    points: same(68),
  },
  "an extended resource that the pod asks for": {
    pod: aPod("p", {}, { cpu: "1", [gpu]: "2" }),
    nodes: [withGpus(aNode("n", { cpu: "4" }), "4")],
    args: {
      NodeResourcesFit: {
        scoringStrategy: {
          resources: [
            { name: "cpu", weight: 1 },
            { name: gpu, weight: 5 },
          ],
        },
      },
    },
    // cpu 75, gpu (4 - 2) / 4 = 50; (75 + 5 x 50) / 6 = 54.2
    points: same(54),
  },
  "an extended resource that it does not ask for is left out": {
    pod: aPod("p", {}, { cpu: "1" }),
    nodes: [withGpus(aNode("n", { cpu: "4" }), "4")],
    args: {
      NodeResourcesFit: {
        scoringStrategy: {
          resources: [
            { name: "cpu", weight: 1 },
            { name: gpu, weight: 5 },
          ],
        },
      },
    },
    points: same(75),
  },
  "most allocated": {
    pod: aPod("p", {}, { cpu: "1", memory: "4Gi" }),
    nodes: [aNode("n", { cpu: "4", memory: "8Gi" }), aNode("small", { cpu: "500m", memory: "8Gi" })],
    args: { NodeResourcesFit: { scoringStrategy: { type: "MostAllocated" } } },
    // 1/4 and 4/8: (25 + 50) / 2 = 37.5; more than all of it is all of it: (100 + 50) / 2
    points: [
      [37, 37],
      [75, 75],
    ],
  },
  "requested to capacity ratio, rising": {
    pod: aPod("p", {}, { cpu: "1", memory: "6Gi" }),
    nodes: [aNode("n", { cpu: "4", memory: "8Gi" })],
    args: {
      NodeResourcesFit: {
        scoringStrategy: {
          type: "RequestedToCapacityRatio",
          requestedToCapacityRatio: {
            shape: [
              { utilization: 0, score: 0 },
              { utilization: 100, score: 10 },
            ],
          },
        },
      },
    },
    // 25 % in use: 25; 75 %: 75
    points: same(50),
  },
  "requested to capacity ratio, a falling line of two parts": {
    pod: aPod("p", {}, { cpu: "1600m", memory: "4Gi" }),
    nodes: [aNode("n", { cpu: "4", memory: "5Gi" }), aNode("full", { cpu: "4", memory: "4Gi" })],
    args: {
      NodeResourcesFit: {
        scoringStrategy: {
          type: "RequestedToCapacityRatio",
          requestedToCapacityRatio: {
            shape: [
              { utilization: 10, score: 10 },
              { utilization: 70, score: 3 },
              { utilization: 90, score: 0 },
            ],
          },
        },
      },
    },
    // cpu 40 %: 100 - 70 x 30/60 = 65; memory 80 %: 30 - 30 x 10/20 = 15; mean 40. A resource with 0 points is left out of the mean: 65.
    points: [
      [40, 40],
      [65, 65],
    ],
  },
});

refuses("NodeResourcesFit", {
  "what is left may be used to the last bit": {
    pod: aPod("p", {}, { cpu: "400m" }),
    nodes: [aNode("exact", { cpu: "1" }), aNode("short", { cpu: "999m" })],
    pods: [bound(aPod("one", {}, { cpu: "600m" }), "exact"), bound(aPod("two", {}, { cpu: "600m" }), "short")],
    reasons: ["", "Insufficient cpu"],
  },
  "every lack is told": {
    pod: aPod("p", {}, { cpu: "2", memory: "2Gi", [gpu]: "1" }),
    nodes: [aNode("n", { cpu: "1", memory: "1Gi", pods: 0 })],
    reasons: [`Too many pods, Insufficient cpu, Insufficient memory, Insufficient ${gpu}`],
  },
  "who asks for nothing fits where nothing is left, if one more pod may be there": {
    pod: nothing,
    nodes: [aNode("n", { cpu: "1", pods: 2 }), aNode("many", { pods: 1 })],
    pods: [bound(aPod("big", {}, { cpu: "2" }), "n"), bound(aPod("one"), "many")],
    reasons: ["", "Too many pods"],
  },
  "a pod that leaves still has its place, one that has ended has none": {
    pod: aPod("p", {}, { cpu: "1" }),
    nodes: [aNode("leaving", { cpu: "1" }), aNode("ended", { cpu: "1" })],
    pods: [
      {
        ...bound(aPod("x", {}, { cpu: "1" }), "leaving"),
        metadata: { name: "x", deletionTimestamp: "2026-01-01T00:00:00Z" },
      },
      { ...bound(aPod("y", {}, { cpu: "1" }), "ended"), status: { phase: "Succeeded" } },
    ],
    reasons: ["Insufficient cpu", ""],
  },
});

scores("NodeResourcesBalancedAllocation", {
  "half the distance of two shares": {
    pod: aPod("p", {}, { cpu: "1", memory: "1Gi" }),
    nodes: [aNode("n", { cpu: "4", memory: "8Gi" }), aNode("even", { cpu: "4", memory: "4Gi" })],
    // 1/4 and 1/8: |0.25 - 0.125| / 2 = 0.0625; 100 x 0.9375 = 93.75. 1/4 and 1/4: 100.
    points: [
      [93, 93],
      [100, 100],
    ],
  },
  "pods without requests are not guessed at here": {
    pod: aPod("p", {}, { memory: "4Gi" }),
    nodes: [aNode("n", { cpu: "4", memory: "8Gi" })],
    pods: [bound(aPod("there"), "n")],
    // cpu 0, memory 0.5: 0.25 off; 75
    points: same(75),
  },
  "a share is at most one": {
    pod: aPod("p", {}, { cpu: "1", memory: "4Gi" }),
    nodes: [aNode("n", { cpu: "1", memory: "8Gi" })],
    pods: [bound(aPod("there", {}, { cpu: "2" }), "n")],
    // 3/1 counts as 1, memory 0.5: 0.25 off
    points: same(75),
  },
  "the standard deviation of three": {
    pod: aPod("p", {}, { cpu: "2", memory: "2Gi", [gpu]: "3" }),
    nodes: [withGpus(aNode("n", { cpu: "4", memory: "8Gi" }), "4")],
    args: {
      NodeResourcesBalancedAllocation: { resources: ["cpu", "memory", gpu].map((name) => ({ name, weight: 1 })) },
    },
    // 0.5, 0.25, 0.75, mean 0.5: sqrt((0 + 0.0625 + 0.0625) / 3) = 0.2041; 79.6
    points: same(79),
  },
  "nothing to say about a pod without requests": { pod: nothing, nodes: [aNode("n")], points: undefined },
});

const preferNot = (key: string) => ({ key, value: "x", effect: "PreferNoSchedule" as const });

scores("TaintToleration", {
  "least unwanted wins all": {
    pod: nothing,
    nodes: [
      aNode("free"),
      aNode("one", { taints: [preferNot("k")] }),
      aNode("three", { taints: [preferNot("k"), preferNot("l"), preferNot("m")] }),
    ],
    // 100 - 100 x 0/3; 100 - 100 x 1/3 (33); 100 - 100
    points: [
      [0, 100],
      [1, 67],
      [3, 0],
    ],
  },
  "all alike": {
    pod: aPod("p", { tolerations: [{ key: "k", operator: "Exists", effect: "PreferNoSchedule" }] }),
    nodes: [aNode("free"), aNode("tolerated", { taints: [preferNot("k")] })],
    points: [
      [0, 100],
      [0, 100],
    ],
  },
  "a toleration of another effect does not help": {
    pod: aPod("p", { tolerations: [{ key: "k", operator: "Exists", effect: "NoSchedule" }] }),
    nodes: [aNode("free"), aNode("tainted", { taints: [preferNot("k")] })],
    points: [
      [0, 100],
      [1, 0],
    ],
  },
});

refuses("TaintToleration", {
  "the first taint that is not tolerated is named": {
    pod: aPod("p", { tolerations: [{ key: "a", value: "1" }] }),
    nodes: [
      aNode("n", {
        taints: [
          { key: "a", value: "1", effect: "NoSchedule" },
          { key: "b", value: "2", effect: "NoExecute" },
          { key: "c", effect: "NoSchedule" },
        ],
      }),
      aNode("prefer", { taints: [preferNot("k")] }),
    ],
    reasons: ["node(s) had untolerated taint {b: 2}", ""],
  },
});

refuses("NodeUnschedulable", {
  "cordoned, unless that is tolerated": {
    pod: nothing,
    nodes: [aNode("n", { unschedulable: true })],
    reasons: ["node(s) were unschedulable"],
  },
  "who tolerates all taints": {
    pod: aPod("p", { tolerations: [{ operator: "Exists" }] }),
    nodes: [aNode("n", { unschedulable: true })],
    reasons: [""],
  },
});

refuses("NodeName", {
  "only the node that is asked for": {
    pod: aPod("p", { nodeName: "b" }),
    nodes: [inA, inB],
    reasons: ["node(s) didn't match the requested node name", ""],
  },
});

const ssd = (name: string, more: Record<string, string> = {}) => aNode(name, { labels: { disk: "ssd", ...more } });
const isSsd = { matchExpressions: [{ key: "disk", operator: "In" as const, values: ["ssd"] }] };
const isInA = { matchExpressions: [{ key: zone, operator: "In" as const, values: ["A"] }] };
const preferring = (...terms: readonly (readonly [number, typeof isSsd])[]): Partial<PodSpec> => ({
  affinity: {
    nodeAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: terms.map(([weight, preference]) => ({ weight, preference })),
    },
  },
});

scores("NodeAffinity", {
  "the sum of the weights that hold, as a share of the largest": {
    pod: aPod("p", preferring([10, isSsd], [60, isInA])),
    nodes: [ssd("both", { [zone]: "A" }), ssd("disk"), aNode("none")],
    // 70 x 100 / 70; 10 x 100 / 70 = 14.3; 0
    points: [
      [70, 100],
      [10, 14],
      [0, 0],
    ],
  },
  "nobody can please it": {
    pod: aPod("p", preferring([10, isSsd])),
    nodes: [aNode("n"), aNode("m")],
    points: [
      [0, 0],
      [0, 0],
    ],
  },
  "what the profile adds counts too": {
    pod: aPod("p", preferring([30, isSsd])),
    nodes: [ssd("disk"), inA],
    args: { NodeAffinity: { addedAffinity: preferring([40, isInA]).affinity?.nodeAffinity ?? {} } },
    // 30 x 100 / 40; 40
    points: [
      [30, 75],
      [40, 100],
    ],
  },
  "no preference": { pod: nothing, nodes: [ssd("n")], points: undefined },
});

const required = (...nodeSelectorTerms: object[]): Partial<PodSpec> =>
  ({
    affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } },
  }) as Partial<PodSpec>;
const named = (...values: string[]) => ({ matchFields: [{ key: "metadata.name", operator: "In", values }] });

refuses("NodeAffinity", {
  "terms are alternatives, all of nodeSelector must hold as well": {
    pod: aPod("p", { ...required(isSsd, isInA), nodeSelector: { cpu: "arm" } }),
    nodes: [
      ssd("x", { cpu: "arm" }),
      aNode("y", { labels: { [zone]: "A", cpu: "arm" } }),
      ssd("z"),
      aNode("w", { labels: { cpu: "arm" } }),
    ],
    reasons: ["", "", ...Array(2).fill("node(s) didn't match Pod's node affinity/selector")],
  },
  "nodes that no term names are not looked at": {
    pod: aPod("p", required(named("a", "c"), named("x"))),
    nodes: [inA, inB],
    reasons: ["", "node(s) didn't satisfy plugin(s) [NodeAffinity]"],
  },
  "names that exclude one another": {
    pod: aPod("p", required({ matchFields: [...named("a").matchFields, ...named("b").matchFields] })),
    nodes: [inA],
    reasons: ["pod affinity terms conflict"],
  },
});

const mebi = 1024 * 1024;
function holding(name: string, images: Record<string, number>): Node {
  const node = aNode(name);
  const list = Object.entries(images).map(([image, size]) => ({ names: [image], sizeBytes: size * mebi }));
  return { ...node, status: { ...node.status, images: list } };
}
const running = (images: string[], initImages: string[] = []): Pod =>
  aPod("p", {
    containers: images.map((image, i) => ({ name: `c${i}`, image })),
    initContainers: initImages.map((image, i) => ({ name: `i${i}`, image })),
  });

scores("ImageLocality", {
  "size x share of the nodes that have it, between 23 and 1000 MiB": {
    pod: running(["web:1"]),
    nodes: [holding("has", { "web:1": 500 }), holding("lacks", {})],
    // 500 x 1/2 = 250; (250 - 23) x 100 / (1000 - 23) = 23.2; the other 0
    points: [
      [23, 23],
      [0, 0],
    ],
  },
  "too small to matter, and as large as can be": {
    pod: running(["small:1", "large:1"]),
    nodes: [holding("n", { "small:1": 22 }), holding("m", { "large:1": 6000 })],
    // 22 x 1/2 = 11 < 23: 0; 6000 / 2 = 3000 > 2 x 1000: 100
    points: [
      [0, 0],
      [100, 100],
    ],
  },
  "init containers count, one that is nowhere raises the bar": {
    pod: running(["a:1", "unknown:1"], ["b:1"]),
    nodes: [holding("x", { "a:1": 300, "b:1": 600 }), holding("y", { "b:1": 600 }), holding("z", { "b:1": 600 })],
    // x: 300 / 3 + 600 = 700; (700 - 23) x 100 / (3000 - 23) = 22.7. y, z: 600; 57700 / 2977 = 19.4
    points: [
      [22, 22],
      [19, 19],
      [19, 19],
    ],
  },
  "no tag is latest, a port is no tag": {
    pod: running(["localhost:5000/web"]),
    nodes: [holding("n", { "localhost:5000/web:latest": 1000 })],
    points: same(100),
  },
});

const publishing = (name: string, ...ports: object[]): Pod =>
  aPod(name, { containers: [{ name: "c", image: "i", ports }] } as unknown as PodSpec);
const taken = "node(s) didn't have free ports for the requested pod ports";

refuses("NodePorts", {
  "same protocol, same port, same address or any": {
    pod: publishing("p", { containerPort: 1, hostPort: 80, hostIP: "10.0.0.1" }),
    nodes: ["any", "same", "other", "udp", "unpublished"].map((name) => aNode(name)),
    pods: [
      bound(publishing("1", { containerPort: 1, hostPort: 80 }), "any"),
      bound(publishing("2", { containerPort: 1, hostPort: 80, hostIP: "10.0.0.1", protocol: "TCP" }), "same"),
      bound(publishing("3", { containerPort: 1, hostPort: 80, hostIP: "10.0.0.2" }), "other"),
      bound(publishing("4", { containerPort: 1, hostPort: 80, protocol: "UDP" }), "udp"),
      bound(publishing("5", { containerPort: 80 }), "unpublished"),
    ],
    reasons: [taken, taken, "", "", ""],
  },
});

const web = { app: "web" };
const aWeb = (name: string, node: string, labels: Record<string, string> = web): Pod =>
  bound(labelled(aPod(name), labels), node);
const spreading = (more: Partial<TopologySpreadConstraint> = {}): Pod =>
  labelled(
    aPod("p", {
      topologySpreadConstraints: [
        {
          topologyKey: zone,
          maxSkew: 1,
          whenUnsatisfiable: "DoNotSchedule",
          labelSelector: { matchLabels: web },
          ...more,
        },
      ],
    }),
    { ...web, version: "2" },
  );
const skewed = "node(s) didn't match pod topology spread constraints";

refuses("PodTopologySpread", {
  "pods there + itself - the fewest anywhere": {
    pod: spreading(),
    nodes: [inA, inB, aNode("nowhere")],
    pods: [aWeb("1", "a"), aWeb("2", "a"), aWeb("3", "b")],
    // A: 2 + 1 - 1 = 2 > 1; B: 1 + 1 - 1 = 1
    reasons: [skewed, "", `${skewed} (missing required label)`],
  },
  "who is not counted adds nothing": {
    pod: spreading({ labelSelector: { matchLabels: { app: "db" } } }),
    nodes: [inA, inB],
    pods: [aWeb("1", "a", { app: "db" })],
    // A: 1 + 0 - 0 = 1
    reasons: ["", ""],
  },
  "with too few domains the fewest is none": {
    pod: spreading({ minDomains: 3 }),
    nodes: [inA, inB],
    pods: [aWeb("1", "a"), aWeb("2", "b")],
    // 1 + 1 - 0 = 2 > 1
    reasons: [skewed, skewed],
  },
  "a domain that its taints close counts, unless they are honored": {
    pod: spreading(),
    nodes: [inA, { ...inB, spec: { taints: [{ key: "k", effect: "NoSchedule" }] } }],
    pods: [aWeb("1", "a")],
    // A: 1 + 1 - 0 (in B) = 2
    reasons: [skewed, ""],
  },
  "taints honored": {
    pod: spreading({ nodeTaintsPolicy: "Honor" }),
    nodes: [inA, { ...inB, spec: { taints: [{ key: "k", effect: "NoSchedule" }] } }],
    pods: [aWeb("1", "a")],
    // A: 1 + 1 - 1 (in A itself) = 1; B is not a domain: 0 + 1 - 1 = 0
    reasons: ["", ""],
  },
  "a domain that affinity excludes does not count, unless told to ignore that": {
    pod: { ...spreading(), spec: { ...(spreading().spec as PodSpec), nodeSelector: { [zone]: "A" } } },
    nodes: [inA, inB],
    pods: [aWeb("1", "a")],
    // A: 1 + 1 - 1
    reasons: ["", ""],
  },
  "affinity ignored": {
    pod: {
      ...spreading(),
      spec: { ...(spreading({ nodeAffinityPolicy: "Ignore" }).spec as PodSpec), nodeSelector: { [zone]: "A" } },
    },
    nodes: [inA, inB],
    pods: [aWeb("1", "a")],
    // A: 1 + 1 - 0 (in B)
    reasons: [skewed, ""],
  },
  "only pods of the same version": {
    pod: spreading({ matchLabelKeys: ["version"] }),
    nodes: [inA, inB],
    pods: [aWeb("1", "a", { ...web, version: "1" }), aWeb("2", "a", { ...web, version: "1" })],
    reasons: ["", ""],
  },
  "pods that leave, and those of other namespaces, are not counted": {
    pod: spreading(),
    nodes: [inA, inB],
    pods: [
      { ...aWeb("1", "a"), metadata: { ...aWeb("1", "a").metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } },
      { ...aWeb("2", "a"), metadata: { ...aWeb("2", "a").metadata, namespace: "other" } },
    ],
    reasons: ["", ""],
  },
});

const anyway = (more: Partial<TopologySpreadConstraint> = {}) =>
  spreading({ whenUnsatisfiable: "ScheduleAnyway", ...more });
const service = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web", namespace: "default" },
  spec: { selector: web },
} as const;

scores("PodTopologySpread", {
  "pods of the domain x ln(domains + 2) + (maxSkew - 1)": {
    pod: anyway(),
    nodes: [inA, inB],
    pods: [aWeb("1", "a"), aWeb("2", "a"), aWeb("3", "b")],
    // A: 2 x ln 4 = 2.77, 3; B: 1.39, 1. 100 x (3 + 1 - 3) / 3 = 33.3; 100 x (3 + 1 - 1) / 3 = 100
    points: [
      [3, 33],
      [1, 100],
    ],
  },
  "a larger skew waters it down": {
    pod: anyway({ maxSkew: 3 }),
    nodes: [inA, inB],
    pods: [aWeb("1", "a"), aWeb("2", "a"), aWeb("3", "b")],
    // 2.77 + 2 = 4.77, 5; 1.39 + 2 = 3.39, 3. 100 x (5 + 3 - 5) / 5 = 60; 100 x (5 + 3 - 3) / 5
    points: [
      [5, 60],
      [3, 100],
    ],
  },
  "a node without the key gets nothing": {
    pod: anyway(),
    nodes: [inA, inB, aNode("nowhere")],
    pods: [aWeb("1", "a"), aWeb("2", "nowhere")],
    // A: ln 4 = 1.39, 1; B: 0. 100 x (1 + 0 - 1) / 1 = 0; 100
    points: [
      [1, 0],
      [0, 100],
      [0, 0],
    ],
  },
  "nobody there: all alike": {
    pod: anyway(),
    nodes: [inA, inB],
    points: [
      [0, 100],
      [0, 100],
    ],
  },
  "the system's own constraints for pods that a Service chooses": {
    pod: labelled(aPod("p"), web),
    nodes: [inA, inB],
    pods: [aWeb("1", "a"), aWeb("2", "a")],
    more: { services: [service] },
    // hosts, skew 3: 2 x ln 4 + 2 = 4.77 and 2; zones, skew 5: 2.77 + 4 = 6.77 and 4; 11.55 is 12, and 6.
    // 100 x (12 + 6 - 12) / 12 = 50; 100 x (12 + 6 - 6) / 12
    points: [
      [12, 50],
      [6, 100],
    ],
  },
  "without zones they still spread over hosts": {
    pod: labelled(aPod("p"), web),
    nodes: ["x", "y"].map((name) => aNode(name, { labels: { [hostname]: name } })),
    pods: [aWeb("1", "x"), aWeb("2", "x")],
    more: { services: [service] },
    // 2 x ln 4 + 2 = 4.77, 5; 2. 100 x 2 / 5 = 40; 100
    points: [
      [5, 40],
      [2, 100],
    ],
  },
  "nobody chooses the pod": { pod: labelled(aPod("p"), web), nodes: [inA, inB], points: undefined },
});

const near = (app: string, more: Partial<PodAffinityTerm> = {}): PodAffinityTerm => ({
  topologyKey: zone,
  labelSelector: { matchLabels: { app } },
  ...more,
});
const likes = (weight: number, app: string) => ({
  preferredDuringSchedulingIgnoredDuringExecution: [{ weight, podAffinityTerm: near(app) }],
});
const needs = (term: PodAffinityTerm) => ({ requiredDuringSchedulingIgnoredDuringExecution: [term] });
const withAffinity = (pod: Pod, affinity: PodSpec["affinity"]): Pod => ({
  ...pod,
  spec: { ...(pod.spec as PodSpec), affinity },
});
const inC = inZone("c", "C");

scores("InterPodAffinity", {
  "a weight for each pod in the domain": {
    pod: withAffinity(aPod("p"), { podAffinity: likes(10, "web") }),
    nodes: [inA, inB, inC],
    pods: [aWeb("1", "a"), aWeb("2", "a"), aWeb("3", "a"), aWeb("4", "b")],
    // 30, 10, 0; 100 x (10 - 0) / 30 = 33.3
    points: [
      [30, 100],
      [10, 33],
      [0, 0],
    ],
  },
  "aversion, from the least to the most": {
    pod: withAffinity(aPod("p"), { podAntiAffinity: likes(5, "web") }),
    nodes: [inA, inB, inC],
    pods: [aWeb("1", "a"), aWeb("2", "b"), aWeb("3", "b")],
    // -5, -10, 0; 100 x (-5 + 10) / 10 = 50
    points: [
      [-5, 50],
      [-10, 0],
      [0, 100],
    ],
  },
  "what others like counts, their needs with weight 1": {
    pod: labelled(aPod("p"), web),
    nodes: [inA, inB, inC],
    pods: [
      withAffinity(bound(aPod("1"), "a"), { podAffinity: needs(near("web")) }),
      withAffinity(bound(aPod("2"), "b"), { podAffinity: likes(4, "web") }),
      withAffinity(bound(aPod("3"), "c"), { podAntiAffinity: likes(4, "web") }),
    ],
    // 1, 4, -4; 100 x (1 + 4) / 8 = 62.5
    points: [
      [1, 62],
      [4, 100],
      [-4, 0],
    ],
  },
  "or with the weight that is configured": {
    pod: labelled(aPod("p"), web),
    nodes: [inA, inB],
    pods: [
      withAffinity(bound(aPod("1"), "a"), { podAffinity: needs(near("web")) }),
      withAffinity(bound(aPod("2"), "b"), { podAffinity: likes(4, "web") }),
    ],
    args: { InterPodAffinity: { hardPodAffinityWeight: 16 } },
    points: [
      [16, 100],
      [4, 0],
    ],
  },
  "nobody has a preference": { pod: nothing, nodes: [inA], pods: [aWeb("1", "a")], points: undefined },
});

const [noCompany, avoided, avoiding] = [
  "node(s) didn't match pod affinity rules",
  "node(s) didn't match pod anti-affinity rules",
  "node(s) didn't satisfy existing pods anti-affinity rules",
];

refuses("InterPodAffinity", {
  "needs company in the same zone": {
    pod: withAffinity(aPod("p"), { podAffinity: needs(near("web")) }),
    nodes: [inA, inB, aNode("nowhere")],
    pods: [aWeb("1", "a"), aWeb("2", "nowhere")],
    reasons: ["", noCompany, noCompany],
  },
  "the first of its kind needs none, but a zone": {
    pod: withAffinity(labelled(aPod("p"), web), { podAffinity: needs(near("web")) }),
    nodes: [inA, aNode("nowhere")],
    reasons: ["", noCompany],
  },
  "the second goes where the first is": {
    pod: withAffinity(labelled(aPod("p"), web), { podAffinity: needs(near("web")) }),
    nodes: [inA, inB],
    pods: [aWeb("1", "b")],
    reasons: [noCompany, ""],
  },
  "avoids others, and is avoided by others": {
    pod: withAffinity(labelled(aPod("p"), { app: "db" }), { podAntiAffinity: needs(near("web")) }),
    nodes: [inA, inB, inC],
    pods: [aWeb("1", "a"), withAffinity(bound(aPod("2"), "b"), { podAntiAffinity: needs(near("db")) })],
    reasons: [avoided, avoiding, ""],
  },
  "in namespaces with a label": {
    pod: withAffinity(aPod("p"), {
      podAffinity: needs(near("web", { namespaceSelector: { matchLabels: { team: "x" } } })),
    }),
    nodes: [inA, inB],
    pods: [aWeb("1", "a"), { ...aWeb("2", "b"), metadata: { name: "2", namespace: "other", labels: web } }],
    more: {
      namespaces: [
        { apiVersion: "v1", kind: "Namespace", metadata: { name: "default" } },
        { apiVersion: "v1", kind: "Namespace", metadata: { name: "other", labels: { team: "x" } } },
      ],
    },
    reasons: [noCompany, ""],
  },
});

const using = (name: string, claimName: string): Pod =>
  aPod(name, { volumes: [{ name: "v", persistentVolumeClaim: { claimName } }] });
const aClaim = (name: string, spec: object, bound = false) => ({
  apiVersion: "v1",
  kind: "PersistentVolumeClaim",
  metadata: { name, namespace: "default", annotations: bound ? { "pv.kubernetes.io/bind-completed": "yes" } : {} },
  spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } }, ...spec },
});
const aVolume = (name: string, spec: object, labels = {}, phase = "Available") => ({
  apiVersion: "v1",
  kind: "PersistentVolume",
  metadata: { name, labels },
  spec: { capacity: { storage: "2Gi" }, accessModes: ["ReadWriteOnce"], ...spec },
  status: { phase },
});
const onlyInA = { nodeAffinity: { required: { nodeSelectorTerms: [isInA] } } };
const late = {
  apiVersion: "storage.k8s.io/v1",
  kind: "StorageClass",
  metadata: { name: "late" },
  provisioner: "kubernetes.io/no-provisioner",
  volumeBindingMode: "WaitForFirstConsumer",
};
const stored = (objects: object) => objects as Partial<ClusterObjects>;

refuses("VolumeBinding", {
  "a bound volume must be reachable": {
    pod: using("p", "c"),
    nodes: [inA, inB],
    more: stored({
      persistentVolumeClaims: [aClaim("c", { volumeName: "pv" }, true)],
      persistentVolumes: [aVolume("pv", onlyInA)],
    }),
    reasons: ["", "node(s) had volume node affinity conflict"],
  },
  "an unbound claim needs a volume that is large enough and reachable": {
    pod: using("p", "c"),
    nodes: [inA, inB],
    more: stored({
      storageClasses: [late],
      persistentVolumeClaims: [aClaim("c", { storageClassName: "late" })],
      persistentVolumes: [
        aVolume("near", { storageClassName: "late", ...onlyInA }),
        aVolume("small", { storageClassName: "late", capacity: { storage: "512Mi" } }),
      ],
    }),
    reasons: ["", "node(s) didn't find available persistent volumes to bind"],
  },
  "a claim that should be bound by now stops the pod everywhere": {
    pod: using("p", "c"),
    nodes: [inA],
    more: stored({ persistentVolumeClaims: [aClaim("c", {})] }),
    reasons: ["pod has unbound immediate PersistentVolumeClaims"],
  },
});

refuses("VolumeZone", {
  "a volume's zones": {
    pod: using("p", "c"),
    nodes: [inA, inB, inC, aNode("nowhere")],
    more: stored({
      persistentVolumeClaims: [aClaim("c", { volumeName: "pv" }, true)],
      persistentVolumes: [aVolume("pv", {}, { [zone]: "A__B" })],
    }),
    reasons: ["", "", "node(s) had no available volume zone", ""],
  },
});

const csi = (handle: string) => ({ csi: { driver: "d", volumeHandle: handle } });

refuses("NodeVolumeLimits", {
  "volumes of a driver, each once": {
    pod: using("p", "c1"),
    nodes: [inA, inB],
    pods: [
      bound(using("1", "c1"), "a"),
      bound(using("2", "c2"), "a"),
      bound(using("3", "c2"), "b"),
      bound(using("4", "c3"), "b"),
    ],
    more: stored({
      persistentVolumeClaims: ["1", "2", "3"].map((n) => aClaim(`c${n}`, { volumeName: `pv${n}` }, true)),
      persistentVolumes: ["1", "2", "3"].map((n) => aVolume(`pv${n}`, csi(n))),
      csiNodes: ["a", "b"].map((name) => ({
        apiVersion: "storage.k8s.io/v1",
        kind: "CSINode",
        metadata: { name },
        spec: { drivers: [{ name: "d", nodeID: name, allocatable: { count: 2 } }] },
      })),
    }),
    // a: {1, 2} and 1 again: 2 <= 2. b: {2, 3} and 1: 3 > 2
    reasons: ["", "node(s) exceed max volume count"],
  },
});

const disk = (name: string, readOnly: boolean): Pod =>
  aPod(name, { volumes: [{ name: "v", gcePersistentDisk: { pdName: "d", readOnly } }] });

refuses("VolumeRestrictions", {
  "a disk that somebody writes": {
    pod: disk("p", true),
    nodes: [inA, inB],
    pods: [bound(disk("1", false), "a"), bound(disk("2", true), "b")],
    reasons: ["node(s) had no available disk", ""],
  },
  "a claim for one pod only": {
    pod: using("p", "c"),
    nodes: [inA, inB],
    pods: [bound(using("1", "c"), "a")],
    more: stored({
      persistentVolumeClaims: [aClaim("c", { volumeName: "pv", accessModes: ["ReadWriteOncePod"] }, true)],
      persistentVolumes: [aVolume("pv", {})],
    }),
    reasons: Array(2).fill(
      "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode",
    ),
  },
});

describe("the sum", () => {
  it("weighs each plugin's points", () => {
    const pod = withAffinity(aPod("p", {}, { cpu: "1", memory: "2Gi" }), { podAffinity: likes(1, "web") });
    const small = aNode("b", { cpu: "2", memory: "8Gi", labels: { [zone]: "B" }, taints: [preferNot("k")] });
    const { totals, winners } = explainPod(pod, { nodes: [inA, small], pods: [aWeb("1", "b")] });
    // a: Fit cpu 3000/4000 75, memory 6/8 75: 75; Balanced 1/4, 1/4: 100; taints 3 x 100; affinity 0.           475
    // b: the pod there counts 100m and 200 MiB for Fit only: cpu (2000 - 1100) / 2000 45, memory (8192 - 2248) x 100 / 8192 = 72.6:
    //    (45 + 72) / 2 = 58; Balanced 1/2, 1/4: 0.125 off, 87; taints 0; affinity 2 x 100.                        345
    expect(totals).toEqual([
      { node: "a", score: 475 },
      { node: "b", score: 345 },
    ]);
    expect(winners).toEqual(["a"]);
  });
});
