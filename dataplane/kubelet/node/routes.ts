import type { Log } from "../../../base/mod.ts";
import type { Node } from "../../../controlplane/api/mod.ts";
import { runAny } from "../runtime/embedded/spawn.ts";

/** Routes a node needs to reach the pods of the others: their CIDR by their address. Pure: same nodes, same routes. */
export function wantedRoutes(nodes: readonly Node[], ownName: string): Map<string, string> {
  const routes = new Map<string, string>();
  for (const node of nodes) {
    const cidr = node.spec.podCIDR ?? "";
    const address = node.status?.addresses?.find(({ type }) => type === "InternalIP")?.address;
    if (node.metadata.name !== ownName && cidr !== "" && address !== undefined) routes.set(cidr, address);
  }
  return routes;
}

/** Keeps the routes of the network namespace this process is in. Applies one change at a time, all that is new at once. */
export class NodeRoutes {
  readonly #log: Log;
  #wanted = new Map<string, string>();
  readonly #applied = new Map<string, string>();
  #applying: Promise<void> | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Forwarding between pods, and a way for the node's own connections to Services until they are redirected. */
  async prepare(serviceCidr: string | undefined): Promise<void> {
    const commands = ["echo 1 > /proc/sys/net/ipv4/ip_forward"];
    if (serviceCidr !== undefined) commands.push(`ip route replace ${serviceCidr} dev eth0`);
    const { exitCode, stderr } = await runAny(["/bin/sh", "-ec", commands.join("\n")]);
    if (exitCode !== 0)
      this.#log("warn", "the node's network could not be prepared", { error: stderr.toString().trim() });
  }

  set(routes: Map<string, string>): void {
    this.#wanted = routes;
    this.#applying ??= this.#apply().finally(() => {
      this.#applying = undefined;
    });
  }

  async #apply(): Promise<void> {
    for (let lines = this.#difference(); lines.length > 0; lines = this.#difference()) {
      const wanted = this.#wanted;
      const { exitCode, stderr } = await runAny(["ip", "-force", "-batch", "-"], `${lines.join("\n")}\n`);
      if (exitCode !== 0)
        this.#log("warn", "routes to other nodes' pods could not all be set", { error: stderr.toString().trim() });
      this.#applied.clear();
      for (const [cidr, address] of wanted) this.#applied.set(cidr, address);
    }
  }

  #difference(): string[] {
    const lines: string[] = [];
    for (const cidr of this.#applied.keys()) if (!this.#wanted.has(cidr)) lines.push(`route delete ${cidr}`);
    for (const [cidr, address] of this.#wanted) {
      if (this.#applied.get(cidr) !== address) lines.push(`route replace ${cidr} via ${address}`);
    }
    return lines;
  }
}
