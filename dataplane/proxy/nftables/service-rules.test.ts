import { describe, expect, test } from "vitest";
import { change, emptyContent, freshTable, run } from "../../nftables/mod.ts";
import { servicePorts } from "../service-ports.ts";
import { service, slice } from "../world.testing.ts";
import { frame } from "./frame.ts";
import { rememberedClients } from "./remembered-clients.ts";
import { serviceRules } from "./service-rules.ts";

const network = { clusterCIDR: "10.244.0.0/16", nodeIP: "172.30.0.11", serviceCIDR: "10.96.0.0/16" };
const http = { name: "http", port: 80 };
const two = [
  { address: "10.244.1.2", node: "n1" },
  { address: "10.244.2.2", node: "n2" },
];

const rules = (spec: object, endpoints: Parameters<typeof slice>[0], status?: object) =>
  serviceRules(
    servicePorts([service({ clusterIP: "10.96.0.5", ports: [http], ...spec }, "web", status)], [slice(endpoints)], {
      node: "n1",
    }),
    network,
  );

/** The script for a table that has its frame and nothing else, without the hashes of names. */
const trace = (content: ReturnType<typeof rules>) =>
  change(frame(network).table, emptyContent, content)
    .replace(/^add chain.*\n/gm, "")
    .replace(/^add element ip kube-proxy (cluster|nodeport)-ips .*\n/gm, "")
    .replaceAll("ip kube-proxy ", "")
    .replace(/[A-Z2-7]{8}-default/g, "default");

const balanced = {
  type: "LoadBalancer",
  ports: [{ ...http, nodePort: 30_080 }],
  externalTrafficPolicy: "Local",
  loadBalancerSourceRanges: ["203.0.113.0/24", "172.30.0.0/16"],
};
const atBalancer = { loadBalancer: { ingress: [{ ip: "172.30.200.1" }] } };

describe("the rules of a Service", () => {
  test("of type ClusterIP", () => {
    expect(trace(rules({}, two))).toBe(
      `add rule endpoint-default/web/tcp/http__10.244.1.2/8080 ip saddr 10.244.1.2 meta mark set meta mark or 0x4000
add rule endpoint-default/web/tcp/http__10.244.1.2/8080 meta l4proto tcp dnat to 10.244.1.2:8080
add rule endpoint-default/web/tcp/http__10.244.2.2/8080 ip saddr 10.244.2.2 meta mark set meta mark or 0x4000
add rule endpoint-default/web/tcp/http__10.244.2.2/8080 meta l4proto tcp dnat to 10.244.2.2:8080
add rule service-default/web/tcp/http ip daddr 10.96.0.5 ip saddr != 10.244.0.0/16 meta mark set meta mark or 0x4000
add rule service-default/web/tcp/http numgen random mod 2 vmap { 0 : goto endpoint-default/web/tcp/http__10.244.1.2/8080, 1 : goto endpoint-default/web/tcp/http__10.244.2.2/8080 }
add element service-ips { 10.96.0.5 . tcp . 80 : goto service-default/web/tcp/http }
`,
    );
  });

  test("without endpoints refuse; without endpoints on this node, under the Local policy, are silent", () => {
    expect(trace(rules({}, []))).toBe(
      "add element no-endpoint-services { 10.96.0.5 . tcp . 80 : goto reject-chain }\n",
    );
    expect(trace(rules({ internalTrafficPolicy: "Local" }, two.slice(1)))).toBe(
      "add element no-endpoint-services { 10.96.0.5 . tcp . 80 : drop }\n",
    );
  });

  test("of type LoadBalancer with policy Local: who may come, and who keeps his address", () => {
    const lines = trace(rules(balanced, two, atBalancer)).split("\n");
    const chain = (name: string) => lines.filter((line) => line.startsWith(`add rule ${name}-`));
    expect(chain("firewall").map((line) => line.split(" ").slice(3).join(" "))).toEqual([
      "ip saddr 203.0.113.0/24 return",
      "ip saddr 172.30.0.0/16 return",
      "drop",
    ]);
    expect(chain("external").map((line) => line.split(" ").slice(3).join(" "))).toEqual([
      "ip saddr 10.244.0.0/16 goto service-default/web/tcp/http",
      "fib saddr type local meta mark set meta mark or 0x4000",
      "fib saddr type local goto service-default/web/tcp/http",
      "goto local-default/web/tcp/http",
    ]);
    expect(lines.filter((line) => line.startsWith("add element"))).toEqual([
      "add element service-ips { 10.96.0.5 . tcp . 80 : goto service-default/web/tcp/http, 172.30.200.1 . tcp . 80 : goto external-default/web/tcp/http }",
      "add element service-nodeports { tcp . 30080 : goto external-default/web/tcp/http }",
      "add element firewall-ips { 172.30.200.1 . tcp . 80 : goto firewall-default/web/tcp/http }",
    ]);
  });

  test("with session affinity have a set of clients for every backend, which another time replaces", () => {
    const affinity = (timeoutSeconds: number) =>
      rules({ sessionAffinity: "ClientIP", sessionAffinityConfig: { clientIP: { timeoutSeconds } } }, two.slice(1));
    const script = change("t", affinity(10), affinity(20));
    expect(script).toMatch(/add set t affinity-20s-\S+ \{ type ipv4_addr; flags dynamic,timeout; timeout 20s; \}/);
    expect(script).toMatch(/delete set t affinity-10s-/);
  });

  test("that did not change are not touched", () => {
    expect(change("t", rules(balanced, two, atBalancer), rules(balanced, two, atBalancer))).toBe("");
    const script = change("t", rules({}, two), rules({}, two.slice(1)));
    expect(script).not.toContain("element t service-ips");
  });
});

