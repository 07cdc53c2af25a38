import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Pod } from "../controlplane/api/mod.ts";
import { eventually as untilTrue } from "./support/eventually.ts";
import { run } from "./support/processes.ts";

// The scheduler as a process of its own against the real API server; nodes are objects that nobody stands behind, people use kubectl.

const flotilla = join(import.meta.dirname, "..", "cli", "flotilla.ts");
let folder: string;
let apiServer: ChildProcess;
let scheduler: ChildProcess;

/** Until it no longer throws. */
async function eventually<T>(look: () => Promise<T>): Promise<T> {
  return (await untilTrue("the cluster to converge", async () => ({ value: await look() }), 15_000)).value;
}

async function tryKubectl(...args: string[]) {
  return run("kubectl", ["--kubeconfig", join(folder, "kubeconfig"), ...args]);
}

async function kubectl(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await tryKubectl(...args);
  if (code !== 0) throw new Error(`kubectl ${args.join(" ")}: ${stderr}`);
  return stdout;
}

async function apply(...objects: object[]): Promise<void> {
  const list = { apiVersion: "v1", kind: "List", items: objects };
  const { code, stderr } = await run("kubectl", ["--kubeconfig", join(folder, "kubeconfig"), "apply", "-f", "-"], {
    input: JSON.stringify(list),
  });
  if (code !== 0) throw new Error(stderr);
}

async function get(name: string): Promise<Pod> {
  return JSON.parse(await kubectl("get", "pod", name, "-o", "json")) as Pod;
}

const nodeOf = (name: string) =>
  eventually(async () => {
    const { spec, status } = await get(name);
    if (!spec?.nodeName) throw new Error(`${name} waits: ${status?.conditions?.map(({ message }) => message).join()}`);
    return spec.nodeName;
  });

const complaintOf = (name: string, part: string) =>
  eventually(async () => {
    const condition = (await get(name)).status?.conditions?.find(({ type }) => type === "PodScheduled");
    expect(condition).toMatchObject({ status: "False", reason: "Unschedulable" });
    expect(condition?.message).toContain(part);
    return condition?.message ?? "";
  });

function pod(name: string, spec: object = {}, cpu = "100m", labels: Record<string, string> = {}): object {
  const container = { name: "c", image: "host", resources: { requests: { cpu, memory: "64Mi" } } };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels },
    spec: { terminationGracePeriodSeconds: 0, containers: [container], ...spec },
  };
}

async function addNode(name: string, zone: string): Promise<void> {
  const labels = { "kubernetes.io/hostname": name, "topology.kubernetes.io/zone": zone };
  await apply({ apiVersion: "v1", kind: "Node", metadata: { name, labels } });
  await kubectl("patch", "node", name, "--type=merge", "-p", JSON.stringify({ spec: { taints: null } }));
  const status = {
    allocatable: { cpu: "2", memory: "4Gi", pods: "20" },
    conditions: [{ type: "Ready", status: "True" }],
  };
  await kubectl("patch", "node", name, "--subresource=status", "--type=merge", "-p", JSON.stringify({ status }));
}

