import fc from "fast-check";
import protobuf from "protobufjs";
import { describe, expect, test } from "vitest";
import { decode } from "../schema/decode.ts";
import type { AnyMessage } from "../schema/field.ts";
import { Deployment } from "../types/apps/deployment.ts";
import { SelfSubjectAccessReview } from "../types/authorization.ts";
import { Job } from "../types/batch/job.ts";
import { ConfigMap } from "../types/core/config.ts";
import { Pod } from "../types/core/pod.ts";
import { Service } from "../types/core/service.ts";
import { decodeProtobuf } from "./decode.ts";
import { openEnvelope } from "./envelope.ts";
import { ProtobufError } from "./reader.ts";

/** Bodies as kubectl 1.33 sends them. */
const sent = {
  deployment:
    "azhzAAoVCgdhcHBzL3YxEgpEZXBsb3ltZW50EsIBCiMKA3dlYhIAGgRkZW1vIgAqADIAOABCAFoKCgNhcHASA3dlYhKMAQgDEgwKCgoDYXBwEgN3ZWIacgocCgASABoAIgAqADIAOABCAFoKCgNhcHASA3dlYhJSEjQKBW5naW54EgpuZ2lueDoxLjI3KgAyCwoAEAAYkD8iACoAQgBqAHIAgAEAiAEAkAEAogEAGgAyAEIASgBSAFgAYABoAIIBAIoBAJoBAMIBACICCgAoADgAGgwIABAAGAAgACgAOAAaACIA",
  configMap: "azhzAAoPCgJ2MRIJQ29uZmlnTWFwEi0KHAoIc2V0dGluZ3MSABoEZGVtbyIAKgAyADgAQgASDQoFY29sb3ISBGJsdWUaACIA",
  job: "azhzAAoPCghiYXRjaC92MRIDSm9iEowBChgKBG9uY2USABoEZGVtbyIAKgAyADgAQgASZjJkChAKABIAGgAiACoAMgA4AEIAElASLQoEb25jZRIHYnVzeWJveBoEZWNobxoCaGkqAEIAagByAIABAIgBAJABAKIBABoFTmV2ZXIyAEIASgBSAFgAYABoAIIBAIoBAJoBAMIBABoIIAAoADAAOgAaACIA",
  service:
    "azhzAAoNCgJ2MRIHU2VydmljZRJuCiMKA3dlYhIAGgRkZW1vIgAqADIAOABCAFoKCgNhcHASA3dlYhJDCh0KBzgwLTgwODASA1RDUBhQIgcIABCQPxoAKIDrARIKCgNhcHASA3dlYhoAIghOb2RlUG9ydDoAQgBSAFoAYABoABoCCgAaACIA",
  review:
    "azhzAAoyChdhdXRob3JpemF0aW9uLms4cy5pby92MRIXU2VsZlN1YmplY3RBY2Nlc3NSZXZpZXcSPAoQCgASABoAIgAqADIAOABCABIeChwKBGRlbW8SBmNyZWF0ZRoAIgAqBHBvZHMyADoAGggIABIAGgAgABoAIgA=",
};

function received(schema: AnyMessage, base64: string): unknown {
  const { apiVersion, kind, raw } = openEnvelope(Buffer.from(base64, "base64"));
  const result = decode(schema, { ...decodeProtobuf(schema, raw), apiVersion, kind });
  return result.ok ? result.object : result.message;
}

