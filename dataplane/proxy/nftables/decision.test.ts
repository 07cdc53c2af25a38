import fc from "fast-check";
import { expect, test } from "vitest";
import type { EndpointSlice, Service } from "../../../controlplane/api/mod.ts";
import { type Fate, inBlock, NftMachine, type Packet } from "../../nftables/machine.testing.ts";
import { change, freshTable } from "../../nftables/mod.ts";
import { servicePorts } from "../service-ports.ts";
import { type EndpointCase, service, slice } from "../world.testing.ts";
import { frame } from "./frame.ts";
import { serviceRules } from "./service-rules.ts";

const here = { node: "n1", zone: "east" };
const nodeIP = "172.30.0.11";
const network = { clusterCIDR: "10.244.0.0/16", nodeIP, serviceCIDR: "10.96.0.0/16" };

interface World {
  readonly services: readonly Service[];
  readonly slices: readonly EndpointSlice[];
}

/** Pods of this node, of others, and who is no pod. */
const podAddresses = ["10.244.1.2", "10.244.1.3", "10.244.2.2", "10.244.3.2"];
const senders = [...podAddresses, nodeIP, "172.30.0.3", "203.0.113.9"];

const endpoint = (address: string): fc.Arbitrary<EndpointCase | undefined> =>
  fc.option(
    fc.record({
      address: fc.constant(address),
      node: fc.constant(`n${address.split(".")[2]}`),
      ready: fc.constantFrom(true, true, false, undefined),
      serving: fc.constantFrom(true, true, false, undefined),
      terminating: fc.constantFrom(false, false, true, undefined),
      zones: fc.constantFrom(["east"], ["west"], ["east"], undefined),
    }),
    { nil: undefined },
  );

/** The `i`th Service: addresses and ports are its own, all else is chance. */
const oneService = (i: number): fc.Arbitrary<World> =>
  fc
    .record({
      type: fc.constantFrom("ClusterIP", "NodePort", "LoadBalancer"),
      protocol: fc.constantFrom("TCP", "UDP"),
      internalTrafficPolicy: fc.constantFrom("Cluster", "Local"),
      externalTrafficPolicy: fc.constantFrom("Cluster", "Local"),
      sessionAffinity: fc.constantFrom("None", "ClientIP"),
      hasExternalIP: fc.boolean(),
      hasBalancer: fc.boolean(),
      loadBalancerSourceRanges: fc.subarray(["203.0.113.0/24", "172.30.0.0/16", "10.244.2.0/24", "0.0.0.0/0"]),
      endpoints: fc.tuple(...podAddresses.map(endpoint)),
    })
    .map(({ endpoints, hasExternalIP, hasBalancer, protocol, ...spec }) => {
      const name = `s${i}`;
      const port = { name: "p", port: 80, protocol, nodePort: spec.type === "ClusterIP" ? undefined : 30_000 + i };
      const whole = { ...spec, clusterIP: `10.96.0.${i + 1}`, ports: [port] };
      const outside = hasExternalIP ? { externalIPs: [`192.0.2.${i + 1}`] } : {};
      const status = { loadBalancer: { ingress: hasBalancer ? [{ ip: `172.30.200.${i + 1}` }] : [] } };
      const found = endpoints.filter((one) => one !== undefined);
      return {
        services: [service({ ...whole, ...outside }, name, status)],
        slices: [slice(found, { name, protocol, portName: "p" })],
      };
    });

const worlds: fc.Arbitrary<World> = fc
  .tuple(fc.option(oneService(0)), fc.option(oneService(1)), fc.option(oneService(2)))
  .map((parts) => parts.filter((part) => part !== null))
  .map((parts) => ({
    services: parts.flatMap((part) => part.services),
    slices: parts.flatMap((part) => part.slices),
  }));

const destinations = [0, 1, 2].flatMap((i) => [
  ...[`10.96.0.${i + 1}`, `192.0.2.${i + 1}`, `172.30.200.${i + 1}`].flatMap((daddr) => [
    { daddr, dport: 80 },
    { daddr, dport: 81 },
  ]),
  { daddr: nodeIP, dport: 30_000 + i },
]);
const packets: fc.Arbitrary<Packet> = fc
  .tuple(
    fc.constantFrom(...senders),
    fc.constantFrom("tcp" as const, "udp" as const),
    fc.constantFrom(...destinations, { daddr: "10.96.7.7", dport: 80 }, { daddr: "10.244.1.2", dport: 8080 }),
  )
  .map(([saddr, protocol, to]) => ({ saddr, protocol, ...to }));

