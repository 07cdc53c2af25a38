import { randomBytes } from "node:crypto";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Finished, type RunOptions, run } from "./processes.ts";
import { becoming, type TestUser } from "./user.ts";

const flotillaScript = join(import.meta.dirname, "..", "..", "cli", "flotilla.ts");

export interface ComponentStatus {
  readonly name: string;
  readonly state: string;
  readonly pid?: number;
  readonly where: string;
}

export interface ClusterStatus {
  readonly healthy: boolean;
  readonly supervisor?: number;
  /** Beginning of the loopback addresses of this machine that stand for the cluster's: `127.30`. */
  readonly loopback?: string;
  readonly components: readonly ComponentStatus[];
}

/** A cluster of its own for one test file, started and removed through the command line as a user would. */
export class TestCluster {
  readonly name = `t-${randomBytes(3).toString("hex")}`;
  readonly #parent = mkdtempSync(join(tmpdir(), "flotilla-test-"));
  readonly root = join(this.#parent, "cluster");
  /** For what a test needs besides; goes with the cluster. */
  readonly scratch = this.#parent;
  /** Beginning of the command line of flotilla, for clusters of others than who runs the tests. */
  readonly #as: readonly string[];

  /** `through`: a command that runs the one after it. */
  constructor(user?: TestUser, through: readonly string[] = []) {
    this.#as = user === undefined ? through : [...becoming(user), ...through];
    if (user !== undefined) chownSync(this.#parent, user.id, user.id);
  }

  /** Runs a flotilla command about this cluster; fails with its output unless it succeeds. */
  async flotilla(command: string, ...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.tryFlotilla(command, ...args);
    if (code !== 0) throw new Error(`flotilla ${command} exited with ${code}:\n${stdout}${stderr}`);
    return stdout;
  }

  tryFlotilla(command: string, ...args: string[]): Promise<Finished> {
    const about = ["--name", this.name, "--data-dir", this.root];
    const [program = "", ...words] = [...this.#as, process.execPath, flotillaScript, command, ...about, ...args];
    return run(program, words, { timeoutMs: 120_000 });
  }

  up(...args: string[]): Promise<string> {
    return this.flotilla("up", "--detach", "--nodes", "2", ...args);
  }

  async status(): Promise<ClusterStatus> {
    const { stdout } = await this.tryFlotilla("status", "-o", "json");
    return JSON.parse(stdout) as ClusterStatus;
  }

  async pidOf(component: string): Promise<number> {
    const found = (await this.status()).components.find(({ name }) => name === component);
    if (found?.pid === undefined) throw new Error(`${component} does not run`);
    return found.pid;
  }

  /** Runs kubectl as the administrator; fails with its output unless it succeeds. Returns standard output. */
  async kubectl(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.tryKubectl(args);
    if (code !== 0) throw new Error(`kubectl ${args.join(" ")} exited with ${code}:\n${stdout}${stderr}`);
    return stdout;
  }

  tryKubectl(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
    return run("kubectl", args, { ...options, env: { ...this.kubectlEnvironment(), ...options.env } });
  }

  /** HOME keeps kubectl's discovery cache out of the user's. */
  kubectlEnvironment(): Record<string, string> {
    return { KUBECONFIG: join(this.root, "kubeconfig"), HOME: this.#parent };
  }

  async apply(manifest: string, ...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.tryKubectl(["apply", "-f", "-", ...args], { input: manifest });
    if (code !== 0) throw new Error(`kubectl apply exited with ${code}:\n${stdout}${stderr}`);
    return stdout;
  }

  async get<T>(...args: string[]): Promise<T> {
    return JSON.parse(await this.kubectl("get", ...args, "-o", "json")) as T;
  }

  /** etcdctl against all members with the cluster's client certificate. */
  async etcdctl(...args: string[]): Promise<string> {
    const file = join(this.root, "etcdctl.env");
    const { code, stdout, stderr } = await run("sh", ["-c", `. '${file}' && exec etcdctl "$@"`, "etcdctl", ...args]);
    if (code !== 0) throw new Error(`etcdctl ${args.join(" ")} exited with ${code}:\n${stdout}${stderr}`);
    return stdout;
  }

  /** Name of the component that leads the store, by the members' own word. */
  async storeLeader(): Promise<string> {
    const text = await this.etcdctl("endpoint", "status", "-w", "json");
    const all = JSON.parse(text) as { Endpoint: string; Status: { header: { member_id: number }; leader: number } }[];
    const leads = all.find(({ Status }) => Status.header.member_id === Status.leader);
    const component = (await this.status()).components.find(({ where }) => where === leads?.Endpoint);
    if (component === undefined) throw new Error(`no member leads: ${text}`);
    return component.name;
  }

  async remove(): Promise<void> {
    const output = await this.flotilla("down");
    if (existsSync(this.root)) {
      const left = readdirSync(this.root, { recursive: true }).slice(0, 20);
      throw new Error(`flotilla down left ${this.root} with ${left.join(", ")}, and said:\n${output}`);
    }
    rmSync(this.#parent, { recursive: true, force: true });
  }
}
