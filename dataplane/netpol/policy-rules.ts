import { createHash } from "node:crypto";
import { isIPv4 } from "node:net";
import type {
  Namespace,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
  Pod,
} from "../../controlplane/api/mod.ts";
import type { TableContent } from "../nftables/mod.ts";
import { chooses } from "./chooses.ts";
import { type Direction, type Member, membersOf, policiesFor, policyId, portsNamed } from "./members.ts";

/** All that policies depend on. */
export interface PolicyWorld {
  readonly policies: readonly NetworkPolicy[];
  readonly pods: readonly Pod[];
  readonly namespaces: readonly Namespace[];
}

interface Rule {
  readonly peers: readonly NetworkPolicyPeer[];
  readonly ports: readonly NetworkPolicyPort[];
}

function rulesOf({ spec }: NetworkPolicy, direction: Direction): Rule[] {
  return direction === "ingress"
    ? (spec?.ingress ?? []).map(({ from = [], ports = [] }) => ({ peers: from, ports }))
    : (spec?.egress ?? []).map(({ to = [], ports = [] }) => ({ peers: to, ports }));
}

const short = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 16);

/** The rules of one node under way. */
class Rules implements TableContent {
  readonly chains = new Map<string, string[]>();
  readonly sets = new Map<string, string>();
  readonly elements = new Map<string, Map<string, string>>();
  readonly #members: readonly Member[];
  readonly #namespaces: ReadonlyMap<string, Namespace>;

  constructor(members: readonly Member[], namespaces: readonly Namespace[]) {
    this.#members = members;
    this.#namespaces = new Map(namespaces.map((namespace) => [namespace.metadata.name ?? "", namespace]));
  }

  /** Pods that the same policies isolate share a chain: what one of its rules knows returns, the rest ends here. */
  isolate({ address }: Member, direction: Direction, policies: readonly NetworkPolicy[]): void {
    const chain = `${direction}-${short(policies.map(policyId).join(","))}`;
    if (!this.chains.has(chain)) {
      this.chains.set(chain, [...policies.flatMap((policy) => this.#allowed(policy, direction)), "drop"]);
    }
    this.#put(`${direction}-pods`, address, `jump ${chain}`);
    // Nothing can keep a pod from itself; through a Service it meets itself here.
    this.#put("own", `${address} . ${address}`);
  }

  #allowed(policy: NetworkPolicy, direction: Direction): string[] {
    return rulesOf(policy, direction).flatMap(({ peers, ports }, index) => {
      const from = peers.length === 0 ? [""] : this.#peers(policy, direction, index, peers);
      const at = ports.length === 0 ? [""] : ports.map((port) => this.#port(port));
      return from.flatMap((peer) => at.map((port) => `${peer}${port}return`));
    });
  }

  /** The matches, one for all pods and one for each block; a match ends in a space. */
  #peers(policy: NetworkPolicy, direction: Direction, index: number, peers: readonly NetworkPolicyPeer[]): string[] {
    const side = direction === "ingress" ? "ip saddr" : "ip daddr";
    const matches: string[] = [];
    const selecting = peers.filter(({ ipBlock }) => ipBlock === undefined);
    if (selecting.length > 0) {
      const set = `peers-${short(`${policyId(policy)}/${direction}/${index}`)}`;
      this.sets.set(set, "type ipv4_addr;");
      for (const { pod, address } of this.#members)
        if (selecting.some((peer) => this.#isPeer(policy, peer, pod))) this.#put(set, address);
      matches.push(`${side} @${set} `);
    }
    for (const { ipBlock } of peers) {
      const { cidr = "", except = [] } = ipBlock ?? {};
      if (!isIPv4(cidr.split("/")[0] ?? "")) continue;
      // Every address is in a block without a prefix, which nft does not take for a match.
      const inside = cidr.endsWith("/0") ? "" : `${side} ${cidr} `;
      matches.push(`${inside}${except.map((block) => `${side} != ${block} `).join("")}`);
    }
    return matches;
  }

  /** An absent namespaceSelector means the policy's own namespace, an absent podSelector all pods. */
  #isPeer(policy: NetworkPolicy, { podSelector, namespaceSelector }: NetworkPolicyPeer, { metadata }: Pod): boolean {
    const inNamespace =
      namespaceSelector === undefined
        ? metadata.namespace === policy.metadata.namespace
        : this.#isNamespace(metadata.namespace ?? "", namespaceSelector);
    return inNamespace && (podSelector === undefined || chooses(podSelector, metadata.labels));
  }

  #isNamespace(name: string, selector: NonNullable<NetworkPolicyPeer["namespaceSelector"]>): boolean {
    const namespace = this.#namespaces.get(name);
    return namespace !== undefined && chooses(selector, namespace.metadata.labels);
  }

  #port({ protocol = "TCP", port, endPort }: NetworkPolicyPort): string {
    const transport = protocol.toLowerCase();
    if (port === undefined) return `meta l4proto ${transport} `;
    if (typeof port === "number") return `${transport} dport ${port}${endPort === undefined ? "" : `-${endPort}`} `;
    const set = `port-${transport}-${port}`;
    if (!this.sets.has(set)) {
      this.sets.set(set, "type ipv4_addr . inet_service;");
      // A name stands for whatever number the receiving pod gives it.
      for (const { pod, address } of this.#members)
        for (const number of portsNamed(pod, port, protocol)) this.#put(set, `${address} . ${number}`);
    }
    return `meta l4proto ${transport} ip daddr . th dport @${set} `;
  }

  #put(holder: string, key: string, value = ""): void {
    const elements = this.elements.get(holder);
    if (elements === undefined) this.elements.set(holder, new Map([[key, value]]));
    else elements.set(key, value);
  }
}

/** What the table of one node must hold beyond its frame: its pods that policies isolate, and what these let through. */
export function policyRules({ policies, pods, namespaces }: PolicyWorld, node: string): TableContent {
  const members = membersOf(pods);
  const rules = new Rules(members, namespaces);
  for (const member of members) {
    if (member.pod.spec.nodeName !== node) continue;
    for (const direction of ["egress", "ingress"] as const) {
      const applying = policiesFor(member.pod, policies, direction);
      if (applying.length > 0) rules.isolate(member, direction, applying);
    }
  }
  return rules;
}