/** What may become of a packet, from the documentation of Services alone; no rule is looked at. */
function expected({ services, slices }: World, { saddr, daddr, protocol, dport }: Packet): Fate[] {
  const isPod = inBlock(saddr, network.clusterCIDR);
  for (const { metadata, spec, status } of services) {
    const port = spec?.ports?.[0];
    if (spec === undefined || port?.protocol?.toLowerCase() !== protocol) continue;
    const at = (addresses: readonly (string | undefined)[]) => addresses.includes(daddr) && dport === port.port;
    const internal = at([spec.clusterIP]);
    const isBalancer = spec.type === "LoadBalancer" && at(status?.loadBalancer?.ingress?.map(({ ip }) => ip) ?? []);
    const isNodePort = spec.type !== "ClusterIP" && daddr === nodeIP && dport === port.nodePort;
    if (!internal && !isBalancer && !isNodePort && !at(spec.externalIPs ?? [])) continue;
    const ranges = spec.loadBalancerSourceRanges ?? [];
    if (isBalancer && ranges.length > 0 && !ranges.some((range) => inBlock(saddr, range))) return [{ kind: "dropped" }];

    const all = slices.find((one) => one.metadata.name === `${metadata.name}-x`)?.endpoints ?? [];
    const isReady = (one: (typeof all)[number]) => one.conditions?.ready ?? true;
    const isLeaving = ({ conditions }: (typeof all)[number]) =>
      (conditions?.serving ?? true) && (conditions?.terminating ?? false);
    const usable = (some: typeof all) => (some.some(isReady) ? some.filter(isReady) : some.filter(isLeaving));
    if (usable(all).length === 0) return [{ kind: "rejected" }];

    // From pods and from the node, an outside address leads to any node's backends, whatever the policy.
    const goesAnywhere = internal
      ? spec.internalTrafficPolicy !== "Local"
      : spec.externalTrafficPolicy !== "Local" || isPod || saddr === nodeIP;
    let backends = usable(goesAnywhere ? all : all.filter(({ nodeName }) => nodeName === here.node));
    const zoned = (one: (typeof all)[number]) => one.hints?.forZones?.some(({ name }) => name === here.zone) === true;
    const allHinted = backends.every((one) => (one.hints?.forZones?.length ?? 0) > 0);
    if (goesAnywhere && all.some(isReady) && allHinted && backends.some(zoned)) backends = backends.filter(zoned);
    if (backends.length === 0) return [{ kind: "dropped" }];

    const hidden = internal ? !isPod : spec.externalTrafficPolicy !== "Local" || saddr === nodeIP;
    return backends.map(({ addresses }) => {
      const address = addresses[0] as string;
      return { kind: "delivered", address, port: 8080, masqueraded: hidden || address === saddr };
    });
  }
  // The wrong port of an address that is in use; an address of the range that nobody has.
  if (services.some(({ spec }) => spec?.clusterIP === daddr)) return [{ kind: "rejected" }];
  if (inBlock(daddr, network.serviceCIDR)) return [{ kind: "dropped" }];
  return [{ kind: "delivered", address: daddr, port: dport, masqueraded: false }];
}

const rulesOf = ({ services, slices }: World) => serviceRules(servicePorts(services, slices, here), network);
const sorted = (fates: readonly Fate[]) => fates.map((fate) => JSON.stringify(fate)).sort();

test("the rules send every packet where the documentation of Services says, after any history of changes", () => {
  fc.assert(
    fc.property(
      fc.array(worlds, { minLength: 1, maxLength: 3 }),
      fc.array(packets, { minLength: 10 }),
      (history, sent) => {
        const machine = new NftMachine([nodeIP]);
        const [first, ...later] = history.map(rulesOf);
        const { table } = frame(network);
        let before = first as ReturnType<typeof rulesOf>;
        machine.load(freshTable(frame(network)));
        machine.load(change(table, { chains: new Map(), sets: new Map(), elements: new Map() }, before));
        for (const next of later) {
          machine.load(change(table, before, next));
          before = next;
        }
        const world = history.at(-1) as World;
        for (const packet of sent) {
          expect(sorted(machine.fates(packet)), JSON.stringify(packet)).toEqual(sorted(expected(world, packet)));
        }
      },
    ),
    { numRuns: 300 },
  );
});

test("a client keeps its backend for the time of the session affinity, counted from its last connection", () => {
  const affinity = { sessionAffinity: "ClientIP", sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } };
  const sticky = service({ ...affinity, clusterIP: "10.96.0.1", ports: [{ name: "http", port: 80 }] });
  const endpoints = podAddresses.map((address) => ({ address, node: "n1" }));
  const machine = new NftMachine([nodeIP]);
  const { table } = frame(network);
  const rules = rulesOf({ services: [sticky], slices: [slice(endpoints)] });
  machine.load(
    freshTable(frame(network)) + change(table, { chains: new Map(), sets: new Map(), elements: new Map() }, rules),
  );
  const packet: Packet = { saddr: "10.244.9.9", daddr: "10.96.0.1", protocol: "tcp", dport: 80 };
  expect(new Set(sorted(machine.fates(packet))).size).toBe(4);

  const chosen = machine.send(packet, () => 2);
  for (const seconds of [30, 59, 59]) {
    machine.nowMs += seconds * 1000;
    expect(machine.fates(packet)).toEqual([chosen]);
    expect(machine.send(packet, () => 0)).toEqual(chosen);
  }
  machine.nowMs += 61_000;
  expect(machine.fates(packet)).toHaveLength(4);

  machine.send(packet, () => 2);
  const without = rulesOf({ services: [sticky], slices: [slice(endpoints.filter((_, i) => i !== 2))] });
  machine.load(change(table, rules, without));
  expect(machine.fates(packet), "the backend that is gone is not waited for").toHaveLength(3);
});
