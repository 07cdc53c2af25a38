import { describe, expect, it } from "vitest";
import type { Pod, PodSpec, TopologySpreadConstraint } from "../../../api/mod.ts";
import { explainPod } from "../../mod.ts";
import { aNode, aPod, bound, labelled } from "../../scheduler.testing.ts";
import {
  aWeb,
  hostname,
  inA,
  inB,
  inC,
  likes,
  near,
  needs,
  nothing,
  preferNot,
  refuses,
  scores,
  web,
  withAffinity,
  zone,
} from "./cases.testing.ts";

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
