import { describe, expect, test } from "vitest";
import type { ConfigMap, Secret, Service } from "../../../controlplane/api/mod.ts";
import { container, pod } from "../pod/pod.testing.ts";
import { ContainerConfigError, containerEnvironment } from "./container-env.ts";
import { expand } from "./expand.ts";
import { fieldValue, resourceValue } from "./field-value.ts";
import { serviceVariables, visibleServices } from "./service-links.ts";

describe("$(VAR)", () => {
  const values: Record<string, string> = { A: "1", B: "two" };
  test.each([
    ["$(A)-$(B)", "1-two"],
    ["$(MISSING)", "$(MISSING)"],
    ["$$(A)", "$(A)"],
    ["$$$(A)", "$1"],
    ["$$$$(A)", "$$(A)"],
    ["$A {A} $", "$A {A} $"],
    ["$(A", "$(A"],
    ["$()", "$()"],
    ["$(A)$(A)", "11"],
  ])("%s becomes %s", (text, expected) => {
    expect(expand(text, (name) => values[name])).toBe(expected);
  });
});

const configMaps: Record<string, ConfigMap> = {
  settings: { metadata: { name: "settings" }, data: { color: "red", "bad key": "x", size: "L" } },
};
const secrets: Record<string, Secret> = {
  keys: { metadata: { name: "keys" }, data: { password: Buffer.from("pässword").toString("base64") } },
};
const facts = {
  podIP: "10.244.1.2",
  hostIP: "172.30.0.11",
  allocatable: { cpu: "2", memory: "4Gi", "ephemeral-storage": "1Gi" },
};

async function environment(spec: Parameters<typeof container>[1], services: Service[] = []) {
  const skipped: string[] = [];
  const main = container("main", spec);
  const sources = {
    configMap: async (_namespace: string, name: string) => configMaps[name],
    secret: async (_namespace: string, name: string) => secrets[name],
  };
  const list = await containerEnvironment(pod({ containers: [main] }), main, services, sources, facts, (message) =>
    skipped.push(message),
  );
  return { values: Object.fromEntries(list.map(({ key, value }) => [key, value])), skipped };
}

describe("a container's environment", () => {
  test("takes whole objects, single keys, fields and resources; later definitions win", async () => {
    const { values, skipped } = await environment({
      resources: { limits: { cpu: "250m" } },
      envFrom: [{ prefix: "P_", configMapRef: { name: "settings" } }, { secretRef: { name: "keys" } }],
      env: [
        { name: "P_size", value: "$(P_color)-$(UNKNOWN)" },
        { name: "SECRET", valueFrom: { secretKeyRef: { name: "keys", key: "password" } } },
        { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
        { name: "CPU", valueFrom: { resourceFieldRef: { resource: "limits.cpu", divisor: "1m" } } },
        { name: "BOTH", value: "$(SECRET)@$(IP)" },
      ],
    });
    expect(values).toEqual({
      P_color: "red",
      P_size: "red-$(UNKNOWN)",
      password: "pässword",
      SECRET: "pässword",
      IP: "10.244.1.2",
      CPU: "250",
      BOTH: "pässword@10.244.1.2",
    });
    expect(skipped).toEqual([
      "Keys [bad key] from the EnvFrom ConfigMap default/settings were skipped since they are considered invalid environment variable names.",
    ]);
  });

  test.each([
    [{ envFrom: [{ configMapRef: { name: "nope" } }] }, 'configmap "nope" not found'],
    [{ envFrom: [{ secretRef: { name: "nope" } }] }, 'secret "nope" not found'],
    [
      { env: [{ name: "A", valueFrom: { configMapKeyRef: { name: "nope", key: "k" } } }] },
      'configmap "nope" not found',
    ],
    [
      { env: [{ name: "A", valueFrom: { configMapKeyRef: { name: "settings", key: "k" } } }] },
      "couldn't find key k in ConfigMap default/settings",
    ],
    [
      { env: [{ name: "A", valueFrom: { secretKeyRef: { name: "keys", key: "k" } } }] },
      "couldn't find key k in Secret default/keys",
    ],
  ])("a reference that leads nowhere: %j", async (spec, message) => {
    await expect(environment(spec)).rejects.toThrow(new ContainerConfigError(message));
  });

  test("optional references may lead nowhere", async () => {
    const { values } = await environment({
      envFrom: [{ secretRef: { name: "nope", optional: true } }],
      env: [{ name: "A", valueFrom: { configMapKeyRef: { name: "settings", key: "k", optional: true } } }],
    });
    expect(values).toEqual({});
  });
});

describe("Services", () => {
  const service = (namespace: string, name: string, clusterIP: string): Service => ({
    metadata: { namespace, name },
    spec: {
      clusterIP,
      ports: [
        { name: "http", port: 80, protocol: "TCP" },
        { name: "dns", port: 53, protocol: "UDP" },
      ],
    },
  });

  test("are known by name and by Docker's links", () => {
    expect(
      Object.fromEntries(
        serviceVariables([service("default", "my-db", "10.96.0.7"), service("default", "headless", "None")]),
      ),
    ).toEqual({
      MY_DB_SERVICE_HOST: "10.96.0.7",
      MY_DB_SERVICE_PORT: "80",
      MY_DB_SERVICE_PORT_HTTP: "80",
      MY_DB_SERVICE_PORT_DNS: "53",
      MY_DB_PORT: "tcp://10.96.0.7:80",
      MY_DB_PORT_80_TCP: "tcp://10.96.0.7:80",
      MY_DB_PORT_80_TCP_PROTO: "tcp",
      MY_DB_PORT_80_TCP_PORT: "80",
      MY_DB_PORT_80_TCP_ADDR: "10.96.0.7",
      MY_DB_PORT_53_UDP: "udp://10.96.0.7:53",
      MY_DB_PORT_53_UDP_PROTO: "udp",
      MY_DB_PORT_53_UDP_PORT: "53",
      MY_DB_PORT_53_UDP_ADDR: "10.96.0.7",
    });
  });

  test("are those of the namespace, and the API server's always", () => {
    const all = [
      service("default", "kubernetes", "10.96.0.1"),
      service("default", "web", "10.96.0.2"),
      service("prod", "web", "10.96.0.3"),
    ];
    const seen = (namespace: string, links: boolean) =>
      visibleServices(all, namespace, links).map(({ spec }) => spec?.clusterIP);
    expect(seen("prod", true)).toEqual(["10.96.0.1", "10.96.0.3"]);
    expect(seen("prod", false)).toEqual(["10.96.0.1"]);
  });
});

test("downward fields: maps are sorted and quoted, resources without limit are the node's", () => {
  const labelled = pod({}, { labels: { b: "2", a: 'say "hi"' } });
  expect(fieldValue(labelled, "metadata.labels", facts)).toBe('a="say \\"hi\\""\nb="2"');
  expect(fieldValue(labelled, "metadata.labels['b']", facts)).toBe("2");
  expect(fieldValue(labelled, "spec.nope", facts)).toBeUndefined();
  expect(resourceValue(labelled, { resource: "limits.memory", divisor: "1Mi" }, container("main"), facts)).toBe("4096");
  expect(resourceValue(labelled, { containerName: "main", resource: "limits.cpu" }, undefined, facts)).toBe("2");
});