describe("what kubectl sends", () => {
  test("create deployment web --image=nginx:1.27 --replicas=3 --port=8080", () => {
    expect(received(Deployment, sent.deployment)).toEqual({
      kind: "Deployment",
      apiVersion: "apps/v1",
      metadata: { name: "web", namespace: "demo", labels: { app: "web" } },
      spec: {
        replicas: 3,
        selector: { matchLabels: { app: "web" } },
        template: {
          metadata: { labels: { app: "web" } },
          spec: {
            containers: [{ name: "nginx", image: "nginx:1.27", ports: [{ containerPort: 8080 }], resources: {} }],
          },
        },
        strategy: {},
      },
      status: {},
    });
  });

  test("create configmap settings --from-literal=color=blue", () => {
    expect(received(ConfigMap, sent.configMap)).toMatchObject({
      metadata: { name: "settings" },
      data: { color: "blue" },
    });
  });

  test("create job once --image=busybox -- echo hi", () => {
    expect(received(Job, sent.job)).toMatchObject({
      spec: {
        template: { spec: { restartPolicy: "Never", containers: [{ image: "busybox", command: ["echo", "hi"] }] } },
      },
    });
  });

  test("create service nodeport web --tcp=80:8080 --node-port=30080: a port that is a number or a name", () => {
    expect(received(Service, sent.service)).toMatchObject({
      spec: {
        type: "NodePort",
        ports: [{ name: "80-8080", protocol: "TCP", port: 80, targetPort: 8080, nodePort: 30080 }],
      },
    });
  });

  test("auth can-i create pods", () => {
    expect(received(SelfSubjectAccessReview, sent.review)).toMatchObject({
      spec: { resourceAttributes: { namespace: "demo", verb: "create", resource: "pods" } },
    });
  });
});

/** One field; a number is written as a varint, a text or a message with its length. */
type Written = readonly [number: number, value: number | string | readonly Written[]];

function message(fields: readonly Written[]): Uint8Array {
  const writer = protobuf.Writer.create();
  for (const [number, value] of fields) {
    if (typeof value === "number") writer.uint32(number << 3).int64(value);
    else if (typeof value === "string") writer.uint32((number << 3) | 2).string(value);
    else writer.uint32((number << 3) | 2).bytes(message(value));
  }
  return writer.finish();
}

test("embedded structs, times, quantities and numbers beyond 32 bits find their places", () => {
  const metadata: Written = [1, [[8, [[1, 1_600_000_000]]]]];
  const volume: Written = [
    1,
    [
      [1, "scratch"],
      [2, [[2, [[1, "Memory"]]]]],
    ],
  ];
  const limits: Written = [
    1,
    [
      [1, "memory"],
      [2, [[1, "1536Mi"]]],
    ],
  ];
  const container: Written = [
    2,
    [
      [1, "a"],
      [8, [limits]],
    ],
  ];
  expect(decodeProtobuf(Pod, message([metadata, [2, [volume, container, [4, 2 ** 40]]]]))).toEqual({
    metadata: { creationTimestamp: "2020-09-13T12:26:40Z" },
    spec: {
      volumes: [{ name: "scratch", emptyDir: { medium: "Memory" } }],
      containers: [{ name: "a", resources: { limits: { memory: "1536Mi" } } }],
      terminationGracePeriodSeconds: 2 ** 40,
    },
  });
});

test("fields of later versions are skipped", () => {
  const bytes = message([
    [15, "news"],
    [16, 7],
    [
      2,
      [
        [1, "k"],
        [2, "v"],
        [3, "?"],
      ],
    ],
  ]);
  expect(decodeProtobuf(ConfigMap, bytes)).toEqual({ data: { k: "v" } });
});

test("a negative number keeps its sign", () => {
  expect(decodeProtobuf(Deployment, message([[2, [[1, -1]]]]))).toEqual({ spec: { replicas: -1 } });
});

test("a field of the wrong wire type is refused", () => {
  expect(() => decodeProtobuf(Deployment, message([[2, [[1, "three"]]]]))).toThrow(/wrong wireType = 2/);
});

test("bytes without the prefix are not an object", () => {
  expect(() => openEnvelope(Buffer.from("{}"))).toThrow(/does not appear to be a protobuf message/);
});

test("any bytes are either read or refused, never something else", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        decodeProtobuf(Pod, bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtobufError);
      }
    }),
  );
});

test("a body cut short anywhere is refused or read in part, never something else", () => {
  const whole = Buffer.from(sent.deployment, "base64");
  for (let length = 0; length < whole.length; length++) {
    try {
      received(Deployment, whole.subarray(0, length).toString("base64"));
    } catch (error) {
      expect(error).toBeInstanceOf(ProtobufError);
    }
  }
});
