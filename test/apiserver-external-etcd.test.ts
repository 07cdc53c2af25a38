// The API server on a store that is not ours: Debian's etcd 3.4, which has no reliable progress notifications.
import { spawn } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { etcdctl } from "./store-cluster.ts";
import { type ApiServerProcess, ApiServers } from "./support/api-servers.ts";
import { eventually } from "./support/eventually.ts";

let all: ApiServers;
let server: ApiServerProcess;
const maps = "/api/v1/namespaces/default/configmaps";

beforeAll(async () => {
  all = await ApiServers.open("etcd", 1);
  server = await all.serve();
});
afterAll(() => all?.remove());

const etcd = async (...args: string[]) => {
  const { code, stdout, stderr } = await etcdctl(all.store.endpoints, args);
  expect(code, stderr).toBe(0);
  return stdout;
};

interface List {
  readonly metadata: {
    readonly resourceVersion: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
  readonly items: readonly { readonly metadata: { readonly name: string } }[];
}
const list = async (query: string) => JSON.parse((await server.http("GET", `${maps}?${query}`)).text) as List;
const names = ({ items }: List) => items.map(({ metadata }) => metadata.name);

test("objects are created, changed, found and deleted, and lie where Kubernetes puts them", async () => {
  expect(await etcd("version")).toContain("3.4");
  await server.kubectl("create", "configmap", "conf", "--from-literal=a=1");
  await server.kubectl("patch", "configmap", "conf", "-p", '{"data":{"b":"2"}}');
  await server.kubectl("label", "configmap", "conf", "tier=x");
  expect(await server.kubectl("get", "cm", "-l", "tier=x", "-o", "jsonpath={.items[0].data}")).toBe(
    '{"a":"1","b":"2"}',
  );
  const keys = await etcd("get", "/registry/configmaps/default/", "--prefix", "--keys-only");
  expect(keys).toContain("/registry/configmaps/default/conf");
  await server.kubectl("delete", "configmap", "conf");
  expect((await server.http("GET", `${maps}/conf`)).code).toBe(404);
});

test("a list shows what was just written, and a watch tells of it", async () => {
  const child = spawn("kubectl", ["--kubeconfig", server.kubeconfig, "get", "cm", "-w", "--output-watch-events"]);
  let seen = "";
  child.stdout.on("data", (text) => {
    seen += String(text);
  });
  for (let at = 0; at < 5; at++) {
    expect((await server.http("POST", maps, { metadata: { name: `w${at}` } })).code).toBe(201);
    expect(names(await list(""))).toContain(`w${at}`);
  }
  await eventually("all five are told", () => [0, 1, 2, 3, 4].every((at) => seen.includes(`w${at}`)));
  await server.kubectl("delete", "configmap", "w3");
  await eventually("the deletion is told", () => /DELETED +w3/.test(seen));
  child.kill();
});

describe("pages", () => {
  beforeAll(async () => {
    const create = (at: number) => server.http("POST", maps, { metadata: { name: `p${at}`, labels: { page: "yes" } } });
    await Promise.all(Array.from({ length: 25 }, (_, at) => create(at)));
  });

  test("of a list are of one moment, whatever happens in between", async () => {
    const first = await list("limit=10");
    await server.kubectl("delete", "configmap", "p9");
    await server.kubectl("create", "configmap", "p99");
    const second = await list(`limit=10&continue=${first.metadata.continue}`);
    const third = await list(`limit=20&continue=${second.metadata.continue}`);
    const found = [first, second, third].flatMap(names);
    expect(found).toContain("p9");
    expect(found).not.toContain("p99");
    expect(new Set(found).size).toBe(found.length);
    expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
    expect(third.metadata.continue).toBeUndefined();
  });

  test("that wait for longer than the history is kept are told to begin anew", async () => {
    const first = await list("limit=10");
    await server.kubectl("create", "configmap", "later");
    const { header } = JSON.parse(await etcd("get", "x", "-w", "json")) as { header: { revision: number } };
    await etcd("compact", String(header.revision));
    const answer = await server.http("GET", `${maps}?limit=10&continue=${first.metadata.continue}`);
    expect(answer.code).toBe(410);
    expect(JSON.parse(answer.text)).toMatchObject({ reason: "Expired" });
    // kubectl pages by itself; what it does now is whole.
    expect((await server.kubectl("get", "cm", "--chunk-size=5", "-o", "name")).split("\n").length).toBeGreaterThan(25);
  });
});

test("a server that was killed comes back to everything, and so does who watched", async () => {
  const before = names(await list(""));
  const { resourceVersion } = (await list("")).metadata;
  await server.end("SIGKILL");
  await server.start();
  expect(names(await list(""))).toEqual(before);
  await server.kubectl("create", "configmap", "after");
  const events = await server.http("GET", `${maps}?watch=true&resourceVersion=${resourceVersion}&timeoutSeconds=1`);
  expect(events.text).toContain('"name":"after"');
});
