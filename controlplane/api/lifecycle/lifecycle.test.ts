import { describe, expect, test } from "vitest";
import { seededRandom } from "../../../base/mod.ts";
import type { KubeObject, Resource } from "../resources/resource.ts";
import { findResource, servedResources } from "../resources/served.ts";
import { decode } from "../schema/decode.ts";
import type { Deployment } from "../types/apps/deployment.ts";
import { generateName } from "./generate-name.ts";
import {
  applyDefaults,
  prepareForCreate,
  prepareForStatusUpdate,
  prepareForUpdate,
  validateCreate,
  validateStatusUpdate,
  validateUpdate,
} from "./lifecycle.ts";

const deployments = findResource("apps", "v1", "deployments")!;
const identity = { uid: "uid-1", now: "2026-11-23T06:00:00Z" };

function received<T extends KubeObject>(resource: Resource, value: unknown): T {
  const result = decode(resource.schema, value);
  if (!result.ok) throw new Error(result.message);
  const object = result.object as unknown as T;
  applyDefaults(resource, object);
  return object;
}

function stored(overrides: object = {}): Deployment {
  const object = received<Deployment>(deployments, {
    metadata: { name: "web", namespace: "demo", ...overrides },
    spec: {
      selector: { matchLabels: { app: "web" } },
      template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "a", image: "b" }] } },
    },
  });
  prepareForCreate(deployments, object, identity);
  object.metadata.resourceVersion = "7";
  object.status = { replicas: 1 };
  return object;
}

function changed(change: (object: Deployment) => void): Deployment {
  const next = structuredClone(stored());
  change(next);
  return next;
}

describe("creating", () => {
  test("what only the server may say is set by the server, whatever the client says", () => {
    const object = stored({
      uid: "mine",
      resourceVersion: "3",
      generation: 9,
      creationTimestamp: "1999-01-01T00:00:00Z",
    });
    expect(object.metadata).toMatchObject({ uid: "uid-1", generation: 1, creationTimestamp: identity.now });
    expect(validateCreate(deployments, object)).toEqual([]);
  });

  test("a status given by the client is dropped", () => {
    const object = received<Deployment>(deployments, { metadata: { name: "x" }, status: { replicas: 5 } });
    prepareForCreate(deployments, object, identity);
    expect(object.status).toEqual({});
  });

  test("defaults are the same when applied twice", () => {
    for (const resource of servedResources) {
      const once = decode(resource.schema, {});
      if (!once.ok) throw new Error(once.message);
      const object = once.object as unknown as KubeObject & { roleRef?: object };
      applyDefaults(resource, object);
      const again = structuredClone(object);
      applyDefaults(resource, again);
      expect(again, resource.kind).toEqual(object);
    }
  });

  test("an empty object of any kind is judged, not stumbled over", () => {
    for (const resource of servedResources) {
      const object = received(resource, {});
      prepareForCreate(resource, object, identity);
      expect(
        validateCreate(resource, object).map(({ field }) => field),
        resource.kind,
      ).toContain("metadata.name");
    }
  });
});

describe("updating", () => {
  test("generation counts changes of what is wanted, and nothing else", () => {
    const scaled = changed(({ spec }) => (spec.replicas = 5));
    prepareForUpdate(deployments, scaled, stored());
    expect(scaled.metadata.generation).toBe(2);
    const labelled = changed(({ metadata }) => (metadata.labels = { a: "b" }));
    prepareForUpdate(deployments, labelled, stored());
    expect(labelled.metadata.generation).toBe(1);
  });

  test("a Deployment's annotations are wanted too", () => {
    const annotated = changed(({ metadata }) => (metadata.annotations = { a: "b" }));
    prepareForUpdate(deployments, annotated, stored());
    expect(annotated.metadata.generation).toBe(2);
  });

  test("status is not touched through the main endpoint", () => {
    const next = changed((object) => (object.status = { replicas: 9 }));
    prepareForUpdate(deployments, next, stored());
    expect(next.status).toEqual({ replicas: 1 });
  });

  test("identity left out is kept; identity changed is refused", () => {
    const silent = changed(({ metadata }) => {
      delete metadata.uid;
      delete metadata.creationTimestamp;
    });
    prepareForUpdate(deployments, silent, stored());
    expect(validateUpdate(deployments, silent, stored())).toEqual([]);
    const other = changed(({ metadata }) => (metadata.uid = "uid-2"));
    prepareForUpdate(deployments, other, stored());
    expect(validateUpdate(deployments, other, stored())).toEqual([
      { type: "FieldValueInvalid", field: "metadata.uid", message: 'Invalid value: "uid-2": field is immutable' },
    ]);
  });

  test("no finalizer may be added while the object is going away", () => {
    const old = stored();
    old.metadata.deletionTimestamp = identity.now;
    const next = structuredClone(old);
    next.metadata.finalizers = ["example.com/late"];
    expect(validateUpdate(deployments, next, old)).toMatchObject([
      {
        type: "FieldValueForbidden",
        field: "metadata.finalizers",
        message: expect.stringContaining('found new finalizers []string{"example.com/late"}'),
      },
    ]);
  });
});

