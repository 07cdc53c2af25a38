import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { afterEach, expect, test } from "vitest";
import { HealthCheckServers, healthChecks } from "./health-checks.ts";
import { servicePorts } from "./service-ports.ts";
import { type EndpointCase, service, slice } from "./world.testing.ts";

const complaints: string[] = [];
let isHealthy = true;
const servers = new HealthCheckServers(
  "127.0.0.1",
  () => isHealthy,
  (_level, message) => complaints.push(message),
);
afterEach(() => servers.stop());

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

const checksOf = (healthCheckNodePort: number, endpoints: readonly EndpointCase[]) => {
  const ports = [
    { name: "http", port: 80 },
    { name: "more", port: 81 },
  ];
  const spec = {
    type: "LoadBalancer",
    clusterIP: "10.96.0.1",
    externalTrafficPolicy: "Local",
    healthCheckNodePort,
    ports,
  };
  return healthChecks(servicePorts([service(spec)], [slice(endpoints)], { node: "n1" }));
};

test("a load balancer hears how many ready backends a node has of its own, or 503", async () => {
  const port = await freePort();
  const look = async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: "close" } });
    return [answer.status, answer.headers.get("x-load-balancing-endpoint-weight"), await answer.json()];
  };
  const body = (localEndpoints: number) => ({
    service: { namespace: "default", name: "web" },
    localEndpoints,
    serviceProxyHealthy: isHealthy,
  });
  await servers.sync(checksOf(port, [{ address: "10.244.1.2", node: "n2" }]));
  expect(await look()).toEqual([503, "0", body(0)]);
  const leaving = { ready: false, serving: true, terminating: true };
  await servers.sync(
    checksOf(port, [
      { address: "10.244.0.2", node: "n1" },
      { address: "10.244.0.3", node: "n1", ...leaving },
    ]),
  );
  expect(await look(), "who is leaving gets no new connections").toEqual([200, "1", body(1)]);
  isHealthy = false;
  expect(await look(), "a proxy that lags behind").toEqual([503, "1", body(1)]);
  isHealthy = true;
  await servers.sync(new Map());
  await expect(look()).rejects.toThrow();
});

test("a port that is taken is said, and taken as soon as it is free", async () => {
  const taker = createServer().listen(0, "127.0.0.1");
  await once(taker, "listening");
  const { port } = taker.address() as AddressInfo;
  const checks = checksOf(port, [{ address: "10.244.0.2", node: "n1" }]);
  await servers.sync(checks);
  expect(complaints).toEqual(["cannot answer health checks of a Service"]);
  taker.close();
  await once(taker, "close");
  await servers.sync(checks);
  expect((await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: "close" } })).status).toBe(200);
});
