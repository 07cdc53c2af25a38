import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { LabelSelector, Namespace, NetworkPolicy, Pod } from "../../controlplane/api/mod.ts";
import { inBlock, NftMachine, type Packet } from "../nftables/machine.testing.ts";
import { change, emptyContent, freshTable, run } from "../nftables/mod.ts";
import { frame } from "./frame.ts";
import { type PolicyWorld, policyRules } from "./policy-rules.ts";

const labels = [{ app: "web" }, { app: "db" }, { app: "web", tier: "front" }, {}];
const selectors: readonly LabelSelector[] = [
  {},
  { matchLabels: { app: "web" } },
  { matchLabels: { app: "db" } },
  { matchExpressions: [{ key: "tier", operator: "DoesNotExist" }] },
];
const selector = fc.constantFrom(...selectors);
const block = fc.record({
  cidr: fc.constantFrom("10.244.0.0/16", "10.244.1.0/24", "0.0.0.0/0", "203.0.113.0/24"),
  except: fc.subarray(["10.244.1.2/32", "10.244.2.0/24", "203.0.113.8/29"]),
});
const peer = fc.oneof(
  fc.record({ podSelector: selector }),
  fc.record({ namespaceSelector: selector }),
  fc.record({ namespaceSelector: selector, podSelector: selector }),
  fc.record({ ipBlock: block }),
);
const port = fc.oneof(
  fc.constant({}),
  fc.record({ protocol: fc.constantFrom("TCP", "UDP"), port: fc.constantFrom(80, 81, "http", "none") }),
  fc.constant({ protocol: "TCP", port: 80, endPort: 90 }),
  fc.constant({ protocol: "UDP" }),
);
const peers = fc.array(peer, { maxLength: 2 });
const ports = fc.array(port, { maxLength: 2 });

const policies = fc
  .array(
    fc.record({
      namespace: fc.constantFrom("a", "b"),
      podSelector: selector,
      policyTypes: fc.subarray(["Ingress", "Egress"]),
      ingress: fc.array(fc.record({ from: peers, ports }), { maxLength: 2 }),
      egress: fc.array(fc.record({ to: peers, ports }), { maxLength: 2 }),
    }),
    { maxLength: 4 },
  )
  .map((list) =>
    list.map(({ namespace, ...spec }, i) => ({ metadata: { namespace, name: `p${i}` }, spec }) as NetworkPolicy),
  );

const pods = fc
  .tuple(
    ...["10.244.1.2", "10.244.1.3", "10.244.2.2", "10.244.2.3"].map((podIP, i) =>
      fc
        .record({
          namespace: fc.constantFrom("a", "b"),
          labels: fc.constantFrom(...labels),
          httpPort: fc.constantFrom(80, 81, undefined),
          phase: fc.constantFrom("Running", "Running", "Running", "Succeeded"),
          hostNetwork: fc.constantFrom(false, false, false, true),
        })
        .map(({ namespace, labels, httpPort, phase, hostNetwork }) => ({
          metadata: { namespace, name: `pod${i}`, uid: `uid${i}`, labels },
          spec: {
            nodeName: `n${podIP.split(".")[2]}`,
            hostNetwork,
            containers: [{ name: "c", ports: httpPort && [{ name: "http", containerPort: httpPort }] }],
          },
          status: { podIP: hostNetwork ? nodeIPs[podIP.split(".")[2] === "1" ? "n1" : "n2"] : podIP, phase },
        })),
    ),
  )
  .map((list) => list as unknown as Pod[]);

const nodeIPs = { n1: "172.30.0.11", n2: "172.30.0.12" } as const;
type NodeName = keyof typeof nodeIPs;

const namespaces = fc
  .tuple(fc.constantFrom(...labels), fc.constantFrom(...labels))
  .map((both) => both.map((labels, i) => ({ metadata: { name: "ab"[i], labels } }) as Namespace));

const worlds: fc.Arbitrary<PolicyWorld> = fc.record({ policies, pods, namespaces });

const addresses = ["10.244.1.2", "10.244.1.3", "10.244.2.2", "10.244.2.3", "203.0.113.9", "203.0.113.1", "172.30.0.12"];
const packets: fc.Arbitrary<Packet> = fc.record({
  saddr: fc.constantFrom(...addresses),
  daddr: fc.constantFrom(...addresses),
  protocol: fc.constantFrom("tcp" as const, "udp" as const, "icmp" as const),
  dport: fc.constantFrom(80, 81, 90, 91),
});

