import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Node, Pod } from "../../api/mod.ts";
import { Cache } from "../cache.ts";
import { podInfo } from "../pod-info.ts";
import { defaultProfile } from "../profile.ts";
import { Nominator } from "../queue/nominator.ts";
import { Refusals } from "../refusals.ts";
import { aNode, aPod, bound, noObjects } from "../scheduler.testing.ts";
import { CycleState } from "./cycle-state.ts";
import { Framework } from "./framework.ts";

const names = ["n0", "n1", "n2"];
const profile = defaultProfile();

/** What the cluster is, in the order in which it became so. */
interface World {
  readonly nodes: Map<string, Node>;
  readonly pods: Map<string, Pod>;
  readonly nominations: Map<string, { readonly pod: Pod; readonly node: string }>;
}

const near = { requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector: {}, topologyKey: "zone" }] };
const over = (operator: "Exists" | "DoesNotExist") => ({
  maxSkew: 1,
  topologyKey: "zone",
  whenUnsatisfiable: "DoNotSchedule" as const,
  labelSelector: { matchExpressions: [{ key: "app", operator }] },
});
/** Pods that ask: of one signature, of others, and some whose verdicts depend on pods elsewhere. */
const asking: readonly Pod[] = [
  aPod("big", { priority: 5 }, { cpu: "3" }),
  aPod("big-too", { priority: 5 }, { cpu: "3" }),
  aPod("big-and-important", { priority: 9 }, { cpu: "3" }),
  aPod("small", { priority: 5, tolerations: [{ operator: "Exists" }] }, { cpu: "1" }),
  aPod("picky", { priority: 5, nodeSelector: { zone: "a" } }, { cpu: "3" }),
  aPod("picky-otherwise", { priority: 5, nodeSelector: { zone: "b" } }, { cpu: "3" }),
  aPod("spread", { priority: 5, topologySpreadConstraints: [over("DoesNotExist")] }, { cpu: "1" }),
  aPod("spread-alone", { priority: 5, topologySpreadConstraints: [over("Exists")] }, { cpu: "1" }),
  aPod("social", { priority: 5, affinity: { podAffinity: near } }, { cpu: "1" }),
];

/** What every node says to the pod, and who would have to leave for it. */
function answers(pod: Pod, framework: Framework, cache: Cache) {
  const info = podInfo(pod);
  const state = new CycleState();
  framework.preFilter(info, state);
  const refusals = new Refusals();
  const verdicts = cache.nodes.map((node) => {
    const refusal = framework.filter(info, node, state);
    if (refusal !== undefined) refusals.add(node, refusal);
    return refusal;
  });
  const way = framework.postFilter(info, refusals, state);
  return [verdicts, way.kind === "none" ? way.message : [way.node, way.victims.map(({ key }) => key)]];
}

const always = { below: () => 0 };

function fromScratch(pod: Pod, { nodes, pods, nominations }: World) {
  const nominator = new Nominator();
  const cache = new Cache(noObjects, nominator);
  for (const node of nodes.values()) cache.setNode(node);
  for (const other of pods.values()) cache.setPod(other);
  for (const promised of nominations.values()) nominator.set(podInfo(promised.pod), promised.node);
  return answers(pod, new Framework(profile, cache, always), cache);
}

const node = fc.constantFrom(...names);
/** Mostly the same pod asks again, as a node remembers only who asked last. */
const asks = fc.constantFrom(0, 0, 0, 1, 2, 3, 4, 4, 5, 6, 6, 7, 8);
const change = fc.oneof(
  fc.record({
    kind: fc.constant("node" as const),
    node,
    zone: fc.constantFrom("a", "b"),
    unschedulable: fc.boolean(),
    tainted: fc.boolean(),
    cpu: fc.constantFrom("2", "4"),
  }),
  fc.record({
    kind: fc.constant("pod" as const),
    name: fc.nat(9),
    node,
    cpu: fc.constantFrom("500m", "1", "2"),
    priority: fc.nat(6),
    leaving: fc.boolean(),
  }),
  fc.record({ kind: fc.constant("gone" as const), name: fc.nat(9) }),
  fc.record({ kind: fc.constant("promise" as const), name: fc.nat(3), node, priority: fc.nat(9) }),
  fc.record({ kind: fc.constant("kept" as const), name: fc.nat(3) }),
);

describe("verdicts", () => {
  test("that nodes keep for pods of one signature are those that a fresh look gives", () => {
    const property = fc.property(fc.array(fc.tuple(change, asks), { minLength: 20, maxLength: 40 }), (steps) => {
      const world: World = { nodes: new Map(), pods: new Map(), nominations: new Map() };
      const nominator = new Nominator();
      const cache = new Cache(noObjects, nominator);
      const framework = new Framework(profile, cache, always);
      const setNode = (one: Node) => {
        world.nodes.set(one.metadata.name as string, one);
        cache.setNode(one);
      };
      for (const name of names) setNode(aNode(name, { labels: { zone: "a" } }));
      for (const [i, [one, asker]] of steps.entries()) {
        switch (one.kind) {
          case "node": {
            const taints = one.tainted ? [{ key: "k", effect: "NoSchedule" as const }] : undefined;
            const { unschedulable, cpu, zone } = one;
            setNode(aNode(one.node, { labels: { zone }, taints, unschedulable, cpu }));
            break;
          }
          case "pod": {
            // Each started at another time: none is more important by chance.
            const startTime = new Date(i * 1000).toISOString();
            const name = `pod-${one.name}`;
            const ready = bound(aPod(name, { priority: one.priority }, { cpu: one.cpu }), one.node);
            const deletionTimestamp = one.leaving ? startTime : undefined;
            const pod = { ...ready, metadata: { ...ready.metadata, deletionTimestamp }, status: { startTime } };
            world.pods.set(name, pod);
            cache.setPod(pod);
            break;
          }
          case "gone": {
            const pod = world.pods.get(`pod-${one.name}`);
            if (pod !== undefined) cache.removePod(pod);
            world.pods.delete(`pod-${one.name}`);
            break;
          }
          case "promise": {
            const pod = aPod(`promised-${one.name}`, { priority: one.priority }, { cpu: "1" });
            world.nominations.delete(pod.metadata.name as string);
            world.nominations.set(pod.metadata.name as string, { pod, node: one.node });
            nominator.set(podInfo(pod), one.node);
            break;
          }
          case "kept":
            world.nominations.delete(`promised-${one.name}`);
            nominator.delete(`default/promised-${one.name}`);
        }
        const pod = asking[asker] as Pod;
        expect(answers(pod, framework, cache)).toEqual(fromScratch(pod, world));
      }
    });
    fc.assert(property, { numRuns: 100 });
  });
});
