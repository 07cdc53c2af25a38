import type { Answer, Question } from "dns-packet";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { EndpointSlice, Namespace, Service } from "../../controlplane/api/mod.ts";
import { Store } from "../../controlplane/client/mod.ts";
import { type Authority, answer, type Reply, rcodes } from "./answer.ts";
import { addIndexes, type World, worldOf } from "./world.ts";

const zone = "cluster.local";
const authority: Authority = {
  zone,
  serverAddress: "10.96.0.10",
  isServiceAddress: (address) => address.startsWith("10.96."),
};

interface Objects {
  readonly namespaces: readonly string[];
  readonly services: readonly Service[];
  readonly slices: readonly EndpointSlice[];
}

function known({ namespaces, services, slices }: Objects): World {
  const stores = [new Store<Namespace>(), new Store<Service>(), new Store<EndpointSlice>()] as const;
  addIndexes(stores[1], stores[2]);
  for (const name of namespaces) stores[0].set({ metadata: { name } } as Namespace);
  for (const service of services) stores[1].set(service);
  for (const slice of slices) stores[2].set(slice);
  return worldOf(...stores);
}

function service(name: string, spec: object, namespace = "shop"): Service {
  return { metadata: { name, namespace }, spec } as Service;
}

function slice(
  of: string,
  endpoints: readonly object[],
  ports: readonly object[] = [],
  more: object = {},
): EndpointSlice {
  const metadata = { name: `${of}-1`, namespace: "shop", labels: { "kubernetes.io/service-name": of }, ...more };
  return { addressType: "IPv4", metadata, endpoints, ports } as unknown as EndpointSlice;
}

/** `type data`, one for each answer; the code where there is none. */
function says(reply: Reply | undefined): string[] | string {
  if (reply === undefined) return "others";
  const codes = Object.entries(rcodes);
  if (reply.answers.length === 0) return codes.find(([, code]) => code === reply.rcode)?.[0] ?? String(reply.rcode);
  return reply.answers.map(shown).sort();
}

function shown(record: Answer): string {
  if (record.type === "SRV") return `SRV ${record.data.port} ${record.data.target}`;
  if (record.type === "SOA") return "SOA";
  return "data" in record ? `${record.type} ${String(record.data)}` : record.type;
}

const ask = (world: World, name: string, type: string = "A") =>
  says(answer(world, authority, { name, type, class: "IN" } as Question));

