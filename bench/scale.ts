// Usage: npm run bench -- scale [--keys 1000000] [--gib 1] [--leases 100000] [--watchers 10000] [--only flotilla|etcd] [--dir DIR]
// A large store: three members on one machine are filled, restarted, and maintained, while a client makes a small put every
// 10 ms. Prints, for each phase, what that client saw and, for Flotilla, how long the members' event loops were held up.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { connect, type EtcdClient } from "../kvstore/client/mod.ts";
import { openStore } from "./etcd-access.ts";
import { grantLeases } from "./lease-load.ts";
import { mebibytes, proportionalSetSize } from "./memory.ts";
import { cpuSeconds, loadAverage, loopCpuSeconds, residentBytes } from "./process-stats.ts";
import { RawConnection } from "./raw-client.ts";
import { StallWatch } from "./stalls.ts";
import { markdownTable } from "./stats.ts";
import { type Product, StoreCluster } from "./store-cluster.ts";
import { openWatchers } from "./watch-load.ts";
import { fillKeys, type KeySpace, keyOf, Probe, putRandomKeys } from "./write-load.ts";

interface Sizes {
  readonly keys: number;
  readonly databaseBytes: number;
  readonly leases: number;
  readonly watchers: number;
}

const valueBytes = 256;
const probeEveryMs = 10;
const fewKeys = 1000;
/** Enough for the garbage collector to have had its share. */
const putsForCost = 50_000;
const watchedPuts = 20_000;
const costInFlight = 64;
const patienceMs = 30_000;
/** A member rests that takes no more than this share of a core; the probe's puts keep it a little busy. */
const restShare = 0.1;

/** CPU time of all members per put, in microseconds, and what their event loops took of it. */
interface Cost {
  readonly us: number;
  readonly loopUs: number;
}

/** etcd's first thread is nothing special. */
function costText({ us, loopUs }: Cost): string {
  return `${us.toFixed(0)} µs CPU, ${loopUs.toFixed(0)} of it on first threads`;
}

class Scale {
  readonly #cluster: StoreCluster;
  readonly #client: EtcdClient;
  readonly #leader: string;
  readonly #probe: Probe;
  readonly #stalls: StallWatch | undefined;
  readonly #rows: string[][] = [];
  /** Calls of this phase that had to be made again. */
  #repeats = 0;

  private constructor(cluster: StoreCluster, leader: string, probe: Probe) {
    this.#cluster = cluster;
    this.#leader = leader;
    this.#probe = probe;
    this.#client = connect({ endpoints: [leader] });
    this.#stalls = cluster.product === "flotilla" ? new StallWatch(cluster.urls) : undefined;
  }

  static async start(cluster: StoreCluster): Promise<Scale> {
    const store = openStore(cluster.urls);
    const leader = await store.leaderUrl();
    await store.close();
    const probe = await Probe.start(leader, probeEveryMs, (error) => {
      throw error;
    });
    return new Scale(cluster, leader, probe);
  }

