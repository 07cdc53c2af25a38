import type { Log } from "../../../base/mod.ts";
import { NftTable, run, type TableContent } from "../../nftables/mod.ts";
import type { Proxier } from "../proxier.ts";
import type { ServicePort } from "../service-ports.ts";
import { frame, type Network, tableName } from "./frame.ts";
import { rememberedClients } from "./remembered-clients.ts";
import { serviceRules } from "./service-rules.ts";
import { parseUdpFlows, staleUdpFlows } from "./udp-flows.ts";

/** Takes away every rule that a proxy left in the network namespace this process is in. */
export function removeServiceRules(): Promise<void> {
  return new NftTable({ table: tableName, body: "" }).remove();
}

/** Services as nftables rules of the network namespace that this process is in. */
export class NftProxier implements Proxier {
  readonly #network: Network;
  readonly #log: Log;
  readonly #table: NftTable;
  /** What was known of UDP at the last look at its flows. */
  #udp = "";

  constructor(network: Network, log: Log) {
    this.#network = network;
    this.#log = log;
    this.#table = new NftTable(frame(network));
  }

  async sync(ports: readonly ServicePort[]): Promise<void> {
    const rules = serviceRules(ports, this.#network);
    await this.#table.sync(rules, () => this.#clientsOf(rules));
    const udp = ports.filter(({ protocol }) => protocol === "UDP");
    const now = JSON.stringify(udp);
    if (now === this.#udp) return;
    await this.#forgetStaleFlows(udp);
    this.#udp = now;
  }

  async stop(): Promise<void> {
    // The rules stay: connections through Services outlive a restart of the proxy. They go with the node's namespace, or by `removeServiceRules`.
  }

  async #clientsOf(rules: TableContent): Promise<string> {
    if (rules.sets.size === 0) return "";
    try {
      return rememberedClients(
        await run("nft", ["-j", "list", "sets", "table", ...tableName.split(" ")]),
        tableName,
        rules,
      );
    } catch (error) {
      const { message } = error as Error;
      // There is no table before the first proxy has been here.
      if (!message.includes("No such file")) this.#log("warn", "clients' session affinity is lost", { error: message });
      return "";
    }
  }

  /** After the rules have changed, so that what follows is sent where they say. */
  async #forgetStaleFlows(ports: readonly ServicePort[]): Promise<void> {
    try {
      const flows = parseUdpFlows(await run("conntrack", ["-L", "-p", "udp"]));
      for (const { address, port, backendAddress, backendPort } of staleUdpFlows(flows, ports, this.#network.nodeIP)) {
        const to = ["--orig-dst", address, "--orig-port-dst", String(port)];
        const through = ["--reply-src", backendAddress, "--reply-port-src", String(backendPort)];
        await run("conntrack", ["-D", "-p", "udp", ...to, ...through]).catch((error: Error) => {
          // It may have expired since it was listed.
          if (!error.message.includes("0 flow entries")) throw error;
        });
      }
    } catch (error) {
      this.#log("warn", "could not forget UDP flows to backends that left", { error: (error as Error).message });
    }
  }
}