describe("names", () => {
  const http = { name: "http", port: 80, protocol: "TCP" };
  const world = known({
    namespaces: ["shop"],
    services: [
      service("web", { clusterIP: "10.96.0.50", ports: [http, { port: 81, protocol: "TCP" }] }),
      service("db", { clusterIP: "None" }),
      service("empty", { clusterIP: "None" }),
      service("early", { clusterIP: "None", publishNotReadyAddresses: true }),
      service("six", { clusterIP: "fd00::5", clusterIPs: ["fd00::5", "10.96.0.51"] }),
    ],
    slices: [
      slice(
        "db",
        [
          { addresses: ["10.244.0.1"], hostname: "db-0", conditions: { ready: true } },
          { addresses: ["10.244.0.2"], conditions: {} },
          { addresses: ["10.244.0.3"], hostname: "db-2", conditions: { ready: false } },
        ],
        [{ name: "sql", port: 5432, protocol: "TCP" }],
      ),
      slice("early", [{ addresses: ["10.244.0.9"], hostname: "one", conditions: { ready: false } }]),
    ],
  });
  const at = (name: string, type?: string) => ask(world, `${name}.${zone}`, type);

  test.each([
    ["the address of a Service", "web.shop.svc", "A", ["A 10.96.0.50"]],
    ["both families of one", "six.shop.svc", "AAAA", ["AAAA fd00::5"]],
    ["a named port of a Service", "_http._tcp.web.shop.svc", "SRV", ["SRV 80 web.shop.svc.cluster.local"]],
    ["the protocol above it, which has no records", "_tcp.web.shop.svc", "SRV", "noError"],
    ["a protocol it does not have", "_http._udp.web.shop.svc", "SRV", "nameError"],
    ["the ready endpoints of a headless Service", "db.shop.svc", "A", ["A 10.244.0.1", "A 10.244.0.2"]],
    ["one of them by its host name", "db-0.db.shop.svc", "A", ["A 10.244.0.1"]],
    ["one without, by its address", "10-244-0-2.db.shop.svc", "A", ["A 10.244.0.2"]],
    ["one that is not ready", "db-2.db.shop.svc", "A", "nameError"],
    ["one that is published all the same", "one.early.shop.svc", "A", ["A 10.244.0.9"]],
    [
      "the ports of endpoints",
      "_sql._tcp.db.shop.svc",
      "SRV",
      ["SRV 5432 10-244-0-2.db.shop.svc.cluster.local", "SRV 5432 db-0.db.shop.svc.cluster.local"],
    ],
    ["a headless Service without endpoints", "empty.shop.svc", "A", "nameError"],
    ["another type at a name that is there", "web.shop.svc", "TXT", "noError"],
    ["a namespace", "shop.svc", "A", "noError"],
    ["no namespace", "shed.svc", "A", "nameError"],
    ["a pod", "10-244-7-7.shop.pod", "A", ["A 10.244.7.7"]],
    ["a pod of no namespace", "10-244-7-7.shed.pod", "A", "nameError"],
    ["no pod", "web.shop.pod", "A", "nameError"],
    ["the version of the specification", "dns-version", "TXT", ["TXT 1.1.0"]],
    ["the name server", "ns.dns", "A", ["A 10.96.0.10"]],
  ])("of %s: %s %s", (_what, name, type, wanted) => {
    expect(at(name, type)).toEqual(wanted);
  });

  test("of addresses: a Service's, an endpoint's, nobody's, and those that are others' to know", () => {
    expect(ask(world, "50.0.96.10.in-addr.arpa", "PTR")).toEqual(["PTR web.shop.svc.cluster.local"]);
    expect(ask(world, "1.0.244.10.in-addr.arpa", "PTR")).toEqual(["PTR db-0.db.shop.svc.cluster.local"]);
    expect(ask(world, "2.0.244.10.in-addr.arpa", "PTR")).toEqual(["PTR 10-244-0-2.db.shop.svc.cluster.local"]);
    expect(ask(world, "3.0.244.10.in-addr.arpa", "PTR")).toBe("others");
    expect(ask(world, "99.0.96.10.in-addr.arpa", "PTR")).toBe("nameError");
    expect(ask(world, "8.8.8.8.in-addr.arpa", "PTR")).toBe("others");
  });

  test("that locate a Service bring its addresses along", () => {
    const reply = answer(world, authority, { name: `_sql._tcp.db.shop.svc.${zone}`, type: "SRV", class: "IN" });
    expect(reply?.additionals.map(shown).sort()).toEqual(["A 10.244.0.1", "A 10.244.0.2"]);
  });

  test("that do not exist are denied with the zone's authority, and so is what a name does not have", () => {
    for (const name of [`nobody.shop.svc.${zone}`, `shop.svc.${zone}`]) {
      const reply = answer(world, authority, { name, type: "A", class: "IN" });
      expect(reply?.authorities).toMatchObject([{ type: "SOA", name: zone }]);
    }
  });
});

// The whole zone of random objects, written down as the specification lists it, against what is answered name by name.

const namespaces = ["shop", "lab"];
const hosts = ["10.244.0.1", "10.244.0.2", "10.244.1.1"];
const protocols = ["TCP", "UDP"];
const portNames = ["http", "sql", ""];

const endpoint = fc.record({
  address: fc.constantFrom(...hosts),
  hostname: fc.constantFrom(undefined, "one", "Two"),
  ready: fc.constantFrom(true, true, false, undefined),
});
const ports = fc.uniqueArray(
  fc.record({ name: fc.constantFrom(...portNames), protocol: fc.constantFrom(...protocols) }),
  {
    maxLength: 2,
    selector: ({ name }) => name,
  },
);

