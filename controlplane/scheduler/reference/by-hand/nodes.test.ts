import type { Node, Pod, PodSpec } from "../../../api/mod.ts";
import { aNode, aPod, bound } from "../../scheduler.testing.ts";
import {
  inA,
  inB,
  isInA,
  isSsd,
  nothing,
  preferNot,
  preferring,
  refuses,
  same,
  scores,
  ssd,
  zone,
} from "./cases.testing.ts";

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
