import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const repository = resolve(import.meta.dirname, "..");

/** How one member is run: this store's command line or another's with the same flags. */
export interface Kind {
  readonly name: string;
  readonly command: readonly string[];
  readonly extraArgs: readonly string[];
}

export const flotilla: Kind = {
  name: "flotilla",
  command: [process.execPath, join(repository, "cli/flotilla.ts"), "etcd"],
  // What `etcdctl endpoint status` prints; the behaviour is that of 3.7 where the two differ.
  extraArgs: ["--reported-version", "3.4.23"],
};

export const debianEtcd: Kind = { name: "etcd", command: ["etcd"], extraArgs: [] };

export class StoreMember {
  readonly name: string;
  readonly clientUrl: string;
  readonly dataDir: string;
  readonly #kind: Kind;
  readonly #args: readonly string[];
  #process: ChildProcess | undefined;
  output = "";

  constructor(kind: Kind, name: string, dataDir: string, clientUrl: string, args: readonly string[]) {
    this.name = name;
    this.clientUrl = clientUrl;
    this.dataDir = dataDir;
    this.#kind = kind;
    this.#args = args;
  }

  /** Resolves when it serves requests; rejects, with what it wrote, when it ends before. `environment` adds to this process's. */
  async start(environment: Readonly<Record<string, string>> = {}): Promise<void> {
    const [program, ...first] = this.#kind.command;
    const args = [...first, ...this.#args, ...this.#kind.extraArgs];
    this.output = "";
    const env = { ...process.env, ...environment };
    const child = spawn(program as string, args, { stdio: ["ignore", "pipe", "pipe"], env });
    this.#process = child;
    await new Promise<void>((ready, fail) => {
      let isReady = false;
      const read = (chunk: Buffer) => {
        this.output += chunk;
        if (isReady || !this.output.includes("ready to serve client requests")) return;
        isReady = true;
        ready();
      };
      child.stdout.on("data", read);
      child.stderr.on("data", read);
      child.once("error", fail);
      child.once("exit", (code, signal) => fail(new Error(`${this.name} ended (${code ?? signal}):\n${this.output}`)));
    });
  }

  /** The same member, with more flags. */
  with(...args: readonly string[]): StoreMember {
    return new StoreMember(this.#kind, this.name, this.dataDir, this.clientUrl, [...this.#args, ...args]);
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  get runs(): boolean {
    const child = this.#process;
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  }

  /** Resolves when the process is gone, of itself or not. */
  async gone(): Promise<void> {
    const child = this.#process;
    if (this.runs) await new Promise((done) => child?.once("exit", done));
  }

  /** Sends the signal and waits until the process is gone. */
  async end(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    if (this.runs) this.#process?.kill(signal);
    await this.gone();
  }
}

/** Members that know each other, on free ports and in a directory of their own below `home`. Of `scheme` is what they say to clients. */
export class StoreCluster {
  readonly members: readonly StoreMember[];
  readonly directory: string;

  constructor(kind: Kind, firstPort: number, size = 3, args: readonly string[] = [], home = tmpdir(), scheme = "http") {
    this.directory = mkdtempSync(join(home, `flotilla-test-${kind.name}-`));
    const names = Array.from({ length: size }, (_, at) => `m${at}`);
    const url = (port: number) => `http://127.0.0.1:${port}`;
    const peer = (at: number) => url(firstPort + 2 * at + 1);
    const cluster = names.map((name, at) => `${name}=${peer(at)}`).join(",");
    this.members = names.map((name, at) => {
      const client = `${scheme}://127.0.0.1:${firstPort + 2 * at}`;
      const dataDir = join(this.directory, name);
      const identity = ["--name", name, "--data-dir", dataDir];
      const clients = ["--listen-client-urls", client, "--advertise-client-urls", client];
      const peers = ["--listen-peer-urls", peer(at), "--initial-advertise-peer-urls", peer(at)];
      const initial = ["--initial-cluster", cluster, "--initial-cluster-token", `test-${firstPort}`];
      return new StoreMember(kind, name, dataDir, client, [...identity, ...clients, ...peers, ...initial, ...args]);
    });
  }

  async start(): Promise<void> {
    await Promise.all(this.members.map((member) => member.start()));
  }

  get endpoints(): string {
    return this.members.map(({ clientUrl }) => clientUrl).join(",");
  }

  /** The member that leads, asked of all that run. */
  async leader(): Promise<StoreMember> {
    for (;;) {
      for (const member of this.members) {
        const { code, stdout } = await etcdctl(member.clientUrl, ["endpoint", "status", "-w", "json"]);
        if (code !== 0) continue;
        const [{ Status: status }] = JSON.parse(stdout) as [
          { Status: { leader?: number; header: { member_id: number } } },
        ];
        if (status.leader !== undefined && status.leader === status.header.member_id) return member;
      }
      await new Promise((done) => setTimeout(done, 50));
    }
  }

  async remove(): Promise<void> {
    await Promise.all(this.members.map((member) => member.end()));
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export interface Output {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface EtcdctlOptions {
  readonly input?: string;
  /** Ends the command once its output holds this text. */
  readonly until?: string;
  readonly patienceMs?: number;
}

/** Runs Debian's etcdctl against one endpoint, or several. */
export function etcdctl(
  endpoints: string,
  args: readonly string[],
  { input = "", until, patienceMs = 30_000 }: EtcdctlOptions = {},
): Promise<Output> {
  const env = { PATH: process.env.PATH, ETCDCTL_API: "3" };
  const child = spawn("etcdctl", ["--endpoints", endpoints, ...args], { env });
  let stdout = "";
  let stderr = "";
  const patience = setTimeout(() => {
    stderr += "\nthe test lost its patience";
    child.kill("SIGKILL");
  }, patienceMs);
  // Who ends without reading its input says why with its exit code.
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk;
    if (until !== undefined && stdout.includes(until)) child.kill("SIGKILL");
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk;
  });
  return new Promise((done, fail) => {
    child.once("error", fail);
    child.once("close", (code) => {
      clearTimeout(patience);
      // The newline behind the text that ended it may or may not have come.
      done({ code, stdout: until === undefined ? stdout : stdout.trimEnd(), stderr });
    });
  });
}

/** Ports of this test process, below those that the kernel gives to outgoing connections. Files that run side by side have different ones. */
export function portsFor(slot: number): number {
  const worker = Number(process.env.VITEST_POOL_ID ?? 0);
  return 20_000 + ((process.pid % 10) * 3 + (worker % 3)) * 400 + slot * 20;
}
