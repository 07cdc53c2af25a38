import { createHash } from "node:crypto";
import type { Backend, ServicePort } from "../service-ports.ts";

/** kube-proxy's table and mark, so that people who look find what they know. */
export const tableName = "kube-proxy";
const masqueradeMark = "0x4000";

/**
 * Everything that the table holds because of the Services, by name. Two of these can be compared, which gives the smallest change.
 * Names and layout are those of kube-proxy's nftables mode.
 */
export interface Ruleset {
  readonly chains: ReadonlyMap<string, readonly string[]>;
  /** Element (key of a map or set) to value; the empty string for sets. */
  readonly elements: ReadonlyMap<ElementHolder, ReadonlyMap<string, string>>;
  /** Dynamic sets of clients for session affinity, each with its timeout in seconds; what is in them is the kernel's business. */
  readonly affinitySets: ReadonlyMap<string, number>;
}

export const elementHolders = [
  "service-ips",
  "service-nodeports",
  "no-endpoint-services",
  "no-endpoint-nodeports",
  "cluster-ips",
] as const;
export type ElementHolder = (typeof elementHolders)[number];

/** Short, stable, and free of what nft does not take in names. */
function chainSuffix(id: string): string {
  const digest = createHash("sha256").update(id).digest();
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const hash = [...digest.subarray(0, 8)].map((byte) => alphabet[byte & 31]).join("");
  return `${hash}-${id}`.replace(/[^A-Za-z0-9/_.-]/g, "_").replace(/\/$/, "");
}

interface Builder {
  readonly chains: Map<string, string[]>;
  readonly elements: Map<ElementHolder, Map<string, string>>;
  readonly affinitySets: Map<string, number>;
}

function endpointName(servicePort: ServicePort, backend: Backend): string {
  return `${chainSuffix(servicePort.id)}__${backend.address}/${backend.port}`;
}

/** Rules that pick one backend: first a client's own (session affinity), then any with the same chance. */
function balance(builder: Builder, servicePort: ServicePort, backends: readonly Backend[]): string[] {
  const protocol = servicePort.protocol.toLowerCase();
  const rules: string[] = [];
  for (const backend of backends) {
    const name = endpointName(servicePort, backend);
    // A pod that reaches itself through its own Service must not see itself as the peer: masquerade.
    const rulesOfBackend = [`ip saddr ${backend.address} meta mark set meta mark or ${masqueradeMark}`];
    if (servicePort.affinitySeconds !== undefined) {
      // A set's timeout cannot be changed: with another one it is another set.
      const set = `affinity-${servicePort.affinitySeconds}s-${name}`;
      builder.affinitySets.set(set, servicePort.affinitySeconds);
      rules.push(`ip saddr @${set} goto endpoint-${name}`);
      rulesOfBackend.push(`update @${set} { ip saddr }`);
    }
    rulesOfBackend.push(`meta l4proto ${protocol} dnat to ${backend.address}:${backend.port}`);
    builder.chains.set(`endpoint-${name}`, rulesOfBackend);
  }
  const choices = backends.map((backend, i) => `${i} : goto endpoint-${endpointName(servicePort, backend)}`);
  rules.push(`numgen random mod ${backends.length} vmap { ${choices.join(", ")} }`);
  return rules;
}

function addServicePort(builder: Builder, servicePort: ServicePort, clusterCIDR: string): void {
  const protocol = servicePort.protocol.toLowerCase();
  const suffix = chainSuffix(servicePort.id);
  const holder = (name: ElementHolder) => builder.elements.get(name) as Map<string, string>;
  const destination = `${servicePort.clusterIP} . ${protocol} . ${servicePort.port}`;
  holder("cluster-ips").set(servicePort.clusterIP, "");
  if (servicePort.backends.length === 0) holder("no-endpoint-services").set(destination, "goto reject-chain");
  else {
    builder.chains.set(`service-${suffix}`, [
      `ip daddr ${servicePort.clusterIP} ip saddr != ${clusterCIDR} meta mark set meta mark or ${masqueradeMark}`,
      ...balance(builder, servicePort, servicePort.backends),
    ]);
    holder("service-ips").set(destination, `goto service-${suffix}`);
  }
  if (servicePort.nodePort === undefined) return;
  const nodePort = `${protocol} . ${servicePort.nodePort}`;
  if (servicePort.externalBackends.length === 0) {
    // Under the Local policy another node may well have backends: be silent, as if this one were not there.
    holder("no-endpoint-nodeports").set(nodePort, servicePort.externalLocal ? "drop" : "goto reject-chain");
    return;
  }
  // Replies of a backend on another node must come back through this one; under the Local policy there is no other.
  const mark = servicePort.externalLocal ? [] : [`meta mark set meta mark or ${masqueradeMark}`];
  builder.chains.set(`external-${suffix}`, [...mark, ...balance(builder, servicePort, servicePort.externalBackends)]);
  holder("service-nodeports").set(nodePort, `goto external-${suffix}`);
}

/** What the table must hold for these ports. SCTP is not forwarded. */
export function ruleset(ports: readonly ServicePort[], clusterCIDR: string): Ruleset {
  const builder: Builder = {
    chains: new Map(),
    elements: new Map(elementHolders.map((name) => [name, new Map()])),
    affinitySets: new Map(),
  };
  for (const servicePort of ports) {
    if (servicePort.protocol !== "SCTP") addServicePort(builder, servicePort, clusterCIDR);
  }
  return builder;
}

export const emptyRuleset: Ruleset = ruleset([], "0.0.0.0/0");
