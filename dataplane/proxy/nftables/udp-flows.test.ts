import { expect, test } from "vitest";
import { servicePorts } from "../service-ports.ts";
import { service, slice } from "../world.testing.ts";
import { parseUdpFlows, staleUdpFlows } from "./udp-flows.ts";

/** As conntrack 1.4.7 prints them. */
const flow = (to: string, from: string) => {
  const [address, port] = to.split(":");
  const [backend, backendPort] = from.split(":");
  return `udp      17 29 src=10.244.0.9 dst=${address} sport=4711 dport=${port} [UNREPLIED] src=${backend} dst=10.244.0.9 sport=${backendPort} dport=4711 mark=0 use=1`;
};

const port = { name: "http", port: 53, protocol: "UDP" };
const spec = {
  type: "NodePort",
  clusterIP: "10.96.0.10",
  externalIPs: ["192.0.2.1"],
  ports: [{ ...port, nodePort: 30_053 }],
};
const ports = servicePorts(
  [service(spec), service({ clusterIP: "10.96.0.11", ports: [{ ...port, protocol: "TCP" }] }, "other")],
  [
    slice(
      [
        { address: "10.244.0.1", node: "n1" },
        { address: "10.244.0.2", node: "n1", ready: false, serving: true, terminating: true },
        { address: "10.244.0.3", node: "n1", ready: false, serving: false, terminating: true },
      ],
      { protocol: "UDP" },
    ),
  ],
  { node: "n1" },
);

test("flows are forgotten that go where nobody serves a Service, whichever of its addresses they were sent to", () => {
  const stays = [
    flow("10.96.0.10:53", "10.244.0.1:8080"),
    flow("10.96.0.10:53", "10.244.0.2:8080"), // leaving, but it serves
    flow("10.96.0.11:53", "10.244.0.7:8080"), // no Service has this address for UDP
    flow("10.244.0.7:53", "10.244.0.7:53"), // no Service at all
  ];
  const goes = [
    flow("10.96.0.10:53", "10.244.0.3:8080"),
    flow("192.0.2.1:53", "10.244.0.7:8080"),
    flow("172.30.0.11:30053", "10.244.0.7:8080"),
    flow("10.96.0.10:53", "10.244.0.1:8081"), // another port of a pod that serves
    flow("10.96.0.10:53", "10.96.0.10:53"), // sent before there were rules
  ];
  const listing = `${[...stays, ...goes, goes[0]].join("\n")}\n`;
  const stale = staleUdpFlows(parseUdpFlows(listing), ports, "172.30.0.11");
  expect(stale.map((one) => flow(`${one.address}:${one.port}`, `${one.backendAddress}:${one.backendPort}`))).toEqual(
    goes,
  );
});