/** Selectors once more, so that the reference shares nothing with what it judges. */
function chooses(
  { matchLabels = {}, matchExpressions = [] }: LabelSelector,
  found: Record<string, string> = {},
): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => found[key] === value) &&
    matchExpressions.every(({ key }) => found[key] === undefined)
  );
}

/** Whether a connection may be made, from the documentation of NetworkPolicy alone; no rule is looked at. */
function allowed({ policies, pods, namespaces }: PolicyWorld, { saddr, daddr, protocol, dport }: Packet): boolean {
  const podAt = (address: string) =>
    pods.find(
      ({ spec, status }) =>
        !spec.hostNetwork && status?.podIP === address && status.phase !== "Succeeded" && status.phase !== "Failed",
    );
  const [from, to] = [podAt(saddr), podAt(daddr)];
  const nodeOf = (pod: Pod | undefined) => pod && nodeIPs[pod.spec.nodeName as NodeName];
  if (saddr === daddr || nodeOf(to) === saddr || nodeOf(from) === daddr) return true;

  const lets = (subject: Pod | undefined, other: Pod | undefined, address: string, direction: "ingress" | "egress") => {
    if (subject === undefined) return true;
    const isolating = policies.filter(({ metadata, spec }) => {
      const given = spec?.policyTypes ?? [];
      const types = given.length > 0 ? given : spec?.egress?.length ? ["Ingress", "Egress"] : ["Ingress"];
      return (
        metadata.namespace === subject.metadata.namespace &&
        chooses(spec?.podSelector ?? {}, subject.metadata.labels) &&
        types.includes(direction === "ingress" ? "Ingress" : "Egress")
      );
    });
    if (isolating.length === 0) return true;
    return isolating.some(({ metadata, spec }) => {
      const rules =
        direction === "ingress"
          ? (spec?.ingress ?? []).map((rule) => ({ peers: rule.from ?? [], ports: rule.ports ?? [] }))
          : (spec?.egress ?? []).map((rule) => ({ peers: rule.to ?? [], ports: rule.ports ?? [] }));
      return rules.some(({ peers, ports }) => {
        const peerFits = peers.some(({ podSelector, namespaceSelector, ipBlock }) => {
          if (ipBlock !== undefined)
            return inBlock(address, ipBlock.cidr) && !(ipBlock.except ?? []).some((hole) => inBlock(address, hole));
          if (other === undefined) return false;
          const its = namespaces.find(({ metadata }) => metadata.name === other.metadata.namespace);
          return (
            (namespaceSelector === undefined
              ? other.metadata.namespace === metadata.namespace
              : chooses(namespaceSelector, its?.metadata.labels)) && chooses(podSelector ?? {}, other.metadata.labels)
          );
        });
        const portFits = ports.some(({ protocol: wanted = "TCP", port, endPort }) => {
          if (wanted.toLowerCase() !== protocol) return false;
          if (port === undefined) return true;
          if (typeof port === "number") return dport >= port && dport <= (endPort ?? port);
          const named = to?.spec.containers[0]?.ports?.find(({ name }) => name === port);
          return named?.containerPort === dport && protocol === "tcp";
        });
        return (peers.length === 0 || peerFits) && (ports.length === 0 || portFits);
      });
    });
  };
  return lets(from, to, daddr, "egress") && lets(to, from, saddr, "ingress");
}

/** The two nodes of a world: a packet passes the rules of the sender's and of the receiver's. */
class Nodes {
  readonly #machines: Record<NodeName, NftMachine>;

  constructor(history: readonly PolicyWorld[]) {
    const machine = (node: NodeName) => {
      const made = new NftMachine([nodeIPs[node]]);
      made.load(freshTable(frame));
      let before = emptyContent;
      for (const world of history) {
        const next = policyRules(world, node);
        made.load(change(frame.table, before, next));
        before = next;
      }
      return made;
    };
    this.#machines = { n1: machine("n1"), n2: machine("n2") };
  }

