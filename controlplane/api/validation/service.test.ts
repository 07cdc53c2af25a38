import { describe, expect, test } from "vitest";
import type { Service } from "../types/core/service.ts";
import { judge, judgeChange, made } from "./judge.testing.ts";
import { serviceWarnings } from "./service.ts";

const ports = [{ port: 80 }];
const refused = (spec: object) => judge("v1", "Service", { spec: { ports, ...spec } });

describe("services", () => {
  const balanced = "may only be used when `type` is 'LoadBalancer'";

  test.each<[string, object, string[]]>([
    ["a name without an address", { type: "ExternalName", externalName: "a.example.com.", ports: [] }, []],
    [
      "a name with one",
      { type: "ExternalName", externalName: "a.example.com", clusterIP: "10.0.0.1" },
      ["spec.clusterIPs: Forbidden: may not be set for ExternalName services"],
    ],
    [
      "a balancer without an address",
      { type: "LoadBalancer", clusterIP: "None" },
      ["spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for LoadBalancer services"],
    ],
    [
      "sources of nobody's traffic",
      { loadBalancerSourceRanges: ["10.0.0.0/8"] },
      [`spec.LoadBalancerSourceRanges: Forbidden: ${balanced}`],
    ],
    [
      "a source that is none",
      { type: "LoadBalancer", loadBalancerSourceRanges: [" 10.0.0.0/8 ", "10.0.0.1"] },
      [
        'spec.LoadBalancerSourceRanges[1]: Invalid value: "10.0.0.1": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
      ],
    ],
    [
      "a class of balancer without one",
      { loadBalancerClass: "example.com/a" },
      [`spec.loadBalancerClass: Forbidden: ${balanced}`],
    ],
    [
      "node ports of no balancer",
      { allocateLoadBalancerNodePorts: true },
      [`spec.allocateLoadBalancerNodePorts: Forbidden: ${balanced}`],
    ],
    [
      "health of what is everywhere",
      { type: "LoadBalancer", healthCheckNodePort: 30000 },
      [
        "spec.healthCheckNodePort: Invalid value: 30000: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
      ],
    ],
    [
      "an address that is everybody's own",
      { externalIPs: ["127.0.0.1"] },
      ['spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)'],
    ],
    [
      "no address among addresses",
      { clusterIP: "None", clusterIPs: ["None", "10.0.0.1"] },
      ['spec.clusterIPs: Invalid value: ["None","10.0.0.1"]: \'None\' must be the first and only value'],
    ],
    [
      "a distribution unheard of",
      { trafficDistribution: "PreferFar" },
      [
        'spec.trafficDistribution: Unsupported value: "PreferFar": supported values: "PreferClose", "PreferSameNode", "PreferSameZone"',
      ],
    ],
    [
      "no affinity, for a while",
      { sessionAffinityConfig: { clientIP: { timeoutSeconds: 1 } }, sessionAffinity: "ClientIP" },
      [],
    ],
  ])("%s", (_, spec, errors) => expect(refused(spec)).toEqual(errors));

  test("what is accepted and means nothing is told", () => {
    const service = made("v1", "Service", {
      spec: { ports, clusterIP: "None", sessionAffinity: "ClientIP", externalName: "a" },
    }) as Service & { metadata: { name: string } };
    expect(serviceWarnings(service)).toEqual([
      'spec.externalName is ignored when spec.type is not "ExternalName"',
      "spec.SessionAffinity is ignored for headless services",
    ]);
  });
});

describe("another type", () => {
  const from = (spec: object, patch: object) =>
    judgeChange("v1", "Service", { spec: { ports, clusterIP: "10.96.0.5", ...spec } }, { spec: patch });
  const balancer = {
    type: "LoadBalancer",
    externalTrafficPolicy: "Local",
    healthCheckNodePort: 30001,
    loadBalancerClass: "example.com/a",
    ports: [{ port: 80, nodePort: 30002 }],
  };

  test.each<[string, object, object]>([
    ["a balancer becomes internal", balancer, { type: "ClusterIP" }],
    ["a balancer becomes a node port", balancer, { type: "NodePort" }],
    ["a Service becomes a name", {}, { type: "ExternalName", externalName: "a.example.com" }],
    ["an address left out is kept", {}, { clusterIP: null, clusterIPs: null }],
  ])("%s without more ado", (_, spec, patch) => expect(from(spec, patch)).toEqual([]));

  test.each<[string, object, object, string]>([
    [
      "the class of a balancer",
      balancer,
      { loadBalancerClass: "example.com/b" },
      'spec.loadBalancerClass: Invalid value: "example.com/b": may not change once set',
    ],
    [
      "where it asks for health",
      balancer,
      { healthCheckNodePort: 30003 },
      "spec.healthCheckNodePort: Forbidden: field is immutable",
    ],
    [
      "its address",
      {},
      { clusterIP: "10.96.0.6" },
      'spec.clusterIPs[0]: Invalid value: ["10.96.0.6"]: may not change once set',
    ],
  ])("%s stays", (_, spec, patch, error) => expect(from(spec, patch)).toEqual([error]));
});