describe("the kernel", () => {
  const inNamespace = (script: string) =>
    run("unshare", ["--net", "--", "/bin/sh", "-ec", "nft -f -; nft list ruleset"], script);

  test("takes the rules as they are written, changed and removed", async () => {
    const { table } = frame(network);
    const sticky = { ...balanced, sessionAffinity: "ClientIP", externalIPs: ["192.0.2.1"] };
    const full = rules(sticky, two, atBalancer);
    const script = freshTable(frame(network)) + change(table, emptyContent, full);
    const listed = await inNamespace(script);
    for (const words of ["dnat to 10.244.2.2:8080", "192.0.2.1 . tcp . 80 : goto external-", "masquerade fully-random"])
      expect(listed).toContain(words);
    const emptied = await inNamespace(script + change(table, full, rules({}, [])));
    expect(emptied).toContain("10.96.0.5 . tcp . 80 : goto reject-chain");
    expect(emptied).not.toContain("dnat to");
    expect(await inNamespace(`${script}delete table ${table}\n`)).toBe("");
  });

  test("goes on with clients' session affinity when the table is written anew, for the time they had left", async () => {
    const { table } = frame(network);
    const sticky = rules({ sessionAffinity: "ClientIP" }, two);
    const script = freshTable(frame(network)) + change(table, emptyContent, sticky);
    const [set] = sticky.sets.keys();
    const known = `${script}add element ${table} ${set} { 10.244.9.9 expires 60s }\n`;
    const listing = await run(
      "unshare",
      ["--net", "--", "/bin/sh", "-ec", `nft -f -; nft -j list sets table ${table}`],
      known,
    );
    const kept = rememberedClients(listing, table, sticky);
    expect(kept).toMatch(/^add element ip kube-proxy affinity-10800s-\S+ \{ 10\.244\.9\.9 expires (59|60)s \}\n$/);
    expect(await inNamespace(known + script + kept)).toMatch(/elements = \{ 10\.244\.9\.9 expires/);
    expect(rememberedClients(listing, table, rules({}, two)), "without affinity now").toBe("");
  });
});
