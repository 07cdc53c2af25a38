// Real etcd servers (Debian's etcd-server), for tests of the client and for whoever wants a second opinion.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "./connect.ts";
import type { EtcdClientOptions } from "./types.ts";

export interface EtcdOptions {
  /** Default 1. */
  readonly members?: number;
  /** Further flags for every member. */
  readonly flags?: readonly string[];
  /** Serve clients over TLS with a certificate of its own making, found in `EtcdMember.dataDir`. */
  readonly tls?: boolean;
}

export interface EtcdMember {
  readonly endpoint: string;
  readonly dataDir: string;
  /** Resolves when the process has ended. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Once more, on the same data and address. */
  restart(): Promise<void>;
}

export interface Etcd {
  readonly members: readonly EtcdMember[];
  readonly endpoints: readonly string[];
  /** Ends all processes and removes their data. */
  stop(): Promise<void>;
}

/** Starts a cluster on free ports of the loopback and waits until it answers. Throws if etcd is not installed. */
export async function startEtcd(options: EtcdOptions = {}): Promise<Etcd> {
  try {
    execFileSync("etcd", ["--version"]);
  } catch (cause) {
    throw new Error("these tests need etcd: apt-get install etcd-server etcd-client", { cause });
  }
  const count = options.members ?? 1;
  const dir = mkdtempSync(join(tmpdir(), "etcd-"));
  const ports = await freePorts(2 * count);
  const peerUrl = (i: number) => `http://127.0.0.1:${ports[2 * i + 1]}`;
  const cluster = Array.from({ length: count }, (_, i) => `m${i}=${peerUrl(i)}`).join(",");
  const members = Array.from({ length: count }, (_, i) => {
    const endpoint = `${options.tls ? "https" : "http"}://127.0.0.1:${ports[2 * i]}`;
    const dataDir = join(dir, `m${i}`);
    const flags = [`--name=m${i}`, `--data-dir=${dataDir}`];
    flags.push(`--listen-client-urls=${endpoint}`, `--advertise-client-urls=${endpoint}`);
    flags.push(`--listen-peer-urls=${peerUrl(i)}`, `--initial-advertise-peer-urls=${peerUrl(i)}`);
    flags.push(`--initial-cluster=${cluster}`, "--log-level=error", ...(options.tls ? ["--auto-tls"] : []));
    return new Member(endpoint, dataDir, [...flags, ...(options.flags ?? [])]);
  });
  await Promise.all(members.map((member) => member.ready()));
  return {
    members,
    endpoints: members.map(({ endpoint }) => endpoint),
    async stop() {
      await Promise.all(members.map((member) => member.kill("SIGKILL")));
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

class Member implements EtcdMember {
  readonly endpoint: string;
  readonly dataDir: string;
  readonly #flags: readonly string[];
  #process: ChildProcess;
  #output = "";

  constructor(endpoint: string, dataDir: string, flags: readonly string[]) {
    this.endpoint = endpoint;
    this.dataDir = dataDir;
    this.#flags = flags;
    this.#process = this.#spawn();
  }

  #spawn(): ChildProcess {
    const child = spawn("etcd", this.#flags, { stdio: ["ignore", "pipe", "pipe"], env: { PATH: process.env.PATH } });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (text) => {
        this.#output += text;
      });
    }
    return child;
  }

  async ready(): Promise<void> {
    const options: EtcdClientOptions = { endpoints: [this.endpoint], tls: { insecureSkipVerify: true } };
    for (let attempt = 0; ; attempt++) {
      if (this.#process.exitCode !== null)
        throw new Error(`etcd ended with ${this.#process.exitCode}:\n${this.#output}`);
      const client = connect(options);
      try {
        // A linearizable read: there is a leader.
        await client.kv.range({ key: new Uint8Array([0]), countOnly: true }, { timeoutMs: 5000 });
        return;
      } catch (cause) {
        if (attempt === 10) throw new Error(`etcd does not answer:\n${this.#output}`, { cause });
      } finally {
        await client.close();
      }
    }
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.kill(signal);
    await ended;
  }

  async restart(): Promise<void> {
    await this.kill("SIGKILL");
    this.#process = this.#spawn();
    await this.ready();
  }
}

/** Ports that were free a moment ago. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const server of servers) {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    ports.push((server.address() as AddressInfo).port);
  }
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
