// Usage: npm run bench -- cluster [--samples 30] [--pods 200] [--rate 20] [--nodes 2] [--runtime auto] [--dir DIR]
// How long a pod takes from its creation until the API says that it runs, on a fresh cluster of three members: one pod at a time, then many at a
// steady rate. What is measured is what a client sees that watches pods.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { Pod } from "../controlplane/api/mod.ts";
import { Client, InformerFactory, systemClock, systemRandom } from "../controlplane/client/mod.ts";
import { markdownTable, quantile } from "./stats.ts";

const flotilla = join(import.meta.dirname, "..", "cli", "flotilla.ts");
const patienceMs = 120_000;

/** Told of each pod once, when it runs. */
class Running {
  readonly #times = new Map<string, number>();
  readonly #waiting = new Map<string, () => void>();

  observe({ metadata, status }: Pod): void {
    const { name } = metadata;
    if (status?.phase !== "Running" || this.#times.has(name)) return;
    this.#times.set(name, performance.now());
    this.#waiting.get(name)?.();
  }

  /** When the pod was first seen running, on performance's clock. */
  async of(name: string): Promise<number> {
    const known = this.#times.get(name);
    if (known !== undefined) return known;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.set(name, resolve);
    const late = delay(patienceMs, undefined, { ref: false }).then(() => {
      throw new Error(`pod ${name} does not run after ${patienceMs / 1000} s`);
    });
    await Promise.race([promise, late]);
    return this.#times.get(name) as number;
  }
}

function sleeper(name: string): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { namespace: "default", name },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [{ name: "main", image: "host", command: ["sleep", "1000000"] }],
    },
  };
}

async function one(client: Client, running: Running, name: string): Promise<number> {
  const from = performance.now();
  await client.pods.create(sleeper(name));
  return (await running.of(name)) - from;
}

export async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      samples: { type: "string", default: "30" },
      pods: { type: "string", default: "200" },
      rate: { type: "string", default: "20" },
      nodes: { type: "string", default: "2" },
      runtime: { type: "string", default: "auto" },
      dir: { type: "string", default: tmpdir() },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help)
    return void console.log("npm run bench -- cluster [--samples 30] [--pods 200] [--rate 20] [--nodes 2]");
  const [samples, pods, rate] = [Number(values.samples), Number(values.pods), Number(values.rate)];
  const folder = mkdtempSync(join(values.dir, "flotilla-bench-"));
  const root = join(folder, "c");
  const cluster = (...words: string[]) => {
    const argv = [flotilla, ...words, "--name", "bench", "--data-dir", root];
    if (spawnSync(process.execPath, argv, { stdio: "inherit" }).status !== 0)
      throw new Error(`flotilla ${words[0]} failed`);
  };
  const stop = new AbortController();
  try {
    cluster("up", "--members", "3", "--nodes", values.nodes, "--runtime", values.runtime, "--detach");
    const client = await Client.fromKubeconfig(join(root, "kubeconfig"));
    const running = new Running();
    const informers = new InformerFactory({ log: () => undefined, clock: systemClock, random: systemRandom });
    const informer = informers.informer(client.pods, { namespace: "default" });
    informer.addHandler({ onAdd: (pod) => running.observe(pod), onUpdate: (_old, pod) => running.observe(pod) });
    informers.start(stop.signal);
    await informer.synced();
    // The very first pod also waits for what is loaded and compiled once.
    await one(client, running, "warm-up");
    const latencies: number[] = [];
    for (let i = 0; i < samples; i++) {
      latencies.push(await one(client, running, `single-${i}`));
      await client.pods.delete("default", `single-${i}`, { gracePeriodSeconds: 0 });
    }
    latencies.sort((a, b) => a - b);
    const from = performance.now();
    const many = await Promise.all(
      Array.from({ length: pods }, async (_, i) => {
        await delay((i * 1000) / rate);
        return one(client, running, `many-${i}`);
      }),
    );
    const wall = performance.now() - from;
    many.sort((a, b) => a - b);
    const ms = (value: number) => `${value.toFixed(0)} ms`;
    const rows = [
      [`one pod at a time, ${samples} times`, ms(quantile(latencies, 0.5)), ms(quantile(latencies, 0.99)), ""],
      [
        `${pods} pods at ${rate}/s on ${values.nodes} nodes`,
        ms(quantile(many, 0.5)),
        ms(quantile(many, 0.99)),
        ms(wall),
      ],
    ];
    const load = (loadavg()[0] as number).toFixed(1);
    console.log(`\n${cpus().length} CPUs, load ${load} at the end\n`);
    console.log(markdownTable(["create to Running", "p50", "p99", "until all run"], rows));
  } finally {
    stop.abort();
    cluster("down");
    rmSync(folder, { recursive: true, force: true });
  }
}
