/**
 * Random clusters and pods: who may have the pod, why not, and every plugin's points are those of the reference.
 * FLOTILLA_RUNS=20000 looks longer, FLOTILLA_SEED=... repeats.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defaultProfile, filterPod, scorePod } from "../mod.ts";
import { type Situation, situation } from "./random/situations.testing.ts";
import { type ReferenceScore, referenceFilter, referenceScores } from "./reference.testing.ts";
import type { Refusal } from "./world.testing.ts";

const runs = Number(process.env.FLOTILLA_RUNS ?? 1200);
const seed = Number(process.env.FLOTILLA_SEED ?? Math.floor(Math.random() * 2 ** 31));

interface Verdict {
  readonly node: string;
  readonly feasible: boolean;
  readonly refusals: Readonly<Record<string, Refusal>>;
}
type Scores = Readonly<Record<string, ReferenceScore>>;

/** Several reasons of one plugin have no order. */
function withSortedReasons({ node, feasible, refusals }: Verdict): Verdict {
  const sorted = Object.entries(refusals).map(([plugin, { reasons, unresolvable }]) => [
    plugin,
    { reasons: [...reasons].sort(), unresolvable },
  ]);
  return { node, feasible, refusals: Object.fromEntries(sorted) };
}

function verdictsOfScheduler({ pod, cluster, args }: Situation): Verdict[] {
  return filterPod(pod, cluster, defaultProfile("default-scheduler", args)).map(({ node, feasible, verdicts }) => {
    const refusals = verdicts.filter(({ verdict }) => verdict === "refuses");
    return withSortedReasons({
      node,
      feasible,
      refusals: Object.fromEntries(refusals.map((one) => [one.plugin, one])),
    });
  });
}

/** A plugin that gives nobody anything says as little as one that is skipped. */
function withoutSilent(scores: Scores): Scores {
  const speaks = ({ raw, normalized }: ReferenceScore) => [...raw, ...normalized].some((points) => points !== 0);
  return Object.fromEntries(Object.entries(scores).filter(([, score]) => speaks(score)));
}

function scoresOfScheduler({ pod, cluster, args }: Situation, nodes: readonly string[]): Scores {
  const all = scorePod(pod, cluster, nodes, defaultProfile("default-scheduler", args));
  const asked = all.filter(({ skipped }) => !skipped);
  return Object.fromEntries(
    asked.map(({ plugin, weight, nodes }) => [
      plugin,
      { weight, raw: nodes.map(({ raw }) => raw), normalized: nodes.map(({ normalized }) => normalized) },
    ]),
  );
}

/** In how many runs what happened at least once. */
class Tally {
  readonly counts = new Map<string, number>();

  note(verdicts: readonly Verdict[], scores: Scores): void {
    const seen = new Set<string>();
    const feasible = verdicts.filter((verdict) => verdict.feasible).length;
    if (feasible > 0) seen.add("some node is left");
    if (feasible > 1) seen.add("there is a choice");
    if (feasible > 0 && feasible < verdicts.length) seen.add("some nodes are left, some are not");
    for (const [plugin, { reasons }] of verdicts.flatMap(({ refusals }) => Object.entries(refusals))) {
      seen.add(`${plugin} refuses`);
      if (reasons.some((reason) => reason.includes("nominated"))) seen.add("promised room is respected");
    }
    for (const [plugin, { normalized }] of Object.entries(scores)) {
      if (new Set(normalized).size > 1) seen.add(`${plugin} tells nodes apart`);
    }
    for (const event of seen) this.counts.set(event, (this.counts.get(event) ?? 0) + 1);
  }

  share(event: string): number {
    return (this.counts.get(event) ?? 0) / runs;
  }
}

describe(`against the reference: ${runs} runs, FLOTILLA_SEED=${seed}`, () => {
  const tally = new Tally();

  it("filters and scores alike", { timeout: 1_000_000 }, () => {
    fc.assert(
      fc.property(situation, (one) => {
        const verdicts = referenceFilter(one.pod, one.cluster, one.args).map(withSortedReasons);
        expect(verdictsOfScheduler(one)).toEqual(verdicts);
        const feasible = verdicts.filter((verdict) => verdict.feasible).map(({ node }) => node);
        const scores = referenceScores(one.pod, one.cluster, feasible, one.args);
        if (feasible.length > 0) {
          expect(withoutSilent(scoresOfScheduler(one, feasible))).toEqual(withoutSilent(scores));
        }
        tally.note(verdicts, scores);
      }),
      { numRuns: runs, seed },
    );
  });

  const often = ["some node is left", "there is a choice", "some nodes are left, some are not"];
  const filtering = [
    "NodeUnschedulable",
    "NodeName",
    "TaintToleration",
    "NodeAffinity",
    "NodePorts",
    "NodeResourcesFit",
    "VolumeRestrictions",
    "NodeVolumeLimits",
    "VolumeBinding",
    "VolumeZone",
    "PodTopologySpread",
    "InterPodAffinity",
  ];
  const scoring = [
    "TaintToleration",
    "NodeAffinity",
    "NodeResourcesFit",
    "PodTopologySpread",
    "InterPodAffinity",
    "NodeResourcesBalancedAllocation",
    "ImageLocality",
  ];

  it.runIf(runs >= 1000)("met every plugin often enough to mean something", () => {
    for (const event of often) expect.soft(tally.share(event), event).toBeGreaterThan(0.15);
    for (const plugin of filtering) expect.soft(tally.share(`${plugin} refuses`), plugin).toBeGreaterThan(0.005);
    for (const plugin of scoring)
      expect.soft(tally.share(`${plugin} tells nodes apart`), plugin).toBeGreaterThan(0.005);
    expect.soft(tally.counts.get("promised room is respected") ?? 0).toBeGreaterThan(0);
  });
});
