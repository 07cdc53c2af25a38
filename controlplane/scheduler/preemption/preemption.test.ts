import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { seededRandom } from "../../../base/mod.ts";
import type { Pod, PodDisruptionBudget } from "../../api/mod.ts";
import { Cache } from "../cache.ts";
import { NodeFinder } from "../find-node.ts";
import { Framework } from "../framework/framework.ts";
import { listedObjects } from "../objects.ts";
import { type PodInfo, podInfo } from "../pod-info.ts";
import { defaultProfile } from "../profile.ts";
import { aNode, aPod, bound, labelled } from "../scheduler.testing.ts";
import { pickCandidate } from "./pick.ts";

interface Shape {
  readonly cpu: number;
  readonly priority: number;
  readonly start?: number;
  readonly app?: string;
}

function running(name: string, node: string, { cpu, priority, start = 0, app }: Shape): Pod {
  const pod = bound(aPod(name, { priority }, { cpu: `${cpu}` }), node);
  const status = { startTime: new Date(start * 1000).toISOString() };
  return { ...(app === undefined ? pod : labelled(pod, { app })), status };
}

function preempt(
  pod: Pod,
  pods: readonly Pod[],
  nodes: readonly string[],
  podDisruptionBudgets: PodDisruptionBudget[] = [],
) {
  const cache = new Cache(listedObjects({ nodes: [], podDisruptionBudgets }));
  for (const name of nodes) cache.setNode(aNode(name));
  for (const other of pods) cache.setPod(other);
  const framework = new Framework(defaultProfile(), cache, seededRandom(1));
  const info = podInfo(pod);
  const placement = new NodeFinder(framework, cache).find(info);
  if (placement.kind === "node") return { cache, framework, info, way: undefined };
  return { cache, framework, info, way: framework.postFilter(info, placement.refusals, placement.state) };
}

const names = (victims: readonly PodInfo[]) => victims.map(({ pod }) => pod.metadata.name);

