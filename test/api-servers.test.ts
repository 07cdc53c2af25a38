// Two API servers on one store: they never hand out one thing twice, are both listed, and leave without being noticed.
import { request as httpsRequest } from "node:https";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ApiServerProcess, ApiServers } from "./support/api-servers.ts";
import { eventually } from "./support/eventually.ts";

let all: ApiServers;
let one: ApiServerProcess;
let two: ApiServerProcess;

beforeAll(async () => {
  all = await ApiServers.open("flotilla", 0);
  const small = ["--service-cluster-ip-range", "10.96.0.0/25", "--service-node-port-range", "30000-30099"];
  [one, two] = await Promise.all([
    all.serve("--advertise-address", "172.30.0.1", "--advertise-port", "6443", ...small),
    all.serve(
      "--advertise-address",
      "172.30.0.2",
      "--advertise-port",
      "6443",
      "--shutdown-delay-duration",
      "3s",
      ...small,
    ),
  ]);
});
afterAll(() => all?.remove());

interface Service {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly clusterIP: string; readonly ports: readonly { readonly nodePort: number }[] };
}

test("give every Service an address and a port of its own, however fast both are asked", async () => {
  const create = (at: number) =>
    (at % 2 === 0 ? one : two).http("POST", "/api/v1/namespaces/default/services", {
      metadata: { name: `s${at}` },
      spec: { type: "NodePort", ports: [{ port: 80 }] },
    });
  const answers = await Promise.all(Array.from({ length: 100 }, (_, at) => create(at)));
  const services = answers.map(({ code, text }) => {
    expect(code, text).toBe(201);
    return JSON.parse(text) as Service;
  });
  // All hundred ports of the range, each once; addresses as many.
  expect(new Set(services.map(({ spec }) => spec.ports[0]?.nodePort)).size).toBe(100);
  expect(new Set(services.map(({ spec }) => spec.clusterIP)).size).toBe(100);
  const { code, text } = await create(100);
  expect(code).toBe(422);
  expect(text).toContain("range is full");
  await one.kubectl("delete", "services", "s1", "s2");
  expect((await create(101)).code).toBe(201);
});

test("what one writes, the other shows at once and watches", async () => {
  await one.kubectl("create", "configmap", "told", "--from-literal=a=1");
  expect(await two.kubectl("get", "configmap", "told", "-o", "jsonpath={.data.a}")).toBe("1");
  const increment = (server: ApiServerProcess) =>
    eventually("the increment is not in conflict", async () => {
      const path = "/api/v1/namespaces/default/configmaps/told";
      const object = JSON.parse((await server.http("GET", path)).text);
      object.data.a = String(Number(object.data.a) + 1);
      return (await server.http("PUT", path, object)).code === 200;
    });
  await Promise.all(Array.from({ length: 20 }, (_, at) => increment(at % 2 === 0 ? one : two)));
  expect(await two.kubectl("get", "configmap", "told", "-o", "jsonpath={.data.a}")).toBe("21");
});

describe("the servers themselves", () => {
  const slice = async (server: ApiServerProcess) =>
    JSON.parse(await server.kubectl("get", "endpointslice", "kubernetes", "-o", "json")) as {
      endpoints: { addresses: string[] }[];
      ports: { port: number }[];
    };
  const addresses = async (server: ApiServerProcess) =>
    (await slice(server)).endpoints.map((endpoint) => endpoint.addresses[0]);

  test("have a Lease each, and are both where the Service kubernetes leads", async () => {
    const leases = await one.kubectl("get", "leases", "-n", "kube-system", "-o", "name");
    expect(leases.split("\n").filter((name) => name.includes("apiserver-"))).toHaveLength(2);
    await eventually("both are listed", async () => (await addresses(one)).length === 2, 15_000);
    expect(await addresses(one)).toEqual(["172.30.0.1", "172.30.0.2"]);
    expect((await slice(one)).ports).toMatchObject([{ port: 6443, name: "https" }]);
    expect(await one.kubectl("get", "endpoints", "kubernetes", "-o", "jsonpath={.subsets[0].addresses[*].ip}")).toBe(
      "172.30.0.1 172.30.0.2",
    );
  });

  test("leave in order: not ready, not listed, and what is open ends well", async () => {
    const { cert, key, ca } = one.credentials();
    const watch = new Promise<string>((resolve, reject) => {
      const path = "/api/v1/namespaces/default/configmaps?watch=true";
      const request = httpsRequest({ host: "127.0.0.1", port: two.port, path, cert, key, ca }, (response) => {
        // An end, not a connection cut off.
        response.on("error", reject);
        response.on("end", () => resolve("ended"));
        response.resume();
      });
      request.on("error", reject);
      request.end();
    });
    const ended = two.end("SIGTERM");
    await eventually("it says that it is leaving", async () => {
      const { code, text } = await two.http("GET", "/readyz?verbose");
      return code === 500 && text.includes("[-]shutdown failed: process is shutting down");
    });
    expect((await two.http("GET", "/livez")).code).toBe(200);
    expect((await two.http("GET", "/api/v1/namespaces/default")).code).toBe(200);
    expect(await watch).toBe("ended");
    await ended;
    expect(await addresses(one)).toEqual(["172.30.0.1"]);
  });
});