  async run({ keys, databaseBytes, leases, watchers }: Sizes): Promise<string[][]> {
    const fewKeySpace = { keys: fewKeys, valueBytes };
    const manyKeySpace = { keys, valueBytes };
    const follower = this.#cluster.urls.find((url) => url !== this.#leader) as string;
    await fillKeys(this.#leader, fewKeySpace, 16);
    await this.#cost(fewKeySpace); // unmeasured: code is compiled
    await this.#phase("idle", () => new Promise((resolve) => setTimeout(() => resolve(""), 2000)));
    await this.#settle();
    const before = await this.#cost(fewKeySpace);
    await this.#phase(`put with ${fewKeys} keys`, async () => costText(before));
    await this.#phase(`load of ${keys} keys`, async () => {
      return `${Math.round(await this.#fill(manyKeySpace))} keys/s`;
    });
    await this.#phase("memory with all keys", async () => this.#memory());
    await this.#settle();
    await this.#phase(`put with ${keys} keys`, async () => {
      const after = await this.#cost(manyKeySpace);
      const times = (of: (cost: Cost) => number) => `${(of(after) / of(before)).toFixed(2)} ×`;
      return `${costText(after)}: ${times(({ us }) => us)}, ${times(({ loopUs }) => loopUs)}`;
    });
    await this.#phase("restart of a follower", async () => {
      const ms = await this.#cluster.restart(follower);
      const cpu = cpuSeconds(this.#cluster.pids()[this.#cluster.urls.indexOf(follower)] as number);
      return `serves after ${(ms / 1000).toFixed(1)} s, ${cpu.toFixed(1)} s of CPU`;
    });
    await this.#phase(`${leases} leases`, async () => {
      const start = performance.now();
      this.#repeats += await grantLeases(this.#leader, leases, 1_000_000);
      const { leases: listed } = await this.#client.lease.leases();
      if (listed.length < leases) throw new Error(`only ${listed.length} leases are listed`);
      return `${Math.round((leases * 1000) / (performance.now() - start))} grants/s`;
    });
    await this.#phase("another leader, and back", () => this.#moveLeaderAndBack(follower));
    const connections: RawConnection[] = [];
    await this.#phase(`${watchers} watchers`, async () => {
      for (let i = 0; i < watchers; i += 100) {
        const connection = await RawConnection.open(this.#leader, (error) => {
          throw error;
        });
        connections.push(connection);
        openWatchers(
          connection,
          Array.from({ length: 100 }, (_, n) => keyOf(i + n)),
        );
      }
      await this.#putRandomKeys({ keys: watchers, valueBytes }, costInFlight, watchedPuts);
      return `each of its own key; ${watchedPuts} events`;
    });
    for (const connection of connections) connection.close();
    await this.#phase(`grown to ${mebibytes(databaseBytes)}`, async () => {
      const partKeySpace = { keys: Math.min(keys, 50_000), valueBytes };
      while ((await this.#databaseBytes()) < databaseBytes) await this.#fill(partKeySpace);
      return this.#memory();
    });
    await this.#phase("HashKV of all members", async () => {
      for (const endpoint of this.#cluster.urls) await this.#client.maintenance.hashKv(0, { endpoint });
      return "";
    });
    await this.#phase("snapshot", () => this.#snapshot());
    await this.#phase("compaction", async () => {
      const { header } = await this.#client.kv.range({ key: keyOf(0) });
      await this.#client.kv.compact({ revision: header?.revision ?? 0, physical: true });
      return "";
    });
    await this.#phase("defragmentation of all members", async () => {
      for (const endpoint of this.#cluster.urls) await this.#client.maintenance.defragment({ endpoint });
      return mebibytes(await this.#databaseBytes());
    });
    await this.#phase("list of all keys, three times", async () => {
      for (let i = 0; i < 3; i++) {
        for await (const _ of this.#client.kv.rangeStream({ key: Buffer.of(0), rangeEnd: Buffer.of(0) })) {
          // Only its effect on others counts.
        }
      }
      return "RangeStream";
    });
    await this.#phase("memory in the end", async () => this.#memory());
    return this.#rows;
  }

  async stop(): Promise<void> {
    this.#probe.stop();
    await this.#stalls?.stop();
    await this.#client.close();
  }

  async #phase(name: string, run: () => Promise<string>): Promise<void> {
    this.#probe.look();
    await this.#stalls?.look();
    this.#repeats = 0;
    const start = performance.now();
    const found = await run().catch((error: unknown) => {
      if (/nimplemented|unknown method|not supported/.test(String(error))) return "not implemented";
      throw error;
    });
    const seconds = (performance.now() - start) / 1000;
    const { medianMs, p99Ms, longestMs, failed } = this.#probe.look();
    const stalls = await this.#stalls?.look();
    const ms = (value: number | undefined) => (value === undefined ? "" : `${value.toFixed(1)} ms`);
    const row = [
      name,
      this.#repeats === 0 ? found : `${found}; ${this.#repeats} calls made again`,
      `${seconds.toFixed(1)} s`,
      `${medianMs.toFixed(1)} / ${p99Ms.toFixed(1)} / ${longestMs.toFixed(0)} ms${failed === 0 ? "" : `; ${failed} failed`}`,
      stalls === undefined ? "" : `${stalls.lagMs.toFixed(0)} / ${stalls.busyMs.toFixed(0)} ms`,
      ms(stalls?.collectorMs),
      ms(stalls?.idleMs),
      loadAverage().toFixed(1),
    ];
    console.log(`${this.#cluster.product.padEnd(8)} ${row.join(" | ")}`);
    this.#rows.push([`${this.#cluster.product}: ${name}`, ...row.slice(1)]);
  }

  /** Returns keys per second. */
  async #fill(keys: KeySpace): Promise<number> {
    const { perSecond, repeats } = await fillKeys(this.#leader, keys, 16);
    this.#repeats += repeats;
    return perSecond;
  }

  /** Until the members rest: what a load left to be done afterwards would be counted as the cost of what comes next. */
  async #settle(): Promise<void> {
    const cpu = () => this.#cluster.pids().reduce((sum, pid) => sum + cpuSeconds(pid), 0);
    const deadline = performance.now() + patienceMs;
    for (let before = cpu(); performance.now() < deadline; ) {
      await delay(1000);
      const now = cpu();
      if (now - before < restShare * this.#cluster.pids().length) return;
      before = now;
    }
  }

  async #putRandomKeys(keys: KeySpace, inFlight: number, count: number): Promise<void> {
    const { repeats } = await putRandomKeys(this.#leader, keys, inFlight, count);
    this.#repeats += repeats;
  }

  /** Returns how long it took until the other one, and then the first one again, knew that it leads. */
  async #moveLeaderAndBack(other: string): Promise<string> {
    const { maintenance } = this.#client;
    const took: string[] = [];
    for (const [from, to] of [
      [this.#leader, other],
      [other, this.#leader],
    ] as const) {
      const start = performance.now();
      const { header } = await maintenance.status({ endpoint: to });
      const member = header?.memberId ?? 0n;
      await maintenance.moveLeader(member, { endpoint: from });
      while ((await maintenance.status({ endpoint: to })).leader !== member) {
        if (performance.now() - start > patienceMs) throw new Error("the leadership did not move");
        await delay(1);
      }
      took.push(`${Math.round(performance.now() - start)} ms`);
    }
    return took.join(", ");
  }

  async #cost(keys: KeySpace): Promise<Cost> {
    const total = (of: (pid: number) => number) => this.#cluster.pids().reduce((sum, pid) => sum + of(pid), 0);
    const [before, beforeLoops] = [total(cpuSeconds), total(loopCpuSeconds)];
    await this.#putRandomKeys(keys, costInFlight, putsForCost);
    const perPut = (seconds: number) => (seconds * 1_000_000) / putsForCost;
    return { us: perPut(total(cpuSeconds) - before), loopUs: perPut(total(loopCpuSeconds) - beforeLoops) };
  }

  async #memory(): Promise<string> {
    const all = this.#cluster.pids();
    const now = all.reduce((sum, pid) => sum + proportionalSetSize(pid), 0) / all.length;
    const peak = Math.max(...all.map((pid) => residentBytes(pid).peak));
    return `${mebibytes(now)} per member (PSS), peak ${mebibytes(peak)}; database ${mebibytes(await this.#databaseBytes())}`;
  }

  async #databaseBytes(): Promise<number> {
    const { dbSize } = await this.#client.maintenance.status({ endpoint: this.#leader });
    return dbSize;
  }

  async #snapshot(): Promise<string> {
    let bytes = 0;
    for await (const { blob } of this.#client.maintenance.snapshot({ endpoint: this.#leader })) bytes += blob.length;
    return mebibytes(bytes);
  }
}

