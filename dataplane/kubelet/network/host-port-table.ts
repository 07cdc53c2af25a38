import type { Log } from "../../../base/mod.ts";
import type { HostPort } from "../pod/host-ports.ts";
import { runAny } from "../runtime/embedded/spawn.ts";

const table = "ip flotilla-hostports";

export interface PodPorts {
  readonly podIP: string;
  readonly ports: readonly HostPort[];
}

/** The whole table, for `nft -f`: replaces what was there in one step. */
export function hostPortScript(pods: Iterable<PodPorts>): string {
  const rules: string[] = [];
  const hairpins = new Set<string>();
  for (const { podIP, ports } of pods) {
    for (const { protocol, hostIP, hostPort, containerPort } of ports) {
      if (protocol === "SCTP") continue;
      const address = hostIP === "" ? "" : `ip daddr ${hostIP} `;
      rules.push(`${address}${protocol.toLowerCase()} dport ${hostPort} dnat to ${podIP}:${containerPort}`);
      hairpins.add(podIP);
    }
  }
  // A table that is not there cannot be deleted: so it is made first.
  const replace = `table ${table}\ndelete table ${table}\n`;
  if (rules.length === 0) return replace;
  return `${replace}table ${table} {
  chain ports {
    ${rules.join("\n    ")}
  }
  chain prerouting {
    type nat hook prerouting priority -105; policy accept;
    fib daddr type local jump ports
  }
  chain output {
    type nat hook output priority -105; policy accept;
    fib daddr type local jump ports
  }
  chain postrouting {
    type nat hook postrouting priority 95; policy accept;
    ct status dnat ip saddr 127.0.0.0/8 masquerade
    ${[...hairpins].map((ip) => `ct status dnat ip saddr ${ip} ip daddr ${ip} masquerade`).join("\n    ")}
  }
}
`;
}

/** Keeps the rules for hostPorts of the network namespace this process is in: a table of its own, replaced at once, one change at a time. */
export class HostPortTable {
  readonly #log: Log;
  readonly #pods = new Map<string, PodPorts>();
  #applied = "";
  #applying: Promise<void> | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Ports of a pod; none: it has gone, or has no address yet. */
  set(uid: string, podIP: string, ports: readonly HostPort[]): void {
    const known = this.#pods.get(uid);
    if (ports.length === 0 || podIP === "") {
      if (!this.#pods.delete(uid)) return;
    } else if (known?.podIP === podIP && known.ports.length === ports.length) return;
    else this.#pods.set(uid, { podIP, ports });
    this.refresh();
  }

  /** Sees to it that nothing else is in force than what was set: an earlier agent may have left rules. */
  refresh(): void {
    this.#applying ??= this.#apply().finally(() => {
      this.#applying = undefined;
    });
  }

  async #apply(): Promise<void> {
    for (let script = this.#script(); script !== this.#applied; script = this.#script()) {
      // From 127.0.0.1 to a pod: packets with such a source leave the machine only where that is allowed.
      const local = "echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet; exec nft -f -";
      const { exitCode, stderr } = await runAny(["/bin/sh", "-c", local], script);
      if (exitCode !== 0) this.#log("error", "host ports could not be set", { error: stderr.toString().trim() });
      this.#applied = script;
    }
  }

  #script(): string {
    return hostPortScript(this.#pods.values());
  }
}
