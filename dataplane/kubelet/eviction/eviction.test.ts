import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../../base/mod.ts";
import type { Pod } from "../../../controlplane/api/mod.ts";
import { container, pod } from "../pod/pod.testing.ts";
import type { NodeSample, PodSample } from "../stats/node-sample.ts";
import { EvictionManager } from "./eviction-manager.ts";
import { type EvictionFlags, parseThresholds } from "./thresholds.ts";

const mebi = 2 ** 20;

interface Use {
  readonly memory?: number;
  readonly emptyDir?: number;
}

/** A node of 1,000 MiB on which pods use what the test says. */
class ShortNode {
  readonly clock = new VirtualClock();
  readonly pods: Pod[] = [];
  readonly uses = new Map<string, Use>();
  readonly evicted: string[] = [];
  availableMiB = 1000;
  readonly manager: EvictionManager;

  constructor(flags: EvictionFlags) {
    this.manager = new EvictionManager({
      clock: this.clock,
      log: () => undefined,
      thresholds: parseThresholds(flags),
      transitionPeriodMs: 300_000,
      maxPodGraceSeconds: 5,
      sample: async () => this.#sample(),
      machine: () => ({
        availableMemoryBytes: this.availableMiB * mebi,
        memoryCapacityBytes: 1000 * mebi,
        ownCapacity: false,
        pids: { available: 1000, capacity: 1000 },
      }),
      pods: () => this.pods,
      evict: ({ metadata }, message, grace) => {
        this.evicted.push(`${metadata.name} in ${grace}s: ${message}`);
        this.pods.splice(
          this.pods.findIndex((one) => one.metadata.uid === metadata.uid),
          1,
        );
      },
      reclaimDisk: async () => undefined,
      nodeEvent: () => undefined,
      onPressureChanged: () => undefined,
    });
  }

  runs(name: string, use: Use, spec: Partial<Pod["spec"]> = {}): void {
    this.pods.push(pod(spec, { name, uid: name }));
    this.uses.set(name, use);
  }

  async turn(): Promise<void> {
    this.clock.advance(10_000);
    await this.manager.turn();
  }

  #sample(): NodeSample {
    const nothing = { usageBytes: 0, workingSetBytes: 0, rssBytes: 0 };
    const cpu = { totalNanoseconds: 0, nanoCores: 0 };
    const pods = this.pods.map(({ metadata: { name } }): PodSample => {
      const { memory = 0, emptyDir = 0 } = this.uses.get(name) ?? {};
      const used = { ...nothing, workingSetBytes: memory * mebi };
      const logs = { usedBytes: 0, inodesUsed: 0 };
      const containers = [{ name: "main", startedAtMs: 0, cpu, memory: used, rootfs: undefined, logs }];
      const volumes = [{ name: "scratch", usedBytes: emptyDir * mebi, inodesUsed: 1, isLocal: true }];
      const network = undefined;
      return {
        namespace: "default",
        name,
        uid: name,
        startedAtMs: 0,
        cpu,
        memory: used,
        network,
        containers,
        volumes,
        claims: [],
      };
    });
    return {
      atMs: 0,
      cpu,
      memory: nothing,
      network: undefined,
      fs: { capacityBytes: 100, availableBytes: 100, inodes: 100, inodesFree: 100 },
      imageFsUsedBytes: 0,
      pods,
    };
  }
}

const asking = (memory: string) => ({ containers: [container("main", { resources: { requests: { memory } } })] });

