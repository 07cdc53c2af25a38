import { readdirSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Random } from "../../base/mod.ts";
import type { TestCluster } from "../support/cluster.ts";
import { run } from "../support/processes.ts";

/** One fault: what it did, and how it ends. A fault that had no effect throws when it is made. */
export interface Fault {
  readonly what: string;
  /** Undoes it; a fault that the cluster itself repairs has nothing to undo. */
  heal(): Promise<void>;
}

const nothingToHeal = async () => undefined;

/** Everything that crosses the node's border, and its way to the API, which is an address of its own. */
const cutRules = (table: string) => `
table inet ${table} {
  chain in      { type filter hook input priority -500; iifname eth0 drop; ip daddr 172.30.0.1 tcp dport 6443 drop; }
  chain out     { type filter hook output priority -500; oifname eth0 drop; ip daddr 172.30.0.1 tcp dport 6443 drop; ip saddr 172.30.0.1 tcp sport 6443 drop; }
  chain forward { type filter hook forward priority -500; iifname eth0 drop; oifname eth0 drop; }
}`;

async function mustRun(command: string, args: readonly string[], input = ""): Promise<void> {
  const { code, stderr } = await run(command, args, { input });
  if (code !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr}`);
}

/** False when the process is gone. */
function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    return false;
  }
}

/** `net:[…]`; empty for a process that is gone, or that nobody may look at. */
export function networkOf(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch (error) {
    if (!["ENOENT", "ESRCH", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    return "";
  }
}

/** Identity of a network namespace by a file that stands for it. */
const namespaceOf = (file: string) => statSync(file).ino;

/** Breaks a cluster whose nodes have networks of their own (root, embedded engine). */
export class Nemesis {
  readonly #cluster: TestCluster;
  readonly #components: readonly string[];
  /** The network namespace of each node, by a file that outlives its agent. */
  readonly #networks: ReadonlyMap<string, string>;
  #cuts = 0;

  private constructor(cluster: TestCluster, components: readonly string[], networks: ReadonlyMap<string, string>) {
    this.#cluster = cluster;
    this.#components = components;
    this.#networks = networks;
  }

  /** Of a cluster that runs. */
  static async of(cluster: TestCluster): Promise<Nemesis> {
    const { components } = await cluster.status();
    const networks = new Map<string, string>();
    for (const { name, pid } of components.filter(({ name }) => /^node-\d+$/.test(name))) {
      const wanted = namespaceOf(`/proc/${pid}/ns/net`);
      const found = readdirSync("/run/netns").find((entry) => namespaceOf(join("/run/netns", entry)) === wanted);
      if (found === undefined) throw new Error(`${name} has no network of its own`);
      networks.set(name, join("/run/netns", found));
    }
    return new Nemesis(
      cluster,
      components.map(({ name }) => name),
      networks,
    );
  }

  get nodes(): string[] {
    return [...this.#networks.keys()];
  }

  network(node: string): string {
    const file = this.#networks.get(node);
    if (file === undefined) throw new Error(`no node ${node}`);
    return file;
  }

  /** One fault drawn at random; `longestMs` bounds those that last. */
  async strike(random: Random, longestMs: number): Promise<Fault & { readonly lastsMs: number }> {
    const lastsMs = 500 + random.below(longestMs - 500);
    const component = this.#components[random.below(this.#components.length)] as string;
    const node = this.nodes[random.below(this.nodes.length)] as string;
    const dice = random.below(20);
    if (dice < 9) return { ...(await this.kill(component)), lastsMs: 0 };
    if (dice < 13) return { ...(await this.pause(component)), lastsMs: Math.min(lastsMs, 15_000) };
    if (dice < 16) return { ...(await this.reboot(node)), lastsMs: 0 };
    return { ...(await this.cutOff(node)), lastsMs };
  }

  async kill(component: string): Promise<Fault> {
    await this.#signal(component, "SIGKILL");
    return { what: `kill ${component}`, heal: nothingToHeal };
  }

  async pause(component: string): Promise<Fault> {
    const pid = await this.#signal(component, "SIGSTOP");
    return {
      what: `pause ${component}`,
      async heal() {
        signal(pid, "SIGCONT"); // Another fault may have ended it.
      },
    };
  }

  /** All processes of a node at once, its agent and every container: what is left is what is on its disk. */
  async reboot(node: string): Promise<Fault> {
    const sandboxes = join(this.#cluster.root, "nodes", node, "runtime", "sandboxes");
    const pods = readdirSync(sandboxes).flatMap((id) => {
      const file = join(sandboxes, id, "net");
      return statSync(file, { throwIfNoEntry: false }) === undefined ? [] : [namespaceOf(file)];
    });
    const networks = new Set([namespaceOf(this.network(node)), ...pods].map((inode) => `net:[${inode}]`));
    let killed = 0;
    for (const pid of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
      if (networks.has(networkOf(pid)) && signal(Number(pid), "SIGKILL")) killed++;
    }
    if (killed === 0) throw new Error(`nothing ran on ${node}`);
    return { what: `restart ${node} (${killed} processes)`, heal: nothingToHeal };
  }

  /** No packet in or out, nor to the API. */
  async cutOff(node: string): Promise<Fault> {
    const inside = (...command: string[]) => [`--net=${this.network(node)}`, ...command];
    // One cut may begin while another lasts.
    const table = `nemesis-${++this.#cuts}`;
    await mustRun("nsenter", inside("nft", "-f", "-"), cutRules(table));
    return {
      what: `cut off ${node}`,
      heal: () => mustRun("nsenter", inside("nft", "delete", "table", "inet", table)),
    };
  }

  /** To the running process, whose pid it returns: one that is being started again is waited for. */
  async #signal(component: string, name: NodeJS.Signals): Promise<number> {
    for (let tries = 0; tries < 300; tries++) {
      const pid = (await this.#cluster.status()).components.find(({ name }) => name === component)?.pid;
      if (pid !== undefined && signal(pid, name)) return pid;
      await delay(100);
    }
    throw new Error(`${component} is not started again`);
  }
}
