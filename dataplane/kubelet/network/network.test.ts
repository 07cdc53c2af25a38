import { readdirSync, readFileSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import type { Node } from "../../../controlplane/api/mod.ts";
import { wantedRoutes } from "../node/routes.ts";
import { run, runAny } from "../runtime/embedded/spawn.ts";
import {
  createClusterNetwork,
  createNodeNetwork,
  destroyClusterNetwork,
  destroyNodeNetwork,
} from "./cluster-network.ts";
import { hostPortScript } from "./host-port-table.ts";
import { exists, nodeNamespace, underlayNamespace, underlayPort } from "./namespace.ts";

const clusters = [`n${process.pid}`, `n${process.pid}-b`] as const;

afterEach(async () => {
  for (const cluster of clusters) await destroyClusterNetwork(cluster);
});

const inside = (namespace: string, ...argv: string[]) =>
  run(["nsenter", `--net=${namespace}`, "--", ...argv]).then(String);
const hostLinks = () => readdirSync("/sys/class/net").sort();

test("nodes of a cluster reach each other, those of two clusters with equal addresses do not meet", async () => {
  const links = hostLinks();
  for (const cluster of clusters) {
    await createClusterNetwork(cluster);
    for (const [index, node] of ["one", "two"].entries()) {
      for (let i = 0; i < 2; i++) await createNodeNetwork({ cluster, node, nodeIP: `172.30.0.${11 + index}` });
    }
  }
  const [first, second] = clusters.map((cluster) => nodeNamespace(cluster, "one")) as [string, string];
  expect(await inside(first, "cat", "/proc/sys/net/ipv4/ip_forward")).toBe("1\n");
  expect(await inside(first, "ip", "-4", "-o", "address", "show", "eth0")).toContain("172.30.0.11/16");
  // A listener on node two of the first cluster is heard by node one of that cluster alone.
  const listen = run([
    "nsenter",
    `--net=${nodeNamespace(clusters[0], "two")}`,
    "--",
    process.execPath,
    "-e",
    'require("net").createServer((s)=>{s.end("here");process.exitCode=0;setTimeout(()=>process.exit(),50)}).listen(9000)',
  ]);
  const ask =
    'const s=require("net").connect(9000,"172.30.0.12");s.on("data",(d)=>console.log(String(d)));s.on("error",()=>process.exit(1))';
  expect((await runAny(["nsenter", `--net=${second}`, "--", process.execPath, "-e", ask])).exitCode).toBe(1);
  for (let answer = ""; answer !== "here\n"; )
    answer = (await runAny(["nsenter", `--net=${first}`, "--", process.execPath, "-e", ask])).stdout.toString();
  await listen;
  // The host's own namespace has never seen any of it.
  expect(hostLinks()).toEqual(links);
  for (const cluster of clusters) for (let i = 0; i < 2; i++) await destroyClusterNetwork(cluster);
  expect(clusters.some((cluster) => exists(underlayNamespace(cluster)) || exists(nodeNamespace(cluster, "one")))).toBe(
    false,
  );
  expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(`flotilla-${clusters[0]}`);
});

test("one node goes without the others noticing", async () => {
  const [cluster] = clusters;
  await createClusterNetwork(cluster);
  for (const [index, node] of ["one", "two"].entries())
    await createNodeNetwork({ cluster, node, nodeIP: `172.30.0.${11 + index}` });
  for (let i = 0; i < 2; i++) await destroyNodeNetwork({ cluster, node: "one" });
  const ports = await inside(underlayNamespace(cluster), "ip", "-o", "link");
  expect(ports).not.toContain(underlayPort("one"));
  expect(ports).toContain(underlayPort("two"));
  await createNodeNetwork({ cluster, node: "one", nodeIP: "172.30.0.11" });
  expect(await inside(nodeNamespace(cluster, "one"), "ip", "-4", "-o", "address", "show", "eth0")).toContain(
    "172.30.0.11/16",
  );
});

test("names fit the kernel and cannot be mistaken", () => {
  expect(underlayPort("a-node-with-quite-a-long-name.example.com").length).toBeLessThanOrEqual(15);
  expect(nodeNamespace("a", "b-c")).not.toBe(nodeNamespace("a-b", "c"));
  expect(nodeNamespace("a", "b")).not.toBe(underlayNamespace("a-b"));
});

test("routes lead to the pods of the others, through their addresses", () => {
  const node = (name: string, podCIDR: string, address?: string): Node => ({
    metadata: { name },
    spec: { podCIDR },
    status: { addresses: address === undefined ? [] : [{ type: "InternalIP", address }] },
  });
  const nodes = [
    node("me", "10.244.1.0/24", "172.30.0.11"),
    node("you", "10.244.2.0/24", "172.30.0.12"),
    node("new", ""),
    node("silent", "10.244.3.0/24"),
  ];
  expect([...wantedRoutes(nodes, "me")]).toEqual([["10.244.2.0/24", "172.30.0.12"]]);
});

test("ports of the node lead to pods, and the kernel takes the rules as they are written", async () => {
  await createClusterNetwork(clusters[0]);
  const { namespace } = await createNodeNetwork({ cluster: clusters[0], node: "one", nodeIP: "172.30.0.11" });
  const apply = (script: string) => run(["nsenter", `--net=${namespace}`, "--", "nft", "-f", "-"], script);
  const ports = [
    { protocol: "TCP", hostIP: "", hostPort: 8080, containerPort: 80 },
    { protocol: "UDP", hostIP: "127.0.0.1", hostPort: 5353, containerPort: 53 },
  ] as const;
  // Applied twice, it is there once.
  for (let i = 0; i < 2; i++) await apply(hostPortScript([{ podIP: "10.244.0.2", ports }]));
  const rules = await inside(namespace, "nft", "list", "table", "ip", "flotilla-hostports");
  expect(rules.match(/tcp dport 8080 dnat to 10.244.0.2:80/g)).toHaveLength(1);
  expect(rules).toContain("ip daddr 127.0.0.1 udp dport 5353 dnat to 10.244.0.2:53");
  await apply(hostPortScript([]));
  expect(await inside(namespace, "nft", "list", "ruleset")).not.toContain("flotilla-hostports");
});