export async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      keys: { type: "string", default: "1000000" },
      gib: { type: "string", default: "1" },
      leases: { type: "string", default: "100000" },
      watchers: { type: "string", default: "10000" },
      only: { type: "string" },
      dir: { type: "string", default: tmpdir() },
      environment: { type: "string", multiple: true, default: [] },
    },
  });
  const sizes: Sizes = {
    keys: Number(values.keys),
    databaseBytes: Number(values.gib) * 2 ** 30,
    leases: Number(values.leases),
    watchers: Number(values.watchers),
  };
  const environment = Object.fromEntries(values.environment.map((pair) => pair.split(/=(.*)/s).slice(0, 2)));
  const folder = mkdtempSync(join(values.dir, "flotilla-bench-"));
  const rows: string[][] = [];
  try {
    for (const product of ["flotilla", "etcd"] satisfies Product[]) {
      if (values.only !== undefined && values.only !== product) continue;
      const flags = ["--quota-backend-bytes", String(8 * 2 ** 30)];
      const cluster = await StoreCluster.start(product, folder, { flags, environment });
      try {
        const scale = await Scale.start(cluster);
        try {
          rows.push(...(await scale.run(sizes)));
        } finally {
          await scale.stop();
        }
      } finally {
        await cluster.stop();
        cluster.remove();
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  console.log();
  console.log(
    markdownTable(
      [
        "phase",
        "result",
        "time",
        "small put: p50 / p99 / longest",
        "longest stall / its CPU",
        "longest GC pause",
        "idle loop",
        "load",
      ],
      rows,
    ),
  );
}