function startScheduler(...flags: string[]): ChildProcess {
  const kubeconfig = join(folder, "scheduler.kubeconfig");
  return spawn(process.execPath, [flotilla, "scheduler", "--kubeconfig", kubeconfig, ...flags], {
    stdio: ["ignore", "inherit", "pipe"],
  });
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "flotilla-scheduling-"));
  apiServer = spawn(process.execPath, ["scripts/dev-apiserver.ts", "--dir", folder, "--memory"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const output = createInterface({ input: apiServer.stdout as NodeJS.ReadableStream });
  await new Promise<void>((resolve, reject) => {
    output.on("line", (line) => line.startsWith("export KUBECONFIG") && resolve());
    apiServer.once("exit", () => reject(new Error("the API server ended before it was ready")));
  });
  await apply({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default" } });
  const config = join(folder, "scheduler.yaml");
  writeFileSync(
    config,
    `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
- schedulerName: default-scheduler
- schedulerName: packs
  plugins: {score: {disabled: [{name: "*"}], enabled: [{name: NodeResourcesFit, weight: 1}]}}
  pluginConfig:
  - {name: NodeResourcesFit, args: {scoringStrategy: {type: MostAllocated}}}
`,
  );
  scheduler = startScheduler("--config", config);
  await Promise.all([addNode("a", "x"), addNode("b", "x"), addNode("c", "y")]);
}, 60_000);

afterAll(async () => {
  for (const child of [scheduler, apiServer]) {
    if (child === undefined || child.exitCode !== null) continue;
    child.kill("SIGTERM");
    await once(child, "exit");
  }
  rmSync(folder, { recursive: true, force: true });
});

const near = (labels: object, topologyKey: string) => [{ labelSelector: { matchLabels: labels }, topologyKey }];

describe("a pod", () => {
  test("is bound, and kubectl shows who did it", async () => {
    await apply(pod("first"));
    const node = await nodeOf("first");
    await eventually(async () =>
      expect(await kubectl("describe", "pod", "first")).toMatch(
        new RegExp(`Scheduled\\s.*default-scheduler\\s+Successfully assigned default/first to ${node}`),
      ),
    );
    await kubectl("delete", "pod", "first");
  });

  test("that fits nowhere waits with the words that people search for, and goes as soon as a node can take it", async () => {
    await kubectl("taint", "node", "c", "dedicated=db:NoSchedule");
    await apply(pod("big", {}, "3"));
    expect(await complaintOf("big", "Insufficient cpu")).toBe(
      "0/3 nodes are available: 1 node(s) had untolerated taint {dedicated: db}, 2 Insufficient cpu. " +
        "preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
    );
    await eventually(async () => expect(await kubectl("get", "events")).toContain("FailedScheduling"));
    const { code, stdout } = await run(process.execPath, [
      ...[flotilla, "explain", "pod", "big", "--kubeconfig", join(folder, "kubeconfig")],
    ]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/c\s+no\s+TaintToleration\s+node\(s\) had untolerated taint \{dedicated: db\}/);
    expect(stdout).toContain("No node takes it.");
    const status = { allocatable: { cpu: "4", memory: "4Gi", pods: "20" } };
    await kubectl("patch", "node", "a", "--subresource=status", "--type=merge", "-p", JSON.stringify({ status }));
    expect(await nodeOf("big")).toBe("a");
    await kubectl("delete", "pod", "big");
    await kubectl("taint", "node", "c", "dedicated-");
  });

  test("keeps near to or away from others", async () => {
    await apply(pod("cache", { nodeSelector: { "kubernetes.io/hostname": "c" } }, "100m", { app: "cache" }));
    await nodeOf("cache");
    const required = (kind: string, topologyKey: string) => ({
      affinity: { [kind]: { requiredDuringSchedulingIgnoredDuringExecution: near({ app: "cache" }, topologyKey) } },
    });
    await apply(
      pod("near", required("podAffinity", "topology.kubernetes.io/zone")),
      pod("away", required("podAntiAffinity", "topology.kubernetes.io/zone")),
    );
    expect(await nodeOf("near")).toBe("c");
    expect(["a", "b"]).toContain(await nodeOf("away"));
    await kubectl("delete", "pod", "cache", "near", "away");
  });

  test("is spread over zones, and refused where that would tilt", async () => {
    const topologySpreadConstraints = [
      {
        maxSkew: 1,
        topologyKey: "topology.kubernetes.io/zone",
        whenUnsatisfiable: "DoNotSchedule",
        labelSelector: { matchLabels: { app: "web" } },
      },
    ];
    const web = (name: string, more: object = {}) =>
      pod(name, { topologySpreadConstraints, ...more }, "100m", { app: "web" });
    for (const name of ["w1", "w2", "w3", "w4"]) await apply(web(name));
    const zones = await Promise.all(["w1", "w2", "w3", "w4"].map(nodeOf));
    expect(zones.filter((node) => node === "c")).toHaveLength(2);
    // Nodes that the selector leaves out are not counted: the constraint must be told to look at them.
    const everywhere = topologySpreadConstraints.map((constraint) => ({ ...constraint, nodeAffinityPolicy: "Ignore" }));
    const stuck = { nodeSelector: { "kubernetes.io/hostname": "c" }, topologySpreadConstraints: everywhere };
    await apply(web("w5", stuck), web("w6", stuck));
    const reasons = await eventually(async () => {
      const waiting = (await Promise.all([get("w5"), get("w6")])).filter(({ spec }) => !spec?.nodeName);
      expect(waiting).toHaveLength(1);
      return waiting[0]?.status?.conditions?.[0]?.message;
    });
    expect(reasons).toContain("1 node(s) didn't match pod topology spread constraints");
    await kubectl("delete", "pod", "-l", "app=web");
  });

  test("waits at its gates", async () => {
    await apply(pod("gated", { schedulingGates: [{ name: "example.com/quota" }] }));
    expect(await kubectl("get", "pod", "gated")).toContain("SchedulingGated");
    await kubectl("patch", "pod", "gated", "--type=merge", "-p", JSON.stringify({ spec: { schedulingGates: [] } }));
    await nodeOf("gated");
    await kubectl("delete", "pod", "gated");
  });

  test("of higher priority takes the place of one that matters less", async () => {
    const values = { high: 1000, low: 1 };
    await apply(
      ...Object.entries(values).map(([name, value]) => {
        return { apiVersion: "scheduling.k8s.io/v1", kind: "PriorityClass", metadata: { name }, value };
      }),
    );
    for (const node of ["a", "b", "c"]) {
      const nodeSelector = { "kubernetes.io/hostname": node };
      const cpu = node === "a" ? "3500m" : "1500m";
      await apply(pod(`low-${node}`, { priorityClassName: node === "b" ? "low" : "high", nodeSelector }, cpu));
    }
    await Promise.all(["low-a", "low-b", "low-c"].map(nodeOf));
    await apply(pod("vip", { priorityClassName: "high" }, "1"));
    expect(await nodeOf("vip")).toBe("b");
    expect((await tryKubectl("get", "pod", "low-b")).stderr).toContain("not found");
    await eventually(async () =>
      expect(await kubectl("get", "events", "--field-selector=reason=Preempted")).toMatch(
        /Preempted by pod \S+ on node b/,
      ),
    );
    await apply(pod("never", { priorityClassName: "low" }, "1500m"));
    await complaintOf("never", "preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod.");
    await kubectl("delete", "pod", "--all");
  });

  test("of another profile is packed instead of spread, and explain shows the points", async () => {
    await apply(pod("seed", { nodeSelector: { "kubernetes.io/hostname": "b" } }, "1"));
    await nodeOf("seed");
    await apply(pod("p1", { schedulerName: "packs" }), pod("p2", { schedulerName: "packs" }));
    expect([await nodeOf("p1"), await nodeOf("p2")]).toEqual(["b", "b"]);
    const { code, stdout } = await run(process.execPath, [
      ...[flotilla, "explain", "pod", "p1", "--kubeconfig", join(folder, "kubeconfig"), "-o", "json"],
      ...["--config", join(folder, "scheduler.yaml")],
    ]);
    expect(code).toBe(0);
    const { winners, scores } = JSON.parse(stdout) as {
      winners: string[];
      scores: { plugin: string; weight: number }[];
    };
    expect(winners).toEqual(["b"]);
    expect(scores.map(({ plugin, weight }) => [plugin, weight])).toEqual([["NodeResourcesFit", 1]]);
  });
});

test("a configuration that makes no sense ends the scheduler with one line and exit code 2", async () => {
  const file = join(folder, "wrong.yaml");
  writeFileSync(file, "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nprofils: []\n");
  const { code, stderr } = await run(process.execPath, [
    flotilla,
    "scheduler",
    "--kubeconfig",
    "none",
    "--config",
    file,
  ]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^flotilla scheduler: configuration\.profils: unknown field\. .*\[SchedulerConfig\]\n$/);
});
