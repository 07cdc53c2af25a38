import { expect, test } from "vitest";
import { VirtualClock } from "../../../base/mod.ts";
import type { Pod } from "../../../controlplane/api/mod.ts";
import { pod } from "../pod/pod.testing.ts";
import { labels } from "../pod/pod-ref.ts";
import type { ImageService, PodSandboxStats, RuntimeService } from "../runtime/cri.ts";
import type { MountedClaim } from "../volumes/claim-volumes.ts";
import { localStorageBytes, type PodSample } from "./node-sample.ts";
import { containerMetrics, resourceMetrics } from "./prometheus.ts";
import { Sampler } from "./sampler.ts";
import { summary } from "./summary.ts";

/** A runtime with one pod of one container, whose CPU time is set by the test. */
class Machine {
  claims: MountedClaim[] = [];
  readonly clock = new VirtualClock();
  cpuNanoseconds = 0;
  readonly sampler = new Sampler({
    runtime: {
      listPodSandboxStats: async () => [this.#stats()],
      imageFsInfo: async () => ({ mountpoint: "/", usedBytes: 7, inodesUsed: 1 }),
    } as Partial<RuntimeService & ImageService> as RuntimeService & ImageService,
    clock: this.clock,
    log: () => undefined,
    rootDir: "/tmp",
    pods: (): Pod[] => [pod()],
    claims: () => this.claims,
    ownUsage: () => ({ cpuNanoseconds: 0, rssBytes: 1000 }),
  });

  #stats(): PodSandboxStats {
    const own = { [labels.podUid]: "u1" };
    const usage = { cpuUsageCoreNanoSeconds: this.cpuNanoseconds, memoryWorkingSetBytes: 500 };
    return {
      id: "s0",
      metadata: { name: "web", namespace: "default", uid: "u1", attempt: 0 },
      labels: own,
      ...usage,
      network: { rxBytes: 3, txBytes: 4 },
      containers: [{ id: "c0", metadata: { name: "main", attempt: 0 }, labels: own, ...usage }],
    };
  }
}

test("CPU is a rate: of the time between two samples, unknown in the first", async () => {
  const machine = new Machine();
  expect((await machine.sampler.fresh(0)).pods[0]?.cpu.nanoCores).toBeUndefined();
  machine.clock.advance(10_000);
  machine.cpuNanoseconds = 2.5e9;
  const sample = await machine.sampler.fresh(5_000);
  expect(sample.pods[0]?.containers[0]?.cpu.nanoCores).toBe(250_000_000);
  expect(sample.cpu.nanoCores).toBe(250_000_000);
  // The node is its pods and its agent.
  expect(sample.memory.workingSetBytes).toBe(1500);
});

test("a sample is used again until it is too old", async () => {
  const machine = new Machine();
  const first = await machine.sampler.fresh(0);
  machine.clock.advance(10_000);
  expect(await machine.sampler.fresh(15_000)).toBe(first);
  expect(await machine.sampler.fresh(9_000)).not.toBe(first);
});

test("summary and metrics say the same", async () => {
  const machine = new Machine();
  await machine.sampler.fresh(0);
  machine.clock.advance(10_000);
  machine.cpuNanoseconds = 1e9;
  const sample = await machine.sampler.fresh(0);
  expect(summary("n1", 0, sample)).toMatchObject({
    node: { nodeName: "n1", cpu: { usageNanoCores: 100_000_000 }, memory: { workingSetBytes: 1500 } },
    pods: [{ podRef: { name: "web" }, containers: [{ name: "main", memory: { workingSetBytes: 500 } }] }],
  });
  const labelled = 'container="main",namespace="default",pod="web"';
  const resource = resourceMetrics(sample);
  expect(resource).toContain(`container_cpu_usage_seconds_total{${labelled}} 1 ${sample.atMs}`);
  expect(resource).toContain(`container_memory_working_set_bytes{${labelled}} 500 ${sample.atMs}`);
  expect(resource).toContain(`node_memory_working_set_bytes 1500 ${sample.atMs}`);
  const names = 'interface="eth0",namespace="default",pod="web"';
  expect(containerMetrics(sample)).toContain(`container_network_receive_bytes_total{${names}} 3`);
});

test("the volume behind a claim shows the file system it is on; one that has just gone is left out", async () => {
  const machine = new Machine();
  const claim = { namespace: "default", name: "data" };
  machine.claims = [
    { name: "v", claim, path: "/tmp" },
    { name: "gone", claim, path: "/nowhere" },
  ];
  const { pods } = summary("n1", 0, await machine.sampler.fresh(0)) as { pods: { volume: object[] }[] };
  expect(pods[0]?.volume).toEqual([
    expect.objectContaining({ name: "v", pvcRef: claim, capacityBytes: expect.any(Number) }),
  ]);
});

test("a pod's share of the disk: roots, logs and volumes, but not those in memory", () => {
  const sample: PodSample = {
    namespace: "default",
    name: "web",
    uid: "u1",
    startedAtMs: 0,
    cpu: { totalNanoseconds: 0, nanoCores: 0 },
    memory: { usageBytes: 0, workingSetBytes: 0, rssBytes: 0 },
    network: undefined,
    containers: [
      {
        name: "main",
        startedAtMs: 0,
        cpu: { totalNanoseconds: 0, nanoCores: 0 },
        memory: { usageBytes: 0, workingSetBytes: 0, rssBytes: 0 },
        rootfs: { usedBytes: 1, inodesUsed: 1 },
        logs: { usedBytes: 2, inodesUsed: 1 },
      },
    ],
    volumes: [
      { name: "disk", usedBytes: 4, inodesUsed: 1, isLocal: true },
      { name: "memory", usedBytes: 8, inodesUsed: 1, isLocal: false },
    ],
    claims: [],
  };
  expect(localStorageBytes(sample)).toBe(7);
});