describe("updating the status", () => {
  test("changes the status and nothing else", () => {
    const next = changed((object) => {
      object.spec.replicas = 9;
      object.metadata.labels = { a: "b" };
      object.status = { replicas: 3 };
    });
    prepareForStatusUpdate(deployments, next, stored());
    expect(next).toEqual({ ...stored(), status: { replicas: 3 } });
  });

  test("keeps the resourceVersion it was based on, so that conflicts are seen", () => {
    const next = changed(({ metadata }) => (metadata.resourceVersion = "5"));
    prepareForStatusUpdate(deployments, next, stored());
    expect(next.metadata.resourceVersion).toBe("5");
  });

  test("meant for an earlier object of the same name is refused", () => {
    const next = changed(({ metadata }) => (metadata.uid = "uid-0"));
    prepareForStatusUpdate(deployments, next, stored());
    expect(validateStatusUpdate(deployments, next, stored())).toMatchObject([{ field: "metadata.uid" }]);
  });

  test("of a node may change its labels as well", () => {
    const nodes = findResource("", "v1", "nodes")!;
    const old = received(nodes, { metadata: { name: "a", uid: "u" } });
    const next = received(nodes, { metadata: { name: "a", labels: { zone: "x" } }, status: { phase: "Running" } });
    prepareForStatusUpdate(nodes, next, old);
    expect(next.metadata).toEqual({ name: "a", uid: "u", labels: { zone: "x" } });
  });
});

describe("kinds with rules of their own", () => {
  test("a Job selects its pods by its uid", () => {
    const jobs = findResource("batch", "v1", "jobs")!;
    const job = received(jobs, {
      metadata: { name: "once", namespace: "demo" },
      spec: { template: { spec: { restartPolicy: "Never", containers: [{ name: "a", image: "b" }] } } },
    });
    prepareForCreate(jobs, job, identity);
    expect(validateCreate(jobs, job)).toEqual([]);
    expect(job).toMatchObject({
      spec: {
        selector: { matchLabels: { "batch.kubernetes.io/controller-uid": "uid-1" } },
        template: { metadata: { labels: { "batch.kubernetes.io/controller-uid": "uid-1", "job-name": "once" } } },
      },
    });
  });

  test("a namespace is held until somebody has emptied it", () => {
    const namespaces = findResource("", "v1", "namespaces")!;
    const namespace = received(namespaces, { metadata: { name: "demo" } });
    prepareForCreate(namespaces, namespace, identity);
    expect(namespace).toMatchObject({
      metadata: { labels: { "kubernetes.io/metadata.name": "demo" } },
      spec: { finalizers: ["kubernetes"] },
      status: { phase: "Active" },
    });
  });

  test("a Service replaced without its address keeps it", () => {
    const services = findResource("", "v1", "services")!;
    const body = { metadata: { name: "web", namespace: "demo" }, spec: { type: "NodePort", ports: [{ port: 80 }] } };
    const old = received(services, body);
    Object.assign((old as unknown as { spec: object }).spec, { clusterIP: "10.96.0.9", clusterIPs: ["10.96.0.9"] });
    (old as unknown as { spec: { ports: object[] } }).spec.ports = [
      { port: 80, protocol: "TCP", targetPort: 80, nodePort: 30080 },
    ];
    const next = received(services, body);
    prepareForUpdate(services, next, old);
    expect(next).toMatchObject({ spec: { clusterIP: "10.96.0.9", ports: [{ nodePort: 30080 }] } });
  });

  test("events are the same in both groups", () => {
    const { storedAs } = findResource("events.k8s.io", "v1", "events")!;
    const core = {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: "e", namespace: "demo" },
      involvedObject: { kind: "Pod", name: "web" },
      message: "Started",
      reason: "Started",
      count: 2,
      firstTimestamp: "2026-01-01T00:00:00Z",
      source: { component: "kubelet" },
    };
    const newer = storedAs?.fromStorage(core);
    expect(newer).toMatchObject({ apiVersion: "events.k8s.io/v1", regarding: { name: "web" }, note: "Started" });
    expect(newer && storedAs?.toStorage(newer)).toEqual(core);
  });
});

test("generated names fit a label, whatever the base, and use no vowels", () => {
  const name = generateName(`${"x".repeat(70)}-`, seededRandom(1));
  expect(name).toMatch(/^x{58}[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  expect(generateName("web-", seededRandom(2))).toMatch(/^web-.{5}$/);
});