const anyService = fc
  .record({
    name: fc.constantFrom("web", "db", "alias"),
    namespace: fc.constantFrom(...namespaces),
    kind: fc.constantFrom("ip", "headless", "external"),
    number: fc.integer({ min: 1, max: 3 }),
    publishNotReadyAddresses: fc.boolean(),
    target: fc.constantFrom(
      "other.example",
      `web.shop.svc.${zone}`,
      `alias.shop.svc.${zone}`,
      `db.lab.svc.${zone}`,
      `no.svc.${zone}`,
    ),
    ports,
    endpoints: fc.array(fc.array(endpoint, { maxLength: 2 }), { maxLength: 2 }),
  })
  .map(({ name, namespace, kind, number, target, ports, endpoints, publishNotReadyAddresses }) => {
    const numbered = ports.map((port, i) => ({ ...port, port: 80 + i }));
    const clusterIP = kind === "headless" ? "None" : `10.96.0.${number}`;
    const spec =
      kind === "external"
        ? { type: "ExternalName", externalName: target }
        : { clusterIP, ports: numbered, publishNotReadyAddresses };
    const slices = endpoints.map((some, i) =>
      slice(
        name,
        some.map(({ address, hostname, ready }) => ({ addresses: [address], hostname, conditions: { ready } })),
        numbered,
        { name: `${name}-${i}`, namespace },
      ),
    );
    return { service: service(name, spec, namespace), slices };
  });

const objects: fc.Arbitrary<Objects> = fc
  .record({
    present: fc.subarray(namespaces),
    parts: fc.uniqueArray(anyService, {
      maxLength: 4,
      selector: ({ service: { metadata } }) => `${metadata.namespace}/${metadata.name}`,
    }),
  })
  .map(({ present, parts }) => ({
    namespaces: present,
    services: parts.map((part) => part.service).filter(({ metadata }) => present.includes(metadata.namespace ?? "")),
    slices: parts.flatMap((part) => part.slices),
  }));

type Zone = Map<string, Set<string>>;

/** Every name of the zone with its records, `type data`. */
function listed({ namespaces, services, slices }: Objects): Zone {
  const names: Zone = new Map();
  const add = (name: string, ...records: string[]) => {
    const found = names.get(name) ?? new Set();
    for (const record of records) found.add(record);
    names.set(name, found);
    const above = name.slice(name.indexOf(".") + 1);
    if (name.endsWith(`.${zone}`) && !names.has(above)) add(above);
  };
  add(zone, "SOA", `NS ns.dns.${zone}`);
  add(`ns.dns.${zone}`, "A 10.96.0.10");
  add(`dns-version.${zone}`, "TXT 1.1.0");
  for (const branch of ["svc", "pod"]) {
    add(`${branch}.${zone}`);
    for (const namespace of namespaces) add(`${namespace}.${branch}.${zone}`);
  }
  const reversed = (address: string) => `${address.split(".").reverse().join(".")}.in-addr.arpa`;
  const ofServices = new Set(services.flatMap(({ spec }) => (spec?.type === "ExternalName" ? [] : [spec?.clusterIP])));
  for (const { metadata, spec } of services) {
    const name = `${metadata.name}.${metadata.namespace}.svc.${zone}`;
    if (spec?.type === "ExternalName") {
      add(name, `CNAME ${spec.externalName}`);
      continue;
    }
    const located = (port: { name?: string; protocol?: string; port?: number }, target: string) => {
      if (port.name) add(`_${port.name}._${port.protocol?.toLowerCase()}.${name}`, `SRV ${port.port} ${target}`);
    };
    if (spec?.clusterIP !== "None") {
      add(name, `A ${spec?.clusterIP}`);
      add(reversed(spec?.clusterIP ?? ""), `PTR ${name}`);
      for (const port of spec?.ports ?? []) located(port, name);
      continue;
    }
    const own = slices.filter(
      (one) =>
        one.metadata.namespace === metadata.namespace &&
        one.metadata.labels?.["kubernetes.io/service-name"] === metadata.name,
    );
    for (const { endpoints = [], ports = [] } of own) {
      for (const { addresses, hostname, conditions } of endpoints) {
        if (conditions?.ready === false && !spec.publishNotReadyAddresses) continue;
        const [address = ""] = addresses;
        const host = `${(hostname ?? address.replaceAll(".", "-")).toLowerCase()}.${name}`;
        add(name, `A ${address}`);
        add(host, `A ${address}`);
        if (!ofServices.has(address)) add(reversed(address), `PTR ${host}`);
        for (const port of ports) located(port, host);
      }
    }
  }
  return names;
}

