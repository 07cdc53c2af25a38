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
  readonly command: readonly [string, ...string[]];
  readonly log: number;
  process: ChildProcess;
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

export interface ClusterOptions {
  /** Flags beyond those that make it a cluster. */
  readonly flags?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** Three members of one product on loopback, without TLS, with default settings unless told otherwise. */
export class StoreCluster {
  readonly product: Product;
  readonly #members: readonly Member[];
  readonly #folder: string;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #leaveNobody = () => {
    for (const member of this.#members) member.process.kill("SIGKILL");
  };

  private constructor(product: Product, members: readonly Member[], folder: string, environment: NodeJS.ProcessEnv) {
    this.product = product;
    this.#members = members;
    this.#folder = folder;
    this.#environment = environment;
  }

  static async start(
    product: Product,
    parent: string,
    { flags = [], environment = {} }: ClusterOptions = {},
  ): Promise<StoreCluster> {
    const folder = join(parent, product);
    mkdirSync(folder, { recursive: true });
    const [program, ...first] = await commandOf(product);
    const ports = await freePorts(6);
    const names = ["m1", "m2", "m3"];
    const peerUrl = (i: number) => `http://127.0.0.1:${ports[3 + i]}`;
    const initialCluster = names.map((name, i) => `${name}=${peerUrl(i)}`).join(",");
    const env = { ...process.env, ...environment };
    const members = names.map((name, i) => {
      const url = `http://127.0.0.1:${ports[i]}`;
      const log = openSync(join(folder, `${name}.log`), "a");
      const args = [
        ...first,
        ...["--name", name, "--data-dir", join(folder, name)],
        ...["--listen-client-urls", url, "--advertise-client-urls", url],
        ...["--listen-peer-urls", peerUrl(i), "--initial-advertise-peer-urls", peerUrl(i)],
        ...["--initial-cluster", initialCluster, "--initial-cluster-token", `bench-${process.pid}`],
        ...flags,
      ];
      const started = spawn(program, args, { stdio: ["ignore", log, log], env });
      return { url, log, command: [program, ...args] as const, process: started };
    });
    const cluster = new StoreCluster(product, members, folder, env);
    // A benchmark that fails leaves nobody behind.
    process.once("exit", cluster.#leaveNobody);
    for (const member of members) await cluster.#becomesHealthy(member, 30_000);
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

  /** Kills a member and starts it again. Returns how long it takes, from its start, until it serves, in milliseconds. */
  async restart(url: string): Promise<number> {
    const member = this.#members.find((one) => one.url === url) as Member;
    await kill(member.process);
    const [program, ...args] = member.command;
    const start = performance.now();
    member.process = spawn(program, args, { stdio: ["ignore", member.log, member.log], env: this.#environment });
    await this.#becomesHealthy(member, 120_000);
    return performance.now() - start;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#members.map((member) => kill(member.process)));
    process.off("exit", this.#leaveNobody);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #becomesHealthy({ url, process }: Member, withinMs: number): Promise<void> {
    const deadline = performance.now() + withinMs;
    while (!(await isHealthy(url))) {
      if (performance.now() > deadline || process.exitCode !== null) {
        await this.stop();
        throw new Error(`${this.product} did not become healthy; its logs are in ${this.#folder}`);
      }
      await delay(20);
    }
  }
}

async function kill(process: ChildProcess): Promise<void> {
  if (process.exitCode !== null || process.signalCode !== null) return;
  process.kill("SIGKILL");
  await once(process, "exit");
}
