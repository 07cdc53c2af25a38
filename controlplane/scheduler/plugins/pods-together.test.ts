import { describe, expect, test } from "vitest";
import type { Node, Pod, PodAffinityTerm, TopologySpreadConstraint } from "../../api/mod.ts";
import { filterPod, scorePod } from "../explain.ts";
import { aNode, aPod, bound, labelled } from "../scheduler.testing.ts";

const zone = "topology.kubernetes.io/zone";
const inZone = (name: string, value: string) =>
  aNode(name, { labels: { [zone]: value, "kubernetes.io/hostname": name } });
const nodes: Node[] = [inZone("a1", "a"), inZone("a2", "a"), inZone("b1", "b")];
const app = (name: string, value: string, node: string) => bound(labelled(aPod(name), { app: value }), node);

/** Which nodes refuse, and why. */
function refusals(pod: Pod, pods: Pod[], more: object = {}) {
  return filterPod(pod, { nodes, pods, ...more }).map(({ verdicts }) =>
    verdicts.flatMap(({ reasons }) => reasons).join(),
  );
}

function points(plugin: string, pod: Pod, pods: Pod[], more: object = {}) {
  const found = scorePod(pod, { nodes, pods, ...more }).find((one) => one.plugin === plugin);
  return found?.skipped ? "skipped" : found?.nodes.map(({ raw, normalized }) => [raw, normalized]);
}

describe("PodTopologySpread", () => {
  const spread = (more: Partial<TopologySpreadConstraint> = {}): TopologySpreadConstraint => ({
    maxSkew: 1,
    topologyKey: zone,
    whenUnsatisfiable: "DoNotSchedule",
    labelSelector: { matchLabels: { app: "web" } },
    ...more,
  });
  const web = (...topologySpreadConstraints: TopologySpreadConstraint[]) =>
    labelled(aPod("p", { topologySpreadConstraints }), { app: "web" });
  const tilted = "node(s) didn't match pod topology spread constraints";

  test("refuses the domain that would be more than maxSkew ahead of the emptiest", () => {
    const pods = [app("w1", "web", "a1"), app("other", "db", "b1")];
    expect(refusals(web(spread()), pods)).toEqual([tilted, tilted, ""]);
    expect(refusals(web(spread({ maxSkew: 2 })), pods)).toEqual(["", "", ""]);
  });

  test("counts too few domains as if one were empty", () => {
    const pods = [app("w1", "web", "a1"), app("w2", "web", "b1")];
    expect(refusals(web(spread()), pods)).toEqual(["", "", ""]);
    expect(refusals(web(spread({ minDomains: 3 })), pods)).toEqual([tilted, tilted, tilted]);
  });

  test("leaves out nodes that the selector leaves out, unless told otherwise; pods of another revision; pods that leave", () => {
    const pod = web(spread());
    const picky = { ...pod, spec: { ...pod.spec, containers: [], nodeSelector: { [zone]: "a" } } } as Pod;
    const pods = [app("w1", "web", "a1")];
    expect(refusals(picky, pods)[0]).toBe("");
    const everywhere = web(spread({ nodeAffinityPolicy: "Ignore" }));
    const told = { ...everywhere, spec: { ...everywhere.spec, containers: [], nodeSelector: { [zone]: "a" } } } as Pod;
    expect(refusals(told, pods)[0]).toBe(tilted);
    const revised = labelled(web(spread({ matchLabelKeys: ["rev"] })), { app: "web", rev: "2" });
    expect(refusals(revised, pods)).toEqual(["", "", ""]);
    const [w1] = pods as [Pod];
    const leaving = { ...w1, metadata: { ...w1.metadata, deletionTimestamp: "2030-01-01T00:00:00Z" } };
    expect(refusals(web(spread()), [leaving])).toEqual(["", "", ""]);
  });

  test("refuses for good a node without the label", () => {
    const [verdict] = filterPod(web(spread()), { nodes: [aNode("bare")] });
    const refusal = verdict?.verdicts.find(({ plugin }) => plugin === "PodTopologySpread");
    expect(refusal).toMatchObject({ reasons: [`${tilted} (missing required label)`], unresolvable: true });
  });

  test("scores, by hand: 2 pods in zone a, none in b, ln(4) each: 3 and 0, brought to 0 and 100", () => {
    const soft = web(spread({ whenUnsatisfiable: "ScheduleAnyway" }));
    const pods = [app("w1", "web", "a1"), app("w2", "web", "a2")];
    expect(points("PodTopologySpread", soft, pods)).toEqual([
      [3, 0],
      [3, 0],
      [0, 100],
    ]);
  });

  test("spreads the pods of a Service over nodes and zones without being told", () => {
    const services = [{ metadata: { name: "s", namespace: "default" }, spec: { selector: { app: "web" } } }];
    const pod = labelled(aPod("p"), { app: "web" });
    const pods = [app("w1", "web", "a1")];
    // host: ln(5) x count + 2; zone: ln(4) x count + 4. a1: 1.61 + 2 + 1.39 + 4 = 9; a2: 2 + 5.39 = 7; b1: 6.
    expect(points("PodTopologySpread", pod, pods, { services })).toEqual([
      [9, 66],
      [7, 88],
      [6, 100],
    ]);
    expect(points("PodTopologySpread", pod, pods)).toBe("skipped");
  });
});

