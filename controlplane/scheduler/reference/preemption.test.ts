/** Who has to leave for a pod that fits nowhere: the scheduler takes one of the reference's best choices, or says the same about why not. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../base/mod.ts";
import type { Pod, PodDisruptionBudget, PodSpec } from "../../api/mod.ts";
import { Cache, isTerminal } from "../cache.ts";
import { NodeFinder } from "../find-node.ts";
import { Framework } from "../framework/framework.ts";
import { defaultProfile } from "../mod.ts";
import { listedObjects } from "../objects.ts";
import { podInfo } from "../pod-info.ts";
import { Nominator } from "../queue/nominator.ts";
import { aNode, aPod, bound, labelled } from "../scheduler.testing.ts";
import { isRanked, rankedNames, referencePreemption } from "./preemption.testing.ts";
import { crowd, type Situation } from "./random/situations.testing.ts";
import { referenceFilter } from "./reference.testing.ts";

const runs = Number(process.env.FLOTILLA_RUNS ?? 300);
const seed = Number(process.env.FLOTILLA_SEED ?? Math.floor(Math.random() * 2 ** 31));

type Outcome = { readonly node: string; readonly victims: string[] } | { readonly message: string } | "fits";

function preemptionOfScheduler({ pod, cluster, args }: Situation): Outcome {
  const nominator = new Nominator();
  const cache = new Cache(listedObjects(cluster), nominator);
  for (const node of cluster.nodes) cache.setNode(node);
  for (const other of cluster.pods ?? []) {
    if (isTerminal(other)) continue;
    if (other.spec?.nodeName) cache.setPod(other);
    else nominator.set(podInfo(other), other.status?.nominatedNodeName ?? "");
  }
  const framework = new Framework(defaultProfile("default-scheduler", args), cache, seededRandom(seed));
  const info = podInfo(pod);
  const placement = new NodeFinder(framework, cache).find(info);
  if (placement.kind === "node") return "fits";
  const way = framework.postFilter(info, placement.refusals, placement.state);
  if (way.kind === "none") return { message: way.message };
  const victims = way.victims.map((victim) => victim.pod);
  expect(victims).toSatisfy(isRanked);
  return { node: way.node, victims: rankedNames(victims) };
}

describe(`preemption against the reference: ${runs} runs, FLOTILLA_SEED=${seed}`, () => {
  const counts = { unfit: 0, nominated: 0, several: 0, refused: 0 };

  it("chooses alike", { timeout: 1_000_000 }, () => {
    fc.assert(
      fc.property(crowd, (one) => {
        const found = preemptionOfScheduler(one);
        if (found === "fits") {
          expect(referenceFilter(one.pod, one.cluster, one.args).some(({ feasible }) => feasible)).toBe(true);
          return;
        }
        counts.unfit++;
        const expected = referencePreemption(one.pod, one.cluster, one.args);
        if (expected.kind === "none") expect(found).toEqual({ message: expected.message });
        else expect(expected.choices).toContainEqual(found);
        if (expected.kind === "nominated") counts.nominated++;
        if (expected.kind === "nominated" && expected.choices.some(({ victims }) => victims.length > 1))
          counts.several++;
        if (expected.kind === "none" && expected.message.includes("Insufficient")) counts.refused++;
      }),
      { numRuns: runs, seed },
    );
  });

  it.runIf(runs >= 300)("met all outcomes often enough", () => {
    expect.soft(counts.unfit / runs).toBeGreaterThan(0.2);
    expect.soft(counts.nominated / runs).toBeGreaterThan(0.05);
    expect.soft(counts.several).toBeGreaterThan(0);
    expect.soft(counts.refused).toBeGreaterThan(0);
  });
});

interface Shape {
  readonly on: string;
  readonly cpu: number;
  readonly priority: number;
  readonly start?: number;
  readonly app?: string;
}

function running(name: string, { on, cpu, priority, start = 0, app }: Shape): Pod {
  const pod = bound(aPod(name, { priority }, { cpu: `${cpu}` }), on);
  const labels: Record<string, string> = app === undefined ? {} : { app };
  return { ...labelled(pod, labels), status: { phase: "Running", startTime: new Date(start * 1000).toISOString() } };
}

const budgetOfDb = (disruptionsAllowed: number) =>
  ({
    metadata: { name: "db", namespace: "default" },
    spec: { selector: { matchLabels: { app: "db" } } },
    status: { disruptionsAllowed, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 },
  }) as PodDisruptionBudget;

/** Nodes have 4 CPUs each; the pod has priority 10. */
const cases: Readonly<
  Record<
    string,
    {
      readonly cpu: number;
      readonly spec?: Partial<PodSpec>;
      readonly pods: Readonly<Record<string, Shape>>;
      readonly budgets?: readonly PodDisruptionBudget[];
      readonly outcome: Outcome;
    }
  >
