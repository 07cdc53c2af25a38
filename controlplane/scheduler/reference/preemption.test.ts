/** Who has to leave for a pod that fits nowhere: the scheduler takes one of the reference's best choices, or says the same about why not. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../base/mod.ts";
import { Cache, isTerminal } from "../cache.ts";
import { NodeFinder } from "../find-node.ts";
import { Framework } from "../framework/framework.ts";
import { defaultProfile } from "../mod.ts";
import { listedObjects } from "../objects.ts";
import { podInfo } from "../pod-info.ts";
import { Nominator } from "../queue/nominator.ts";
import { crowd, type Situation } from "./generators.testing.ts";
import { referencePreemption } from "./preemption.testing.ts";
import { referenceFilter } from "./reference.testing.ts";

const runs = Number(process.env.FLOTILLA_RUNS ?? 500);
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
  return { node: way.node, victims: way.victims.map((victim) => victim.pod.metadata.name ?? "") };
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
    console.log(counts);
  });
});
