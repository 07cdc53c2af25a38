import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Deployment } from "../types/apps/deployment.ts";
import { ConfigMap } from "../types/core/config.ts";
import { Namespace } from "../types/core/namespace.ts";
import { Pod } from "../types/core/pod.ts";
import { decode, strictDecodingError } from "./decode.ts";
import type { AnyMessage, FieldType } from "./field.ts";

function decoded(message: AnyMessage, value: unknown): Record<string, unknown> {
  const result = decode(message, value);
  if (!result.ok) throw new Error(result.message);
  return result.object;
}

function refusal(message: AnyMessage, value: unknown): string | undefined {
  const result = decode(message, value);
  return result.ok ? undefined : result.message;
}

describe("canonical form", () => {
  test("fields stand in the schema's order, keys of maps in order", () => {
    const object = decoded(ConfigMap, { data: { b: "2", a: "1" }, metadata: { name: "x" }, kind: "ConfigMap" });
    expect(JSON.stringify(object)).toBe('{"kind":"ConfigMap","metadata":{"name":"x"},"data":{"a":"1","b":"2"}}');
  });

  test("structs that are always there are filled in, as Go does", () => {
    expect(decoded(Namespace, {})).toEqual({ metadata: {}, spec: {}, status: {} });
  });

  test("a zero that means nothing is not kept; one that differs from absence is", () => {
    const spec = { paused: false, minReadySeconds: 0, replicas: 0 };
    expect(decoded(Deployment, { spec }).spec).toMatchObject({ replicas: 0 });
    expect(decoded(Deployment, { spec }).spec).not.toHaveProperty("paused");
    expect(decoded(Deployment, { spec }).spec).not.toHaveProperty("minReadySeconds");
  });

  test("null is the same as absent", () => {
    expect(decoded(Pod, { metadata: { name: "x", creationTimestamp: null, labels: null } }).metadata).toEqual({
      name: "x",
    });
  });

  test("quantities, times and base64 have one spelling", () => {
    const pod = decoded(Pod, {
      metadata: { creationTimestamp: "2026-01-01T01:00:00+01:00" },
      spec: { containers: [{ name: "a", resources: { requests: { cpu: 0.5, memory: "2048Mi" } } }] },
    });
    expect(pod).toMatchObject({
      metadata: { creationTimestamp: "2026-01-01T00:00:00Z" },
      spec: { containers: [{ resources: { requests: { cpu: "500m", memory: "2Gi" } } }] },
    });
    expect(decoded(ConfigMap, { binaryData: { a: "aGVs\nbG8=" } }).binaryData).toEqual({ a: "aGVsbG8=" });
  });

  test("decoding what was decoded changes nothing", () => {
    fc.assert(
      fc.property(objectsOf(Pod), (value) => {
        const once = decoded(Pod, value);
        expect(decode(Pod, once)).toEqual({ ok: true, object: once, complaints: [] });
      }),
      { numRuns: 50 },
    );
  });
});

describe("unknown fields", () => {
  test("are left out, and told with their paths", () => {
    const result = decode(Deployment, {
      spec: { foo: 1, template: { spec: { containers: [{ name: "a" }, { name: "b", bar: 1 }] } } },
      extra: {},
    });
    expect(result.ok && result.complaints).toEqual([
      'unknown field "extra"',
      'unknown field "spec.foo"',
      'unknown field "spec.template.spec.containers[1].bar"',
    ]);
    expect(result.ok && strictDecodingError(result.complaints.slice(1, 2))).toBe(
      'strict decoding error: unknown field "spec.foo"',
    );
  });

  test("names that every JavaScript object has are unknown too", () => {
    const result = decode(ConfigMap, JSON.parse('{"constructor":1,"__proto__":{"data":{"a":"b"}}}'));
    expect(result.ok && result.complaints).toEqual(['unknown field "constructor"', 'unknown field "__proto__"']);
    expect(result.ok && result.object).toEqual({ metadata: {} });
  });
});

describe("wrong types are told in Go's words", () => {
  const inField = (field: string, type: string, what = "string") =>
    `json: cannot unmarshal ${what} into Go struct field ${field} of type ${type}`;

  test.each<[string, unknown, string]>([
    ["a text for a number", { spec: { replicas: "3" } }, inField("DeploymentSpec.spec.replicas", "int32")],
    ["a fraction", { spec: { replicas: 1.5 } }, inField("DeploymentSpec.spec.replicas", "int32", "number 1.5")],
    [
      "too large a number",
      { spec: { replicas: 2 ** 31 } },
      inField("DeploymentSpec.spec.replicas", "int32", "number 2147483648"),
    ],
    ["a number for a struct", { spec: 3 }, inField("Deployment.spec", "v1.DeploymentSpec", "number")],
    [
      "a number for a label",
      { metadata: { labels: { a: 1 } } },
      inField("ObjectMeta.metadata.labels", "string", "number"),
    ],
    [
      "a list for a flag",
      { spec: { template: { spec: { hostNetwork: [] } } } },
      inField("PodSpec.spec.template.spec.hostNetwork", "bool", "array"),
    ],
    [
      "a text for a list, inside a list",
      { spec: { template: { spec: { containers: [{ args: "x" }] } } } },
      inField("Container.spec.template.spec.containers.args", "[]string"),
    ],
    [
      "no quantity",
      { spec: { template: { spec: { containers: [{ resources: { limits: { cpu: "lots" } } }] } } } },
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ],
    [
      "no time",
      { metadata: { creationTimestamp: "yesterday" } },
      'parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006"',
    ],
    ["not even an object", [], "json: cannot unmarshal array into Go value of type v1.Deployment"],
  ])("%s", (_, value, message) => expect(refusal(Deployment, value)).toBe(message));

  test("base64 that is none", () => {
    expect(refusal(ConfigMap, { binaryData: { a: "a*==" } })).toBe("illegal base64 data at input byte 1");
  });
});

/** Values that fit a message, down to a few levels. */
function objectsOf(message: AnyMessage, depth = 4): fc.Arbitrary<Record<string, unknown>> {
  const fields = Object.entries(message.fields)
    .filter(([, field]) => depth > 0 || field.type.kind === "scalar")
    .map(([name, field]) => [name, fc.option(anyOf(field.type, depth), { nil: undefined, freq: 1 })] as const);
  return fc.record(Object.fromEntries(fields), { requiredKeys: [] });
}

function anyOf(type: FieldType, depth: number): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case "message":
      return objectsOf(type.message, depth - 1);
    case "list":
      return fc.array(anyOf(type.items, depth - 1), { maxLength: 2 });
    case "map":
      return fc.dictionary(fc.string(), anyOf(type.values, depth - 1), { maxKeys: 2 });
    case "scalar":
      return {
        string: fc.string(),
        boolean: fc.boolean(),
        int32: fc.integer(),
        int64: fc.maxSafeInteger(),
        double: fc.integer(),
        bytes: fc.base64String(),
        time: fc.constant("2026-01-01T00:00:00Z"),
        microTime: fc.constant("2026-01-01T00:00:00.5Z"),
        quantity: fc.constantFrom("1", "0.5", "64Mi", "1e3"),
        intOrString: fc.oneof(fc.integer(), fc.constantFrom("25%", "http")),
        json: fc.jsonValue(),
      }[type.scalar];
  }
}
