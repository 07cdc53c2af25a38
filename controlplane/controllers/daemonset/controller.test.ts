import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { DaemonSet, Node, Pod, PodSpec, Taint } from "../../api/mod.ts";
import { TestCluster, webTemplate } from "../common/cluster.testing.ts";
import { DaemonSetController } from "./controller.ts";
import { eligibility } from "./daemon-pod.ts";
import { plan } from "./plan.ts";

let cluster: TestCluster;
beforeEach(() => {
  cluster = new TestCluster();
});
afterEach(() => cluster.stop());

function agent(spec: Partial<DaemonSet["spec"]> = {}): DaemonSet {
  return {
    metadata: { name: "agent", namespace: "default" },
    spec: {
      selector: { matchLabels: { app: "web" } },
      template: webTemplate(),
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
      revisionHistoryLimit: 10,
      ...spec,
    },
  };
}

function node(name: string, labels: Record<string, string> = {}, taints?: Taint[]): Node {
  return { metadata: { name, labels }, spec: { taints } };
}

async function start(nodes: readonly Node[], spec: Partial<DaemonSet["spec"]> = {}): Promise<void> {
  for (const each of nodes) await cluster.client.nodes.create(each);
  await cluster.start((context) => new DaemonSetController(context));
  await cluster.client.daemonSets.create(agent(spec));
  await cluster.run(3);
}

async function change(spec: Partial<DaemonSet["spec"]>): Promise<void> {
  await cluster.client.daemonSets.patch("default", "agent", "merge", { spec });
}

const where = () => cluster.pods.map((pod) => `${pod.spec.nodeName} ${pod.spec.containers[0]?.image}`).sort();
const status = async () => (await cluster.client.daemonSets.get("default", "agent")).status;

describe("which nodes", () => {
  const set = (spec: Partial<PodSpec>) => agent({ template: { spec: { containers: [], ...spec } } });
  const term = (key: string, value: string) => ({
    matchExpressions: [{ key, operator: "In" as const, values: [value] }],
  });
  const affinity = (key: string, value: string) => ({
    affinity: {
      nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term(key, value)] } },
    },
  });
  const taint = (effect: Taint["effect"], key = "own") => [{ key, effect }];
  const yes = { shouldRun: true, mayStay: true };
  const no = { shouldRun: false, mayStay: false };
  test.each<[string, Partial<PodSpec>, Node, ReturnType<typeof eligibility>]>([
    ["any", {}, node("n"), yes],
    ["another by name", { nodeName: "m" }, node("n"), no],
    ["selected", { nodeSelector: { disk: "ssd" } }, node("n", { disk: "ssd" }), yes],
    ["not selected", { nodeSelector: { disk: "ssd" } }, node("n"), no],
    ["by affinity", affinity("disk", "ssd"), node("n", { disk: "ssd" }), yes],
    ["not by affinity", affinity("disk", "ssd"), node("n", { disk: "hdd" }), no],
    [
      "tainted NoSchedule: none comes, but may stay",
      {},
      node("n", {}, taint("NoSchedule")),
      { shouldRun: false, mayStay: true },
    ],
    ["tainted NoExecute", {}, node("n", {}, taint("NoExecute")), no],
    ["tainted PreferNoSchedule", {}, node("n", {}, taint("PreferNoSchedule")), yes],
    ["tolerated", { tolerations: [{ operator: "Exists" }] }, node("n", {}, taint("NoExecute")), yes],
    ["not ready", {}, node("n", {}, taint("NoExecute", "node.kubernetes.io/not-ready")), yes],
    ["cordoned", {}, node("n", {}, taint("NoSchedule", "node.kubernetes.io/unschedulable")), yes],
    [
      "without network",
      {},
      node("n", {}, taint("NoSchedule", "node.kubernetes.io/network-unavailable")),
      { shouldRun: false, mayStay: true },
    ],
    [
      "without network, needing none",
      { hostNetwork: true },
      node("n", {}, taint("NoSchedule", "node.kubernetes.io/network-unavailable")),
      yes,
    ],
  ])("%s", (_, spec, target, expected) => {
    expect(eligibility(set(spec), target)).toEqual(expected);
  });
});

test("one pod on each node, pinned there; also on a node that comes later, and none where it no longer belongs", async () => {
  await start([node("n1", { role: "a" }), node("n2", { role: "a" }), node("n3")], {
    template: { ...webTemplate(), spec: { ...webTemplate().spec, nodeSelector: { role: "a" } } },
  });
  expect(where()).toEqual(["n1 v1", "n2 v1"]);
  expect(await status()).toMatchObject({
    desiredNumberScheduled: 2,
    currentNumberScheduled: 2,
    numberReady: 2,
    numberAvailable: 2,
    updatedNumberScheduled: 2,
    numberMisscheduled: 0,
  });
  await cluster.client.nodes.create(node("n4", { role: "a" }));
  await cluster.client.nodes.patch("n1", "merge", { metadata: { labels: { role: "b" } } });
  await cluster.run(3);
  expect(where()).toEqual(["n2 v1", "n4 v1"]);
});