> = {
  "the least important of those that must go, and of equals the youngest": {
    cpu: 1,
    pods: {
      old: { on: "a", cpu: 1, priority: 0, start: 1 },
      young: { on: "a", cpu: 1, priority: 0, start: 2 },
      better: { on: "a", cpu: 2, priority: 5, start: 3 },
    },
    // 4 - 0 in use; back come better (2), old (3); with young 4 + 1 > 4
    outcome: { node: "a", victims: ["young"] },
  },
  "who is too large to come back goes, smaller ones behind it stay": {
    cpu: 2,
    pods: {
      large: { on: "a", cpu: 3, priority: 5 },
      small: { on: "a", cpu: 1, priority: 1 },
    },
    // 2 + 3 > 4: large goes; 2 + 1: small stays
    outcome: { node: "a", victims: ["large"] },
  },
  "the node whose most important victim matters least, however many there are": {
    cpu: 4,
    pods: {
      one: { on: "a", cpu: 4, priority: 5 },
      two: { on: "b", cpu: 2, priority: 4, start: 1 },
      three: { on: "b", cpu: 2, priority: 4, start: 2 },
    },
    outcome: { node: "b", victims: ["two", "three"] },
  },
  "then the smaller sum": {
    cpu: 4,
    pods: {
      a1: { on: "a", cpu: 2, priority: 5 },
      a2: { on: "a", cpu: 2, priority: 3 },
      b1: { on: "b", cpu: 2, priority: 5 },
      b2: { on: "b", cpu: 2, priority: 2 },
    },
    // 8 against 7, each + 2 x 2^31
    outcome: { node: "b", victims: ["b1", "b2"] },
  },
  "two pods below zero are more than one": {
    cpu: 4,
    pods: {
      a1: { on: "a", cpu: 2, priority: -5, start: 1 },
      a2: { on: "a", cpu: 2, priority: -5, start: 2 },
      b1: { on: "b", cpu: 4, priority: -5 },
    },
    // -10 + 2 x 2^31 against -5 + 2^31
    outcome: { node: "b", victims: ["b1"] },
  },
  "then the fewer: a pod of the lowest priority there is adds nothing to the sum": {
    cpu: 4,
    pods: {
      b1: { on: "b", cpu: 2, priority: 5, start: 1 },
      b2: { on: "b", cpu: 2, priority: -(2 ** 31), start: 1 },
      a1: { on: "a", cpu: 4, priority: 5 },
    },
    // 5 + 2^31 on both; two against one
    outcome: { node: "a", victims: ["a1"] },
  },
  "then whose most important victim started last": {
    cpu: 4,
    pods: { a1: { on: "a", cpu: 4, priority: 5, start: 10 }, b1: { on: "b", cpu: 4, priority: 5, start: 20 } },
    outcome: { node: "b", victims: ["b1"] },
  },
  "a budget counts more than priority": {
    cpu: 4,
    budgets: [budgetOfDb(0)],
    pods: { a1: { on: "a", cpu: 4, priority: 0, app: "db" }, b1: { on: "b", cpu: 4, priority: 9 } },
    outcome: { node: "b", victims: ["b1"] },
  },
  "the first pod uses the budget up, the second is over it and comes back first": {
    cpu: 2,
    budgets: [budgetOfDb(1)],
    pods: {
      first: { on: "a", cpu: 2, priority: 1, start: 1, app: "db" },
      second: { on: "a", cpu: 2, priority: 1, start: 2, app: "db" },
    },
    outcome: { node: "a", victims: ["first"] },
  },
  "nobody of the same priority goes": {
    cpu: 1,
    pods: { same: { on: "a", cpu: 4, priority: 10 }, b1: { on: "b", cpu: 4, priority: 11 } },
    outcome: { message: "preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod." },
  },
  "who goes is not enough": {
    cpu: 3,
    pods: { low: { on: "a", cpu: 1, priority: 0 }, high: { on: "a", cpu: 2, priority: 10 } },
    outcome: { message: "preemption: 0/1 nodes are available: 1 Insufficient cpu." },
  },
  "larger than any node": {
    cpu: 5,
    pods: { low: { on: "a", cpu: 1, priority: 0 } },
    outcome: { message: "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling." },
  },
  "it must not": {
    cpu: 4,
    spec: { preemptionPolicy: "Never" },
    pods: { low: { on: "a", cpu: 1, priority: 0 } },
    outcome: { message: "preemption: not eligible due to preemptionPolicy=Never." },
  },
};

describe("preemption by hand", () => {
  for (const [name, { cpu, spec, pods, budgets, outcome }] of Object.entries(cases)) {
    it(name, () => {
      const pod = aPod("incoming", { priority: 10, ...spec }, { cpu: `${cpu}` });
      const nodes = [...new Set(Object.values(pods).map(({ on }) => on))].map((node) => aNode(node));
      const existing = Object.entries(pods).map(([name, shape]) => running(name, shape));
      const one = { pod, cluster: { nodes, pods: existing, podDisruptionBudgets: budgets }, args: {} };
      expect(preemptionOfScheduler(one)).toEqual(outcome);
      const expected = referencePreemption(pod, one.cluster);
      expect(expected.kind === "none" ? { message: expected.message } : expected.choices[0]).toEqual(outcome);
    });
  }
});
