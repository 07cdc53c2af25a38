import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Log } from "../../../base/mod.ts";
import type { Proxier } from "../proxier.ts";
import type { ServicePort } from "../service-ports.ts";
import { emptyRuleset, type Ruleset, ruleset, tableName } from "./ruleset.ts";
import { baseTable, change } from "./script.ts";

/** Runs a command with a text as its input; rejects with what it wrote to standard error. */
async function run(command: string, args: readonly string[], input: string): Promise<void> {
  const child = spawn(command, args, { stdio: ["pipe", "ignore", "pipe"] });
  const complaint: Buffer[] = [];
  child.stderr.on("data", (chunk: Buffer) => complaint.push(chunk));
  // A command that ends early breaks the pipe; its exit code says why.
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`${command}: ${Buffer.concat(complaint).toString().trim() || `exit code ${code}`}`);
}

function runNft(script: string): Promise<void> {
  return run("nft", ["-f", "-"], script);
}

/** Whether this process may change the nftables of the network namespace it is in. */
export async function nftablesWork(): Promise<boolean> {
  const probe = `${tableName}-probe`;
  try {
    await runNft(
      `add table ip ${probe}\nadd chain ip ${probe} c { type nat hook output priority -100; }\ndelete table ip ${probe}\n`,
    );
    return true;
  } catch {
    return false; // no program, no kernel module, no right: sockets must do, and whoever chooses them says so
  }
}

/** Services as nftables rules of the network namespace that this process is in. */
export class NftProxier implements Proxier {
  readonly #clusterCIDR: string;
  readonly #log: Log;
  /** What the kernel has; undefined when that is not known, and everything must be written anew. */
  #applied: Ruleset | undefined;
  #ports: readonly ServicePort[] = [];

  constructor(clusterCIDR: string, log: Log) {
    this.#clusterCIDR = clusterCIDR;
    this.#log = log;
  }

  async sync(ports: readonly ServicePort[]): Promise<void> {
    const wanted = ruleset(ports, this.#clusterCIDR);
    const script =
      this.#applied === undefined ? baseTable() + change(emptyRuleset, wanted) : change(this.#applied, wanted);
    if (script !== "") {
      this.#applied = undefined;
      await runNft(script);
    }
    this.#applied = wanted;
    await this.#forgetUdpFlows(this.#ports, ports);
    this.#ports = ports;
  }

  async stop(): Promise<void> {
    // The rules stay: connections through Services outlive a restart of the proxy. They go with the node's namespace.
  }

  /** The kernel sends a known UDP flow on to where it went before, even when that backend is gone: make it forget. */
  async #forgetUdpFlows(before: readonly ServicePort[], now: readonly ServicePort[]): Promise<void> {
    const current = new Map(now.map((port) => [port.id, port]));
    for (const old of before) {
      if (old.protocol !== "UDP") continue;
      const addresses = new Set(current.get(old.id)?.backends.map((backend) => backend.address));
      for (const { address } of old.backends) {
        if (addresses.has(address)) continue;
        const flow = ["-D", "-p", "udp", "--orig-dst", old.clusterIP, "--dst-nat", address];
        await run("conntrack", flow, "").catch((error: Error) => {
          // conntrack fails as well when there was no such flow, which is the usual case.
          if (!error.message.includes("0 flow entries")) {
            this.#log("warn", "could not forget the UDP flows to a backend that left", {
              address,
              error: error.message,
            });
          }
        });
      }
    }
  }
}