describe("a node short of memory", () => {
  test("lets go who exceeds its request, one a turn, the least important first", async () => {
    const node = new ShortNode({ hard: "memory.available<100Mi" });
    node.runs("modest", { memory: 50 }, asking("60Mi"));
    node.runs("important", { memory: 400 }, { priority: 1000 });
    node.runs("greedy", { memory: 300 });
    await node.turn();
    expect(node.evicted).toEqual([]);
    node.availableMiB = 90;
    await node.turn();
    expect(node.evicted).toEqual([
      "greedy in 1s: The node was low on resource: memory. Threshold quantity: 100Mi, available: 90Mi. Container main was using 300Mi, request is 0, has larger consumption of memory. ",
    ]);
    await node.turn();
    expect(node.evicted[1]).toMatch(/^important/);
  });

  test("says so until five minutes after it has enough again, and takes no BestEffort pod meanwhile", async () => {
    const node = new ShortNode({ hard: "memory.available<100Mi" });
    node.availableMiB = 50;
    await node.turn();
    expect(node.manager.refuses(pod())).toEqual({
      reason: "Evicted",
      message: "The node had condition: [MemoryPressure]. ",
    });
    expect(node.manager.refuses(pod(asking("1Mi")))).toBeUndefined();
    node.availableMiB = 900;
    for (let i = 0; i < 29; i++) await node.turn();
    expect(node.manager.under("MemoryPressure")).toBe(true);
    await node.turn();
    expect(node.manager.under("MemoryPressure")).toBe(false);
  });

  test("waits for a soft threshold's time, and gives pods theirs", async () => {
    const node = new ShortNode({ hard: "", soft: "memory.available<10%", softGracePeriod: "memory.available=30s" });
    node.runs("a", { memory: 300 });
    node.availableMiB = 50;
    for (let i = 0; i < 3; i++) await node.turn();
    expect(node.evicted).toEqual([]);
    await node.turn();
    expect(node.evicted[0]).toMatch(/^a in 5s/);
  });

  test("never lets go of static pods and those of system priority", async () => {
    const node = new ShortNode({ hard: "memory.available<100Mi" });
    node.runs("system", { memory: 900 }, { priority: 2_000_001_000 });
    node.availableMiB = 10;
    await node.turn();
    expect(node.evicted).toEqual([]);
  });

  test("goes on until as much is free as was asked for", async () => {
    const node = new ShortNode({ hard: "memory.available<100Mi", minimumReclaim: "memory.available=50Mi" });
    node.runs("a", { memory: 30 });
    node.runs("b", { memory: 20 });
    node.availableMiB = 90;
    await node.turn();
    node.availableMiB = 120;
    await node.turn();
    expect(node.evicted).toHaveLength(2);
  });
});

test("an emptyDir that outgrows its limit ends its pod, on a node with room to spare too", async () => {
  const node = new ShortNode({ hard: "" });
  node.runs("big", { emptyDir: 11 }, { volumes: [{ name: "scratch", emptyDir: { sizeLimit: "10Mi" } }] });
  node.runs("small", { emptyDir: 9 }, { volumes: [{ name: "scratch", emptyDir: { sizeLimit: "10Mi" } }] });
  await node.turn();
  expect(node.evicted).toEqual(['big in 1s: Usage of EmptyDir volume "scratch" exceeds the limit "10Mi". ']);
});

test("limits of ephemeral storage hold for a pod and for its containers", async () => {
  const limited = (name: string, limit?: string) =>
    container(name, limit === undefined ? {} : { resources: { limits: { "ephemeral-storage": limit } } });
  const volumes = [{ name: "scratch", emptyDir: {} }];
  const node = new ShortNode({ hard: "" });
  node.runs("all-limited", { emptyDir: 6 }, { containers: [limited("main", "2Mi"), limited("side", "3Mi")], volumes });
  node.runs("one-free", { emptyDir: 6 }, { containers: [limited("main", "2Mi"), limited("side")], volumes });
  await node.turn();
  expect(node.evicted).toEqual([
    "all-limited in 1s: Pod ephemeral local storage usage exceeds the total limit of containers 5Mi. ",
  ]);
});

test.each([
  [{ hard: "memory.free<1" }, /expected SIGNAL<VALUE/],
  [{ hard: "memory.available<lots" }, /neither a quantity nor a percentage/],
  [{ soft: "memory.available<1Gi" }, /grace period must be specified/],
])("%j is refused", (flags, message) => {
  expect(() => parseThresholds(flags)).toThrow(message);
});