  pass(packet: Packet): boolean {
    const on = (address: string): NodeName[] =>
      address.startsWith("10.244.") ? [`n${address.split(".")[2]}` as NodeName] : address === nodeIPs.n2 ? ["n2"] : [];
    const way = new Set([...on(packet.saddr), ...on(packet.daddr)]);
    return [...way].every((node) => this.#machines[node].fates(packet).every(({ kind }) => kind === "delivered"));
  }
}

test("the rules of two nodes let through what the documentation of NetworkPolicy allows, after any history of changes", () => {
  fc.assert(
    fc.property(
      fc.array(worlds, { minLength: 1, maxLength: 3 }),
      fc.array(packets, { minLength: 20 }),
      (history, sent) => {
        const nodes = new Nodes(history);
        const world = history.at(-1) as PolicyWorld;
        for (const packet of sent) expect(nodes.pass(packet), JSON.stringify(packet)).toBe(allowed(world, packet));
      },
    ),
    { numRuns: 300 },
  );
});

const pod = (address: string, name: string, node = "n1"): Pod =>
  ({
    metadata: { namespace: "a", name, uid: name, labels: { app: name } },
    spec: { nodeName: node, containers: [{ name: "c", ports: [{ name: "http", containerPort: 8080 }] }] },
    status: { podIP: address, phase: "Running" },
  }) as Pod;
const policy = (name: string, spec: object): NetworkPolicy =>
  ({ metadata: { namespace: "a", name }, spec: { podSelector: {}, ...spec } }) as NetworkPolicy;
const world = (...policies: NetworkPolicy[]): PolicyWorld => ({
  policies,
  pods: [pod("10.244.1.2", "web"), pod("10.244.2.2", "db", "n2")],
  namespaces: [{ metadata: { name: "a" } } as Namespace],
});

describe("the rules", () => {
  const strict = policy("strict", {
    podSelector: { matchLabels: { app: "web" } },
    policyTypes: ["Ingress"],
    ingress: [
      {
        from: [{ podSelector: {} }, { ipBlock: { cidr: "10.0.0.0/8", except: ["10.1.0.0/16"] } }],
        ports: [{ port: "http" }],
      },
      { ports: [{ protocol: "UDP", port: 53, endPort: 59 }] },
    ],
  });

  test("of a pod end in drop, after what its policies let through", () => {
    const { chains, elements } = policyRules(world(strict), "n1");
    const [[name, rules]] = [...chains] as [[string, string[]]];
    expect(rules.map((rule) => rule.replace(/peers-[0-9a-f]+/, "peers-x"))).toEqual([
      "ip saddr @peers-x meta l4proto tcp ip daddr . th dport @port-tcp-http return",
      "ip saddr 10.0.0.0/8 ip saddr != 10.1.0.0/16 meta l4proto tcp ip daddr . th dport @port-tcp-http return",
      "udp dport 53-59 return",
      "drop",
    ]);
    expect(elements.get("ingress-pods")).toEqual(new Map([["10.244.1.2", `jump ${name}`]]));
    expect([...(elements.get("port-tcp-http")?.keys() ?? [])]).toEqual(["10.244.1.2 . 8080", "10.244.2.2 . 8080"]);
  });

  test("are on no node but the pod's, and shared by pods that the same policies isolate", () => {
    expect(policyRules(world(strict), "n2")).toMatchObject({ chains: new Map(), sets: new Map() });
    const everybody = world(policy("all", { policyTypes: ["Ingress", "Egress"] }));
    const both = {
      ...everybody,
      pods: everybody.pods.map((one) => ({ ...one, spec: { ...one.spec, nodeName: "n1" } })),
    };
    expect([...policyRules(both, "n1").chains.values()]).toEqual([["drop"], ["drop"]]);
  });

  test("let pass what belongs to a connection that was allowed", () => {
    const machine = new NftMachine([nodeIPs.n1]);
    const none = policyRules(world(policy("none", { policyTypes: ["Ingress", "Egress"] })), "n1");
    machine.load(freshTable(frame) + change(frame.table, emptyContent, none));
    const packet: Packet = { saddr: "10.244.2.2", daddr: "10.244.1.2", protocol: "tcp", dport: 80 };
    expect(machine.fates(packet)).toEqual([{ kind: "dropped" }]);
    expect(machine.fates({ ...packet, established: true })).toMatchObject([{ kind: "delivered" }]);
    const probe = { ...packet, saddr: nodeIPs.n1 };
    expect(machine.fates(probe), "the node's own probes").toMatchObject([{ kind: "delivered" }]);
  });

  test("are such as the kernel takes, and takes away again", async () => {
    const rules = policyRules(world(strict, policy("none", { policyTypes: ["Egress"] })), "n1");
    const script = freshTable(frame) + change(frame.table, emptyContent, rules);
    const inNamespace = (text: string) =>
      run("unshare", ["--net", "--", "/bin/sh", "-ec", "nft -f -; nft list ruleset"], text);
    expect(await inNamespace(script)).toContain("elements = { 10.244.1.2 : jump ingress-");
    const after = await inNamespace(script + change(frame.table, rules, emptyContent));
    expect(after).not.toMatch(/jump|peers-|port-/);
  });
});
