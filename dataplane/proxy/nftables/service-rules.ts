import { createHash } from "node:crypto";
import type { TableContent } from "../../nftables/mod.ts";
import type { Backend } from "../backends.ts";
import { externalBackends, internalBackends, type ServicePort } from "../service-ports.ts";
import { masqueradeMark, type Network } from "./frame.ts";

const mark = `meta mark set meta mark or ${masqueradeMark}`;
const base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** Short, stable, and free of what nft does not take in names. */
function nameOf({ id }: ServicePort): string {
  const digest = createHash("sha256").update(id).digest();
  const hash = [...digest.subarray(0, 8)].map((byte) => base32[byte & 31]).join("");
  return `${hash}-${id}`.replace(/[^A-Za-z0-9/_.-]/g, "_").replace(/\/$/, "");
}

/** The rules under way, for all Services. */
class Rules {
  readonly chains = new Map<string, string[]>();
  readonly sets = new Map<string, string>();
  readonly elements = new Map<string, Map<string, string>>();

  put(holder: string, key: string, value = ""): void {
    const elements = this.elements.get(holder);
    if (elements === undefined) this.elements.set(holder, new Map([[key, value]]));
    else elements.set(key, value);
  }
}

/** The rules of one port of a Service. */
class PortRules {
  readonly #rules: Rules;
  readonly #port: ServicePort;
  readonly #network: Network;
  readonly #name: string;
  readonly #protocol: string;

  constructor(rules: Rules, port: ServicePort, network: Network) {
    this.#rules = rules;
    this.#port = port;
    this.#network = network;
    this.#name = nameOf(port);
    this.#protocol = port.protocol.toLowerCase();
  }

  write(): void {
    const { clusterIP, externalIPs, loadBalancerIPs, nodePort, cluster, local, internalLocal, externalLocal } =
      this.#port;
    const isOutside = nodePort !== undefined || externalIPs.length + loadBalancerIPs.length > 0;
    // What goes from here to an outside address is not bound by the Local policy: it needs all backends as well.
    if (cluster.length > 0 && (!internalLocal || isOutside)) this.#policyChain("service", cluster);
    if (local.length > 0 && (internalLocal || (externalLocal && isOutside))) this.#policyChain("local", local);
    this.#rules.put("cluster-ips", clusterIP);
    this.#internal();
    if (isOutside) this.#external();
  }

  #internal(): void {
    const { clusterIP, internalLocal } = this.#port;
    const destination = this.#at(clusterIP);
    if (internalBackends(this.#port).length > 0) {
      this.#rules.put("service-ips", destination, `goto ${internalLocal ? "local" : "service"}-${this.#name}`);
    } else this.#rules.put("no-endpoint-services", destination, this.#refusal());
  }

  #external(): void {
    const { externalIPs, loadBalancerIPs, nodePort, any } = this.#port;
    const verdict = any ? this.#externalChain() : undefined;
    const refusal = externalBackends(this.#port).length === 0 ? this.#refusal() : undefined;
    for (const address of [...externalIPs, ...loadBalancerIPs]) {
      if (verdict !== undefined) this.#rules.put("service-ips", this.#at(address), verdict);
      if (refusal !== undefined) this.#rules.put("no-endpoint-services", this.#at(address), refusal);
    }
    if (nodePort !== undefined) {
      const key = `${this.#protocol} . ${nodePort}`;
      if (verdict !== undefined) this.#rules.put("service-nodeports", key, verdict);
      if (refusal !== undefined) this.#rules.put("no-endpoint-nodeports", key, refusal);
    }
    this.#firewall();
  }

  /** Nobody anywhere: say so. Somebody elsewhere: be silent, as the Local policy asks for this node not to be there. */
  #refusal(): string {
    return this.#port.any ? "drop" : "goto reject-chain";
  }

  #at(address: string): string {
    return `${address} . ${this.#protocol} . ${this.#port.port}`;
  }

  #externalChain(): string {
    const { externalLocal } = this.#port;
    const { clusterCIDR } = this.#network;
    const rules: string[] = [];
    if (externalLocal) {
      // Connections of this cluster's own are as if they went out and came back at whatever node has a backend.
      rules.push(`ip saddr ${clusterCIDR} goto service-${this.#name}`);
      rules.push(`fib saddr type local ${mark}`, `fib saddr type local goto service-${this.#name}`);
      if (this.#port.local.length > 0) rules.push(`goto local-${this.#name}`);
    } else {
      // Replies of a backend on another node must come back through this one.
      rules.push(mark, `goto service-${this.#name}`);
    }
    this.#rules.chains.set(`external-${this.#name}`, rules);
    return `goto external-${this.#name}`;
  }

  /** Rules that pick one backend: first a client's own (session affinity), then any with the same chance. */
  #policyChain(kind: "service" | "local", backends: readonly Backend[]): void {
    const { clusterIP, affinitySeconds } = this.#port;
    const rules = [`ip daddr ${clusterIP} ip saddr != ${this.#network.clusterCIDR} ${mark}`];
    const choices: string[] = [];
    for (const [index, backend] of backends.entries()) {
      const chain = this.#endpointChain(backend);
      if (affinitySeconds !== undefined)
        rules.push(`ip saddr @${this.#affinitySet(backend, affinitySeconds)} goto ${chain}`);
      choices.push(`${index} : goto ${chain}`);
    }
    rules.push(`numgen random mod ${backends.length} vmap { ${choices.join(", ")} }`);
    this.#rules.chains.set(`${kind}-${this.#name}`, rules);
  }

  #endpointChain(backend: Backend): string {
    const { affinitySeconds } = this.#port;
    const chain = `endpoint-${this.#name}__${backend.address}/${backend.port}`;
    // A pod that reaches itself through its own Service must not see itself as the peer.
    const rules = [`ip saddr ${backend.address} ${mark}`];
    if (affinitySeconds !== undefined)
      rules.push(`update @${this.#affinitySet(backend, affinitySeconds)} { ip saddr }`);
    rules.push(`meta l4proto ${this.#protocol} dnat to ${backend.address}:${backend.port}`);
    this.#rules.chains.set(chain, rules);
    return chain;
  }

  /** Clients of a backend. A set's timeout cannot be changed: with another one it is another set. */
  #affinitySet({ address, port }: Backend, seconds: number): string {
    const set = `affinity-${seconds}s-${this.#name}__${address}/${port}`;
    this.#rules.sets.set(set, `type ipv4_addr; flags dynamic,timeout; timeout ${seconds}s;`);
    return set;
  }

  #firewall(): void {
    const { loadBalancerIPs, sourceRanges } = this.#port;
    if (loadBalancerIPs.length === 0 || sourceRanges.length === 0) return;
    const chain = `firewall-${this.#name}`;
    // Every address is in 0.0.0.0/0, which nft does not take for a match.
    const allowed = sourceRanges.map((range) => (range.endsWith("/0") ? "return" : `ip saddr ${range} return`));
    this.#rules.chains.set(chain, [...allowed, "drop"]);
    for (const address of loadBalancerIPs) this.#rules.put("firewall-ips", this.#at(address), `goto ${chain}`);
  }
}

/** What the table must hold for these ports, beyond its frame. SCTP is not forwarded. */
export function serviceRules(ports: readonly ServicePort[], network: Network): TableContent {
  const rules = new Rules();
  rules.put("nodeport-ips", network.nodeIP);
  for (const port of ports) if (port.protocol !== "SCTP") new PortRules(rules, port, network).write();
  return rules;
}
