import { afterEach, beforeEach, expect, test } from "vitest";
import type { Namespace, NetworkPolicy, Pod } from "../../controlplane/api/mod.ts";
import { FakeApiServer } from "../../controlplane/client/fake.testing.ts";
import { type Client, systemClock } from "../../controlplane/client/mod.ts";
import { emptyContent, type TableContent } from "../nftables/mod.ts";
import { enforcePolicies } from "./enforcer.ts";
import type { RunningPolicies } from "./start.ts";

let server: FakeApiServer;
let client: Client;
let enforcer: RunningPolicies;

/** What the kernel would hold, and who waits for it to hold something. */
const table = {
  content: emptyContent,
  fails: 0,
  waiting: new Set<() => void>(),
  async sync(wanted: TableContent): Promise<void> {
    if (this.fails-- > 0) throw new Error("nft: no");
    this.content = wanted;
    for (const look of this.waiting) look();
  },
  /** Resolves once the addresses in a map or set are these. */
  holds(holder: RegExp, ...addresses: string[]): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        const found = [...this.content.elements].find(([name]) => holder.test(name))?.[1] ?? new Map();
        if (JSON.stringify([...found.keys()].sort()) !== JSON.stringify(addresses)) return;
        this.waiting.delete(look);
        resolve();
      };
      this.waiting.add(look);
      look();
    });
  },
};

const pod = (name: string, podIP: string | undefined, labels: Record<string, string> = {}, nodeName = "n1"): Pod =>
  ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { namespace: "shop", name, labels },
    spec: { nodeName, containers: [{ name: "c", image: "i" }] },
    status: { podIP, phase: "Running" },
  }) as Pod;
const fromClients: NetworkPolicy = {
  apiVersion: "networking.k8s.io/v1",
  kind: "NetworkPolicy",
  metadata: { namespace: "shop", name: "clients" },
  spec: {
    podSelector: { matchLabels: { app: "web" } },
    policyTypes: ["Ingress"],
    ingress: [{ from: [{ podSelector: { matchLabels: { role: "client" } } }] }],
  },
};

beforeEach(async () => {
  server = new FakeApiServer(systemClock);
  client = server.client();
  table.content = emptyContent;
  table.fails = 0;
  await client.namespaces.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } } as Namespace);
  enforcer = enforcePolicies({ client, log: () => undefined, nodeName: "n1" }, table);
});
afterEach(() => enforcer.stop());

test("without a policy, nobody else's pods are followed; with the first one they are", async () => {
  await client.pods.create(pod("web", "10.244.1.2", { app: "web" }));
  await enforcer.synced;
  expect(server.requests.filter((request) => request.includes("/pods?"))).toEqual([]);
  await client.networkPolicies.create(fromClients);
  await table.holds(/^ingress-pods/, "10.244.1.2");
});

test("rules follow pods as they come, change their labels and go", async () => {
  await client.networkPolicies.create(fromClients);
  await client.pods.create(pod("web", "10.244.1.2", { app: "web" }));
  const far = await client.pods.create(pod("far", "10.244.2.2", { role: "stranger" }, "n2"));
  await table.holds(/^ingress-pods/, "10.244.1.2");
  await client.pods.update({ ...far, metadata: { ...far.metadata, labels: { role: "client" } } });
  await table.holds(/^peers/, "10.244.2.2");
  await client.pods.delete("shop", "far", { gracePeriodSeconds: 0 });
  await table.holds(/^peers/);
  await client.networkPolicies.delete("shop", "clients");
  await table.holds(/^ingress-pods/);
});

test("a pod is isolated at its address before the API server knows of it", async () => {
  await client.networkPolicies.create(fromClients);
  await client.pods.create(pod("first", "10.244.1.2", { app: "web" }));
  await table.holds(/^ingress-pods/, "10.244.1.2");
  const second = await client.pods.create(pod("second", undefined, { app: "web" }));
  await enforcer.isolate(second, "10.244.1.7");
  expect([...(table.content.elements.get("ingress-pods")?.keys() ?? [])].sort()).toEqual(["10.244.1.2", "10.244.1.7"]);
});

test("what the kernel did not take is written again", async () => {
  await enforcer.synced;
  table.fails = 1;
  await client.networkPolicies.create(fromClients);
  await client.pods.create(pod("web", "10.244.1.2", { app: "web" }));
  await table.holds(/^ingress-pods/, "10.244.1.2");
});
