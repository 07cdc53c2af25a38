/**
 * The scheduler keeps what it worked out from one pod to the next. So the same again with one cache for a whole life: pods of few templates come
 * one after the other and are bound, pods leave, nodes change; each pod gets what the reference says of the cluster as it is then.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assert, seededRandom } from "../../../base/mod.ts";
import type { Node, Pod } from "../../api/mod.ts";
import { Cache, isTerminal } from "../cache.ts";
import { NodeFinder } from "../find-node.ts";
import { CycleState } from "../framework/cycle-state.ts";
import { Framework } from "../framework/framework.ts";
import type { Rejection } from "../framework/plugin.ts";
import { type ClusterObjects, defaultProfile } from "../mod.ts";
import type { NodeInfo } from "../node-info.ts";
import { listedObjects } from "../objects.ts";
import { type PodInfo, podInfo } from "../pod-info.ts";
import { Nominator } from "../queue/nominator.ts";
import { isRanked, rankedNames, referencePreemption } from "./preemption.testing.ts";
import { crowd, type Situation, situation } from "./random/situations.testing.ts";
import { referenceFilter, referenceScores } from "./reference.testing.ts";

const runs = Number(process.env.FLOTILLA_RUNS ?? 60);
const seed = Number(process.env.FLOTILLA_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** What happens after a pod was tried: numbers choose among what there is. */
interface Change {
  readonly kind: "bind" | "leave" | "swap" | "none";
  readonly which: number;
}

const change: fc.Arbitrary<Change> = fc.record({
  kind: fc.constantFrom("bind" as const, "bind" as const, "leave" as const, "swap" as const, "none" as const),
  which: fc.nat(100),
});

/** A cluster and the scheduler's picture of it, changed together. */
class Life {
  readonly nominator = new Nominator();
  readonly objects: ClusterObjects & { nodes: Node[]; pods: Pod[] };
  readonly cache: Cache;
  readonly framework: Framework;

  constructor({ cluster, args }: Situation) {
    this.objects = { ...cluster, nodes: [...cluster.nodes], pods: [...(cluster.pods ?? [])] };
    this.cache = new Cache(listedObjects(this.objects), this.nominator);
    for (const node of cluster.nodes) this.cache.setNode(node);
    for (const pod of (cluster.pods ?? []).filter((one) => !isTerminal(one))) {
      if (pod.spec?.nodeName) this.cache.setPod(pod);
      else this.nominator.set(podInfo(pod), pod.status?.nominatedNodeName ?? "");
    }
    this.framework = new Framework(defaultProfile("default-scheduler", args), this.cache, seededRandom(seed));
  }

  apply({ kind, which }: Change, pod: Pod, feasible: readonly string[]): void {
    const { nodes, pods } = this.objects;
    if (kind === "bind" && feasible.length > 0) {
      const nodeName = feasible[which % feasible.length] as string;
      const bound = { ...pod, spec: { ...pod.spec, nodeName } as Pod["spec"] };
      pods.push(bound);
      this.cache.setPod(bound);
    }
    if (kind === "leave" && pods.length > 0) {
      const [gone] = pods.splice(which % pods.length, 1) as [Pod];
      if (gone.spec?.nodeName) this.cache.removePod(gone);
      else this.nominator.delete(podInfo(gone).key);
    }
    if (kind === "swap") {
      // A node's labels, taints and sizes become those of another.
      const [to, from] = [which % nodes.length, (which * 7 + 1) % nodes.length];
      const like = nodes[from] as Node;
      const node: Node = { ...like, metadata: { ...like.metadata, name: nodes[to]?.metadata.name as string } };
      nodes[to] = node;
      this.cache.setNode(node);
    }
  }

  /** By node: undefined where the pod may go. */
  verdicts(info: PodInfo, state: CycleState): Map<string, Rejection | undefined> {
    const prepared = this.framework.preFilter(info, state);
    const verdict = (name: string): Rejection | undefined => {
      if (prepared.kind === "refused") return prepared.refusal;
      if (prepared.nodes?.has(name) !== false) {
        return this.framework.filter(info, this.cache.node(name) as NodeInfo, state);
      }
      return { reasons: ["node(s) didn't satisfy plugin(s) [NodeAffinity]"], unresolvable: true };
    };
    return new Map(this.objects.nodes.map(({ metadata: { name = "" } }) => [name, verdict(name)]));
  }
}

const plain = (rejection: Rejection | undefined) =>
  rejection && { reasons: [...rejection.reasons].sort(), unresolvable: rejection.unresolvable };

describe(`one cache for many pods: ${runs} runs, FLOTILLA_SEED=${seed}`, () => {
  for (const [name, beginning] of [
    ["a cluster with room", situation],
    ["a crowded cluster", crowd],
  ] as const) {
    it(name, { timeout: 1_000_000 }, () => {
      const steps = fc.array(fc.tuple(fc.nat(1), change), { minLength: 4, maxLength: 10 });
      fc.assert(
        fc.property(beginning, beginning, steps, (one, other, steps) => {
          const life = new Life(one);
          for (const [i, [template, change]] of steps.entries()) {
            const { pod: like } = template === 0 ? one : other;
            const pod = { ...like, metadata: { ...like.metadata, name: `incoming-${i}`, uid: `uid-${i}` } };
            const feasible = expectAlike(life, pod, one.args);
            life.apply(change, pod, feasible);
          }
        }),
        { numRuns: runs, seed },
      );
    });
  }
});

/** Filters, scores and preemption; returns the names of the nodes that are left. */
function expectAlike(life: Life, pod: Pod, args: Situation["args"]): string[] {
  const { framework, cache, objects } = life;
  const [info, state] = [podInfo(pod), new CycleState()];
  const found = life.verdicts(info, state);
  const expected = referenceFilter(pod, objects, args);
  expect(new Map([...found].map(([node, rejection]) => [node, plain(rejection)]))).toEqual(
    new Map(expected.map(({ node, first }) => [node, plain(first)])),
  );
  const feasible = expected.filter((verdict) => verdict.feasible).map(({ node }) => node);
  if (feasible.length > 0) {
    const nodes = feasible.map((node) => cache.node(node) as NodeInfo);
    framework.preScore(info, nodes, state);
    const weighted = Object.values(referenceScores(pod, objects, feasible, args));
    const totals = feasible.map((_, i) =>
      weighted.reduce((sum, { normalized, weight }) => sum + (normalized[i] as number) * weight, 0),
    );
    expect(framework.score(info, nodes, state)).toEqual(totals);
    return feasible;
  }
  const placement = new NodeFinder(framework, cache).find(info);
  assert(placement.kind === "unschedulable", "no node is left");
  const way = framework.postFilter(info, placement.refusals, placement.state);
  const preemption = referencePreemption(pod, objects, args);
  if (way.kind === "none") expect(preemption).toEqual({ kind: "none", message: way.message });
  else {
    const victims = way.victims.map((victim) => victim.pod);
    expect(victims).toSatisfy(isRanked);
    expect(preemption).toMatchObject({ kind: "nominated" });
    const choice = { node: way.node, victims: rankedNames(victims) };
    expect(preemption.kind === "nominated" && preemption.choices).toContainEqual(choice);
  }
  return [];
}
