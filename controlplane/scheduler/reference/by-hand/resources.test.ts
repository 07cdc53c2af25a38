import { aNode, aPod, bound } from "../../scheduler.testing.ts";
import { gpu, nothing, refuses, same, scores, withGpus } from "./cases.testing.ts";

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
