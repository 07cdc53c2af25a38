import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, openSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { componentScript } from "../cli/cluster/sources.ts";

/** The peers of one comparison. */
export type Product = "flotilla" | "etcd";

/** Program and first arguments; ours as `flotilla up` runs it. */
async function commandOf(product: Product): Promise<readonly [string, ...string[]]> {
  return product === "etcd" ? ["etcd"] : [process.execPath, await componentScript(), "etcd"];
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}

interface Member {
  readonly url: string;
  readonly process: ChildProcess;
}

/** What is asked of a member over its JSON gateway or health endpoint; both products answer `GET /health`. */
async function isHealthy(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/health`);
    return answer.ok && ((await answer.json()) as { health: string }).health === "true";
  } catch {
    return false;
  }
}

/** Three members of one product on loopback, without TLS, with default settings. */
export class StoreCluster {
  readonly product: Product;
  readonly #members: readonly Member[];
  readonly #folder: string;

  private constructor(product: Product, members: readonly Member[], folder: string) {
    this.product = product;
    this.#members = members;
    this.#folder = folder;
  }

  static async start(product: Product, parent: string): Promise<StoreCluster> {
    const folder = join(parent, product);
    mkdirSync(folder, { recursive: true });
    const [program, ...first] = await commandOf(product);
    const ports = await freePorts(6);
    const names = ["m1", "m2", "m3"];
    const peerUrl = (i: number) => `http://127.0.0.1:${ports[3 + i]}`;
    const initialCluster = names.map((name, i) => `${name}=${peerUrl(i)}`).join(",");
    const members = names.map((name, i) => {
      const url = `http://127.0.0.1:${ports[i]}`;
      const log = openSync(join(folder, `${name}.log`), "a");
      const args = [
        ...first,
        ...["--name", name, "--data-dir", join(folder, name)],
        ...["--listen-client-urls", url, "--advertise-client-urls", url],
        ...["--listen-peer-urls", peerUrl(i), "--initial-advertise-peer-urls", peerUrl(i)],
        ...["--initial-cluster", initialCluster, "--initial-cluster-token", `bench-${process.pid}`],
      ];
      return { url, process: spawn(program, args, { stdio: ["ignore", log, log] }) };
    });
    const cluster = new StoreCluster(product, members, folder);
    const deadline = performance.now() + 30_000;
    for (const { url } of members) {
      while (!(await isHealthy(url))) {
        if (performance.now() > deadline) {
          await cluster.stop();
          throw new Error(`${product} did not become healthy; its logs are in ${folder}`);
        }
        await delay(50);
      }
    }
    return cluster;
  }

  get urls(): readonly string[] {
    return this.#members.map(({ url }) => url);
  }

  get folder(): string {
    return this.#folder;
  }

  pids(): number[] {
    return this.#members.map(({ process }) => process.pid as number);
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.#members.map(async ({ process }) => {
        if (process.exitCode !== null || process.signalCode !== null) return;
        process.kill("SIGKILL");
        await once(process, "exit");
      }),
    );
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
