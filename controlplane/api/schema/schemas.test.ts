import { expect, test } from "vitest";
import { servedResources } from "../resources/served.ts";
import * as types from "../types/mod.ts";
import type { AnyMessage, FieldType } from "./field.ts";

const messages = Object.values(types).filter(
  (value): value is AnyMessage => typeof value === "object" && value !== null && "fields" in value,
);

function messageIn(type: FieldType): AnyMessage | undefined {
  if (type.kind === "message") return type.message;
  if (type.kind === "list") return messageIn(type.items);
  return type.kind === "map" ? messageIn(type.values) : undefined;
}

test("every field of a message has its own protobuf number", () => {
  for (const { fullName, fields } of messages) {
    const numbers = Object.values(fields)
      .filter(({ number }) => number !== 0)
      .map(({ number, inside }) => `${inside ?? ""}/${number}`);
    expect(new Set(numbers).size, fullName).toBe(numbers.length);
  }
});

test("items of lists are told apart by fields they have", () => {
  for (const { fullName, fields } of messages) {
    for (const { type, topology, patch } of Object.values(fields)) {
      const names = Object.keys(messageIn(type)?.fields ?? {});
      const keys = [...(topology?.kind === "map" ? topology.keys : []), ...(patch?.mergeKey ? [patch.mergeKey] : [])];
      for (const key of keys) expect(names, fullName).toContain(key);
    }
  }
});

test("names in OpenAPI are unique, among them those of messages that several groups have", () => {
  const names = new Set(messages.map(({ fullName }) => fullName));
  // TemplateMeta is ObjectMeta under a type of its own.
  expect(messages.length - names.size).toBe(1);
  expect(names).toContain("io.k8s.api.events.v1.Event");
});

test("every served kind is stored under its own prefix, but those that are another version of a stored kind", () => {
  const stored = servedResources.filter(({ storagePrefix, storedAs }) => storagePrefix !== undefined && !storedAs);
  const prefixes = stored.map(({ storagePrefix }) => storagePrefix);
  expect(new Set(prefixes).size).toBe(prefixes.length);
  expect(stored.find(({ kind }) => kind === "Ingress")?.storagePrefix).toBe("/registry/ingress");
  expect(stored.find(({ kind }) => kind === "ReplicationController")?.storagePrefix).toBe("/registry/controllers");
  expect(stored.find(({ kind }) => kind === "Node")?.storagePrefix).toBe("/registry/minions");
  expect(stored.find(({ kind }) => kind === "Service")?.storagePrefix).toBe("/registry/services/specs");
});

test("types follow from the schemas", () => {
  // Compiles only while inference works: unions of known values, optional and given properties, nesting.
  const pod: types.Pod = {
    metadata: { name: "web" },
    spec: { restartPolicy: "OnFailure", containers: [{ name: "a", ports: [{ containerPort: 80, protocol: "TCP" }] }] },
  };
  const policy: "Always" | "OnFailure" | "Never" | undefined = pod.spec.restartPolicy;
  expect(policy).toBe("OnFailure");
  // @ts-expect-error: not one of the known values.
  pod.spec.restartPolicy = "Sometimes";
  // @ts-expect-error: no such field.
  expect(pod.spec.nodename).toBeUndefined();
});