/** What the zone says: the records, or the code; `undefined` for what others know. */
function expected(names: Zone, question: string, type: string): string[] | string {
  const answers: string[] = [];
  let name = question.toLowerCase();
  for (let hop = 0; hop < 8; hop++) {
    if (name.endsWith("in-addr.arpa") && !names.has(name)) return name.includes(".96.10.") ? "nameError" : "others";
    const spelled = /^(\d+)-(\d+)-(\d+)-(\d+)\.([a-z]+\.pod\.cluster\.local)$/.exec(name);
    const pod =
      spelled !== null && names.has(spelled[5] as string) ? new Set([`A ${spelled.slice(1, 5).join(".")}`]) : undefined;
    const records = names.get(name) ?? pod;
    const wanted = [...(records ?? [])].filter((record) => record.split(" ")[0] === type);
    if (wanted.length > 0) return [...answers, ...wanted].sort();
    const alias = [...(records ?? [])].find((record) => record.startsWith("CNAME "));
    if (alias === undefined)
      return answers.length > 0 ? answers.sort() : records === undefined ? "nameError" : "noError";
    answers.push(alias);
    name = alias.slice(6);
    if (!name.endsWith(zone)) return answers.sort();
  }
  return "serverFailure";
}

const someNames = [...namespaces, "nobody"].flatMap((namespace) =>
  ["web", "db", "alias", "no"].flatMap((name) => {
    const whole = `${name}.${namespace}.svc.${zone}`;
    const below = ["one", "two", "10-244-0-1", "_http._tcp", "_sql._udp", "_tcp", "_udp", "a.b", "a.b.c"];
    return [
      whole,
      ...below.map((label) => `${label}.${whole}`),
      `${namespace}.svc.${zone}`,
      `10-244-0-1.${namespace}.pod.${zone}`,
    ];
  }),
);
const otherNames = [
  ...["", "svc.", "pod.", "dns.", "ns.dns.", "a.ns.dns.", "dns-version.", "x."].map((prefix) => `${prefix}${zone}`),
  ...["1.0.96.10", "2.0.96.10", "9.0.96.10", "1.0.244.10", "1.1.244.10", "7.0.244.10"].map(
    (it) => `${it}.in-addr.arpa`,
  ),
];
const questions = fc.record({
  name: fc.oneof(fc.constantFrom(...someNames), fc.constantFrom(...otherNames)),
  type: fc.constantFrom("A", "A", "AAAA", "SRV", "PTR", "TXT", "CNAME", "NS", "SOA"),
  loud: fc.boolean(),
});

test("every answer is what the specification's list of the zone holds", () => {
  fc.assert(
    fc.property(objects, fc.array(questions, { minLength: 20 }), (world, asked) => {
      const [names, store] = [listed(world), known(world)];
      for (const { name, type, loud } of asked) {
        const spelled = loud ? name.toUpperCase() : name;
        expect(ask(store, spelled, type), `${spelled} ${type}`).toEqual(expected(names, name, type));
      }
    }),
    { numRuns: 300 },
  );
});