describe("InterPodAffinity", () => {
  const term = (value: string, more: Partial<PodAffinityTerm> = {}): PodAffinityTerm => ({
    topologyKey: zone,
    labelSelector: { matchLabels: { app: value } },
    ...more,
  });
  const required = (kind: "podAffinity" | "podAntiAffinity", ...terms: PodAffinityTerm[]) =>
    aPod("p", { affinity: { [kind]: { requiredDuringSchedulingIgnoredDuringExecution: terms } } });
  const apart = "node(s) didn't match pod anti-affinity rules";
  const notNear = "node(s) didn't match pod affinity rules";

  test("near and away, by zone", () => {
    const pods = [app("db", "db", "a1")];
    expect(refusals(required("podAffinity", term("db")), pods)).toEqual(["", "", notNear]);
    expect(refusals(required("podAntiAffinity", term("db")), pods)).toEqual([apart, apart, ""]);
  });

  test("the first of a set that wants to be together may go anywhere, a stranger may not", () => {
    const self = labelled(required("podAffinity", term("web")), { app: "web" });
    expect(refusals(self, [])).toEqual(["", "", ""]);
    expect(refusals(required("podAffinity", term("web")), [])).toEqual([notNear, notNear, notNear]);
  });

  test("what a pod that is there avoids keeps away, too", () => {
    const guard = bound(labelled(required("podAntiAffinity", term("web")), { app: "guard" }), "b1");
    guard.metadata.name = "guard";
    const reasons = refusals(labelled(aPod("p"), { app: "web" }), [guard]);
    expect(reasons).toEqual(["", "", "node(s) didn't satisfy existing pods anti-affinity rules"]);
  });

  test("a term means its own namespace, those it names, and those it selects", () => {
    const pods = [bound(labelled(aPod("db"), { app: "db" }, "other"), "a1")];
    const namespaces = [{ metadata: { name: "other", labels: { team: "x" } } }];
    const of = (more: Partial<PodAffinityTerm>) =>
      refusals(required("podAntiAffinity", term("db", more)), pods, { namespaces })[0];
    expect(of({})).toBe("");
    expect(of({ namespaces: ["other"] })).toBe(apart);
    expect(of({ namespaceSelector: { matchLabels: { team: "x" } } })).toBe(apart);
    expect(of({ namespaceSelector: { matchLabels: { team: "y" } } })).toBe("");
  });

  test("mismatchLabelKeys mean the pods of others", () => {
    const tenant = (pod: Pod, name: string) => labelled(pod, { app: "web", tenant: name });
    const exclusive = term("web", { mismatchLabelKeys: ["tenant"] });
    const pods = [bound(tenant(aPod("theirs"), "them"), "a1"), bound(tenant(aPod("ours"), "us"), "b1")];
    expect(refusals(tenant(required("podAntiAffinity", exclusive), "us"), pods)).toEqual([apart, apart, ""]);
  });

  test("scores both ways round: what the pod prefers, what others prefer, and 1 for what others require", () => {
    const prefers = (kind: "podAffinity" | "podAntiAffinity", weight: number, value: string) => ({
      [kind]: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight, podAffinityTerm: term(value) }] },
    });
    const pod = labelled(aPod("p", { affinity: prefers("podAffinity", 10, "db") }), { app: "web" });
    const shy = bound(labelled(aPod("shy", { affinity: prefers("podAntiAffinity", 4, "web") }), { app: "shy" }), "b1");
    const fan = bound(labelled(required("podAffinity", term("web")), { app: "web" }), "a2");
    fan.metadata.name = "fan";
    // Zone a: 10 for db and 1 for the fan. Zone b: -4.
    expect(points("InterPodAffinity", pod, [app("db", "db", "a1"), shy, fan])).toEqual([
      [11, 100],
      [11, 100],
      [-4, 0],
    ]);
  });
});