describe("preemption", () => {
  test("takes as few as are needed, and spares the more important and the older", () => {
    const pods = [
      running("old", "n", { cpu: 1, priority: 1, start: 1 }),
      running("young", "n", { cpu: 1, priority: 1, start: 9 }),
      running("better", "n", { cpu: 1, priority: 5, start: 99 }),
      running("equal", "n", { cpu: 1, priority: 10 }),
    ];
    const { way } = preempt(aPod("p", { priority: 10 }, { cpu: "1" }), pods, ["n"]);
    expect(way?.kind === "nominated" && names(way.victims)).toEqual(["young"]);
  });

  test("breaks no budget where it need not, and the first pods of a budget use it up", () => {
    const budget: PodDisruptionBudget = {
      metadata: { namespace: "default", name: "b" },
      spec: { selector: { matchLabels: { app: "db" } } },
      status: { disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1, expectedPods: 2 },
    };
    const pods = [
      running("db-1", "n", { cpu: 2, priority: 1, app: "db", start: 1 }),
      running("db-2", "n", { cpu: 2, priority: 1, app: "db", start: 2 }),
    ];
    const vip = aPod("p", { priority: 10 }, { cpu: "2" });
    const { way } = preempt(vip, pods, ["n"], [budget]);
    // db-1 comes first and may go; db-2 would exceed the budget and is put back first.
    expect(way?.kind === "nominated" && names(way.victims)).toEqual(["db-1"]);
  });

  test("says why not: nobody less important, or nothing that would help", () => {
    const pods = [running("same", "n", { cpu: 4, priority: 10 })];
    const { way } = preempt(aPod("p", { priority: 10 }, { cpu: "1" }), pods, ["n"]);
    const message = "preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.";
    expect(way).toEqual({ kind: "none", message, nomination: "clear" });
  });

  test("is not for pods that must not, nor for one whose victims are still leaving", () => {
    const pods = [running("low", "n", { cpu: 4, priority: 0 })];
    const never = aPod("p", { priority: 10, preemptionPolicy: "Never" }, { cpu: "1" });
    expect(preempt(never, pods, ["n"]).way).toMatchObject({
      message: "preemption: not eligible due to preemptionPolicy=Never.",
    });
    const [low] = pods as [Pod];
    const conditions = [{ type: "DisruptionTarget", status: "True" as const, reason: "PreemptionByScheduler" }];
    const leaving = {
      ...low,
      metadata: { ...low.metadata, deletionTimestamp: "2030-01-01T00:00:00Z" },
      status: { ...low.status, conditions },
    };
    const waits = { ...aPod("p", { priority: 10 }, { cpu: "1" }), status: { nominatedNodeName: "n" } };
    expect(preempt(waits, [leaving], ["n"]).way).toMatchObject({
      message: "preemption: not eligible due to a terminating pod on the nominated node.",
      nomination: "keep",
    });
  });

  test("picks by budgets, then highest priority, then sum, then number, then the latest start, then the first", () => {
    const of = (node: string, violations: number, ...shapes: Shape[]) => ({
      node,
      violations,
      victims: shapes.map((shape, i) => podInfo(running(`${node}${i}`, node, shape))),
    });
    const pod = (priority: number, start = 0): Shape => ({ cpu: 1, priority, start });
    const best = (...candidates: ReturnType<typeof of>[]) => pickCandidate(candidates)?.node;
    expect(best(of("a", 1, pod(0)), of("b", 0, pod(9)))).toBe("b");
    expect(best(of("a", 0, pod(5)), of("b", 0, pod(4), pod(4)))).toBe("b");
    expect(best(of("a", 0, pod(5), pod(3)), of("b", 0, pod(5), pod(2)))).toBe("b");
    expect(best(of("a", 0, pod(-5), pod(-5)), of("b", 0, pod(-5)))).toBe("b");
    expect(best(of("a", 0, pod(5, 10)), of("b", 0, pod(5, 20)))).toBe("b");
    expect(best(of("a", 0, pod(5)), of("b", 0, pod(5)))).toBe("a");
  });

  test("never evicts a pod of the same or a higher priority, needs each victim, and makes enough room", () => {
    const shape = fc.record({ cpu: fc.integer({ min: 1, max: 3 }), priority: fc.nat(4), node: fc.nat(2) });
    fc.assert(
      fc.property(
        fc.array(shape, { maxLength: 14 }),
        fc.integer({ min: 1, max: 4 }),
        fc.nat(4),
        (shapes, cpu, priority) => {
          const free = [4, 4, 4];
          const pods: Pod[] = [];
          for (const [i, other] of shapes.entries()) {
            if ((free[other.node] as number) < other.cpu) continue;
            free[other.node] = (free[other.node] as number) - other.cpu;
            pods.push(running(`r${i}`, `n${other.node}`, other));
          }
          const pod = aPod("p", { priority }, { cpu: `${cpu}` });
          const { way } = preempt(pod, pods, ["n0", "n1", "n2"]);
          if (way?.kind !== "nominated") {
            const canHelp = [0, 1, 2].some((n) => {
              const keep = shapes.filter((_, i) => pods.some(({ metadata }) => metadata.name === `r${i}`));
              const kept = keep.filter((other) => other.node === n && other.priority >= priority);
              return way !== undefined && kept.reduce((sum, other) => sum + other.cpu, 0) + cpu <= 4;
            });
            expect(canHelp).toBe(false);
            return;
          }
          for (const victim of way.victims) expect(victim.priority).toBeLessThan(priority);
          const gone = new Set(names(way.victims));
          const fitsWithout = (missing: Set<string | undefined>) =>
            preempt(
              pod,
              pods.filter(({ metadata }) => !missing.has(metadata.name)),
              [way.node],
            ).way === undefined;
          expect(fitsWithout(gone)).toBe(true);
          for (const name of gone)
            expect(fitsWithout(new Set([...gone].filter((other) => other !== name)))).toBe(false);
        },
      ),
    );
  });
});
