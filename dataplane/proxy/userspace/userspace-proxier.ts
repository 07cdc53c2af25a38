import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Log } from "../../../base/mod.ts";
import type { Backend } from "../backends.ts";
import type { Proxier } from "../proxier.ts";
import { externalBackends, internalBackends, type ServicePort } from "../service-ports.ts";
import { Allowed } from "./allowed.ts";
import { Chooser } from "./chooser.ts";
import { TcpForwarder } from "./tcp-forwarder.ts";
import { UdpForwarder } from "./udp-forwarder.ts";

interface Listener {
  readonly allowed: Allowed;
  readonly chooser: Chooser;
  readonly forwarder: TcpForwarder | UdpForwarder;
}

interface Wanted {
  readonly host: string;
  readonly port: number;
  readonly protocol: "TCP" | "UDP";
  readonly backends: readonly Backend[];
  readonly affinitySeconds: number | undefined;
  /** Who may connect; empty: everybody. */
  readonly sourceRanges: readonly string[];
}

/** Gives the cluster IP to this namespace's loopback device. Addresses in 127.0.0.0/8 need no such thing. */
async function holdAddress(address: string, verb: "add" | "del"): Promise<void> {
  if (address.startsWith("127.")) return;
  const child = spawn("ip", ["address", verb, `${address}/32`, "dev", "lo"], { stdio: "ignore" });
  await once(child, "close"); // It fails when the address is there (or gone) already; listening shows whether all is well.
}

/** Services as listening sockets of this process, where nftables cannot be used: half the speed, and backends see the proxy's address. */
export class UserspaceProxier implements Proxier {
  readonly #nodeIP: string;
  readonly #ownNetwork: boolean;
  readonly #log: Log;
  readonly #listeners = new Map<string, Listener>();
  #addresses = new Set<string>();

  constructor(nodeIP: string, ownNetwork: boolean, log: Log) {
    this.#nodeIP = nodeIP;
    this.#ownNetwork = ownNetwork;
    this.#log = log;
  }

  async sync(ports: readonly ServicePort[]): Promise<void> {
    const wanted = new Map<string, Wanted>();
    for (const port of ports) {
      if (port.protocol === "SCTP") continue;
      const { protocol, affinitySeconds } = port;
      const add = (
        host: string,
        number: number,
        backends: readonly Backend[],
        sourceRanges: readonly string[] = [],
      ) => {
        const want = { host, port: number, protocol, backends, affinitySeconds, sourceRanges };
        wanted.set(`${protocol}/${host}/${number}`, want);
      };
      add(port.clusterIP, port.port, internalBackends(port));
      if (port.nodePort !== undefined) add(this.#nodeIP, port.nodePort, externalBackends(port));
      if (!this.#ownNetwork) continue; // Addresses of a network that is not ours: nobody would be led here.
      for (const address of port.externalIPs) add(address, port.port, externalBackends(port));
      for (const address of port.loadBalancerIPs) add(address, port.port, externalBackends(port), port.sourceRanges);
    }
    for (const [key, listener] of this.#listeners) {
      if (wanted.has(key)) continue;
      listener.forwarder.close();
      this.#listeners.delete(key);
    }
    await this.#holdAddresses(
      new Set(ports.flatMap((port) => [port.clusterIP, ...port.externalIPs, ...port.loadBalancerIPs])),
    );
    for (const [key, want] of wanted) await this.#update(key, want);
  }

  async stop(): Promise<void> {
    await this.sync([]);
  }

  async #holdAddresses(addresses: Set<string>): Promise<void> {
    if (!this.#ownNetwork) return;
    for (const address of this.#addresses) if (!addresses.has(address)) await holdAddress(address, "del");
    for (const address of addresses) if (!this.#addresses.has(address)) await holdAddress(address, "add");
    this.#addresses = addresses;
  }

  async #update(key: string, want: Wanted): Promise<void> {
    let listener = this.#listeners.get(key);
    if (listener === undefined) {
      const chooser = new Chooser();
      const allowed = new Allowed();
      const forwarder =
        want.protocol === "TCP" ? new TcpForwarder(chooser, allowed) : new UdpForwarder(chooser, allowed);
      try {
        await forwarder.listen(want.host, want.port);
      } catch (error) {
        forwarder.close();
        // One port that is taken must not keep all other Services from working.
        this.#log("warn", "cannot listen for a Service", {
          on: `${want.host}:${want.port}`,
          error: (error as Error).message,
        });
        return;
      }
      listener = { allowed, chooser, forwarder };
      this.#listeners.set(key, listener);
    }
    listener.allowed.update(want.sourceRanges);
    listener.chooser.update(want.backends, want.affinitySeconds);
    if (listener.forwarder instanceof UdpForwarder) {
      listener.forwarder.keepOnly(new Set(want.backends.map(({ address, port }) => `${address}:${port}`)));
    }
  }
}