test("a failed pod is replaced, each time after a longer wait", async () => {
  await start([node("n1")]);
  const uids = new Set<string | undefined>();
  cluster.fate = () => "Failed";
  for (let i = 0; i < 40; i++) {
    await cluster.run(1);
    for (const { metadata } of cluster.pods) uids.add(metadata.uid);
  }
  expect(uids.size).toBeGreaterThan(3);
  expect(uids.size, "1 + 2 + 4 + 8 + 16 s").toBeLessThan(9);
  expect((await cluster.eventsAbout("agent")).join("\n")).toMatch(
    /FailedDaemonPod: Found failed daemon pod default\/agent-\w+ on node n1, will try to kill it/,
  );
});

describe("a new template", () => {
  const nodes = ["n1", "n2", "n3", "n4"].map((name) => node(name));

  test("replaces one after the other, and stops at one that never becomes ready", async () => {
    await start(nodes);
    cluster.fate = () => undefined;
    await change({ template: webTemplate("v2") });
    await cluster.run(6);
    expect(where().filter((it) => it.endsWith("v2"))).toHaveLength(1);
    cluster.fate = () => "ready";
    await cluster.run(12);
    expect(where()).toEqual(["n1 v2", "n2 v2", "n3 v2", "n4 v2"]);
    expect(await status()).toMatchObject({ updatedNumberScheduled: 4, numberAvailable: 4 });
  });

  test("with surge lets the new pod come before the old one goes", async () => {
    await start(nodes, {
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: "50%", maxUnavailable: 0 } },
    });
    cluster.fate = () => undefined;
    await change({ template: webTemplate("v2") });
    await cluster.run(4);
    expect(where().filter((it) => it.endsWith("v1"))).toHaveLength(4);
    expect(where().filter((it) => it.endsWith("v2"))).toHaveLength(2);
    cluster.fate = () => "ready";
    await cluster.run(12);
    expect(where()).toEqual(["n1 v2", "n2 v2", "n3 v2", "n4 v2"]);
  });

  test("with OnDelete waits for somebody to delete the pods", async () => {
    await start(nodes, { updateStrategy: { type: "OnDelete" } });
    await change({ template: webTemplate("v2") });
    await cluster.run(3);
    const [first] = cluster.pods;
    await cluster.client.pods.delete("default", first?.metadata.name ?? "");
    await cluster.run(3);
    expect(where().filter((it) => it.endsWith("v2"))).toEqual([`${first?.spec.nodeName} v2`]);
  });

  test("that is taken back renumbers its old revision", async () => {
    await start(nodes.slice(0, 1));
    for (const image of ["v2", "v1"]) {
      await change({ template: webTemplate(image) });
      await cluster.run(5);
    }
    expect(where()).toEqual(["n1 v1"]);
    const revisions = (await cluster.client.controllerRevisions.list()).items;
    expect(revisions.map(({ revision }) => revision).sort()).toEqual([2, 3]);
  });
});

test("whatever is ready or not: an update never takes more available pods than it may, and never more than two share a node", () => {
  const state = fc.record({ hash: fc.constantFrom("old", "new", "none"), ready: fc.boolean(), going: fc.boolean() });
  fc.assert(
    fc.property(
      fc.array(state, { minLength: 1, maxLength: 8 }),
      fc.nat(3),
      fc.nat(3),
      (places, maxUnavailable, maxSurge) => {
        const nodes = places.map((_, i) => node(`n${i}`));
        const pods = places.flatMap(({ hash, ready, going }, i): Pod[] =>
          hash === "none"
            ? []
            : [
                {
                  metadata: {
                    name: `p${i}`,
                    labels: { "controller-revision-hash": hash },
                    ...(going ? { deletionTimestamp: "2030-01-01T00:00:00Z" } : {}),
                  },
                  spec: { nodeName: `n${i}`, containers: [] },
                  status: { phase: "Running", conditions: [{ type: "Ready", status: ready ? "True" : "False" }] },
                },
              ],
        );
        const set = agent({ updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable, maxSurge } } });
        const { create, remove } = plan({ set, nodes, pods, hash: "new", backsOff: () => false, nowMs: 0 });
        const isUp = (pod: Pod) =>
          pod.status?.conditions?.[0]?.status === "True" && pod.metadata.deletionTimestamp === undefined;
        const taken = remove.filter(isUp).length;
        const down = places.length - pods.filter(isUp).length;
        if (maxSurge === 0) expect(taken).toBeLessThanOrEqual(Math.max(0, Math.max(1, maxUnavailable) - down));
        else expect(taken).toBe(0);
        expect(new Set(create).size, "one new pod per node").toBe(create.length);
        const occupied = create.filter((name) =>
          pods.some((pod) => pod.spec.nodeName === name && pod.metadata.deletionTimestamp === undefined && isUp(pod)),
        );
        expect(occupied.length, "surge").toBeLessThanOrEqual(maxSurge);
      },
    ),
  );
});
