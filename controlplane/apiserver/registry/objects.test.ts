import { describe, expect, test } from "vitest";
import { configMap, pod, TestApi } from "../api.testing.ts";

const maps = "/api/v1/namespaces/default/configmaps";
const pods = "/api/v1/namespaces/default/pods";

describe("writing", () => {
  test("an object gets its identity when it is created, once", async () => {
    const api = await TestApi.open();
    const { code, body } = await api.request("POST", maps, configMap("a", { x: "1" }));
    expect(code).toBe(201);
    expect(body).toMatchObject({ apiVersion: "v1", kind: "ConfigMap", data: { x: "1" } });
    expect(body.metadata).toMatchObject({ namespace: "default", creationTimestamp: "2026-11-23T06:00:00Z" });
    expect(body.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(await api.request("POST", maps, configMap("a"))).toMatchObject({
      code: 409,
      body: { reason: "AlreadyExists", message: 'configmaps "a" already exists' },
    });
  });

  test("the stored value is Kubernetes' own: JSON under /registry, its version only in the store", async () => {
    const api = await TestApi.open();
    const { body } = await api.request("POST", maps, configMap("a", { x: "1" }));
    const stored = await api.store.get("/registry/configmaps/default/a");
    const value = JSON.parse(Buffer.from(stored!.value).toString());
    expect(value).toEqual({ ...body, metadata: { ...body.metadata, resourceVersion: undefined } });
    expect(body.metadata.resourceVersion).toBe(String(stored!.modRevision));
  });

  test("generateName draws names until one is free", async () => {
    const api = await TestApi.open();
    const names = new Set<string>();
    for (let i = 0; i < 20; i++) {
      const { body } = await api.request("POST", maps, { metadata: { generateName: "x-" } });
      expect(body.metadata.name).toMatch(/^x-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
      names.add(body.metadata.name);
    }
    expect(names.size).toBe(20);
  });

  test("an update of an older version is a conflict; one without a version is not", async () => {
    const api = await TestApi.open();
    const { body: first } = await api.request("POST", maps, configMap("a", { x: "1" }));
    const second = await api.request("PUT", `${maps}/a`, { ...first, data: { x: "2" } });
    expect(second.code).toBe(200);
    expect(await api.request("PUT", `${maps}/a`, { ...first, data: { x: "3" } })).toMatchObject({
      code: 409,
      body: { reason: "Conflict", message: expect.stringContaining("the object has been modified") },
    });
    expect((await api.request("PUT", `${maps}/a`, configMap("a", { x: "4" }))).body.data).toEqual({ x: "4" });
  });

  test("a patch needs no version, also where an update does: it is of the newest", async () => {
    const api = await TestApi.open();
    const leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
    const { body } = await api.request("POST", leases, { metadata: { name: "l" }, spec: { holderIdentity: "a" } });
    const update = { metadata: { name: "l" }, spec: { holderIdentity: "b" } };
    expect(await api.request("PUT", `${leases}/l`, update)).toMatchObject({ code: 422 });
    const merge = { headers: { "content-type": "application/merge-patch+json" } };
    const patched = await api.request("PATCH", `${leases}/l`, { spec: { holderIdentity: "b" } }, merge);
    expect(patched).toMatchObject({ code: 200, body: { spec: { holderIdentity: "b" } } });
    const stale = { metadata: { resourceVersion: body.metadata.resourceVersion } };
    expect((await api.request("PATCH", `${leases}/l`, stale, merge)).code).toBe(409);
  });

  test("an update that changes nothing writes nothing", async () => {
    const api = await TestApi.open();
    const { body } = await api.request("POST", maps, configMap("a", { x: "1", y: "2" }));
    const before = await api.store.revision();
    const again = await api.request("PUT", `${maps}/a`, configMap("a", { y: "2", x: "1" }));
    expect(again.body.metadata.resourceVersion).toBe(body.metadata.resourceVersion);
    expect(await api.store.revision()).toBe(before);
  });

  test("a hundred concurrent patches of one object all take effect", async () => {
    const api = await TestApi.open();
    await api.request("POST", maps, configMap("a"));
    await api.request("GET", maps); // the cache runs: patches start from possibly old states
    const patches = Array.from({ length: 100 }, (_, i) =>
      api.request("PATCH", `${maps}/a`, { data: { [`k${i}`]: "v" } }),
    );
    expect((await Promise.all(patches)).map(({ code }) => code)).toEqual(patches.map(() => 200));
    const { body } = await api.request("GET", `${maps}/a`);
    expect(Object.keys(body.data)).toHaveLength(100);
  });

  test("a dry run answers as if, and writes nothing", async () => {
    const api = await TestApi.open();
    const before = await api.store.revision();
    expect((await api.request("POST", `${maps}?dryRun=All`, configMap("a"))).code).toBe(201);
    expect(await api.store.revision()).toBe(before);
    expect((await api.request("GET", `${maps}/a`)).code).toBe(404);
    expect((await api.request("POST", `${maps}?dryRun=Some`, configMap("a"))).code).toBe(422);
  });

  test("unknown fields are refused, told or ignored, as the client asks; nothing is written when refused", async () => {
    const api = await TestApi.open();
    const before = await api.store.revision();
    const wrong = { metadata: { name: "a" }, spec: { containers: [{ name: "c", image: "i", imagePolicy: "x" }] } };
    expect(await api.request("POST", `${pods}?fieldValidation=Strict`, wrong)).toMatchObject({
      code: 400,
      body: {
        message: expect.stringContaining('strict decoding error: unknown field "spec.containers[0].imagePolicy"'),
      },
    });
    expect(await api.store.revision()).toBe(before);
    const warned = await api.request("POST", pods, wrong);
    expect(warned).toMatchObject({ code: 201, warnings: ['unknown field "spec.containers[0].imagePolicy"'] });
  });

  test("the status is written alone, and never by an update of the object", async () => {
    const api = await TestApi.open();
    await api.request("POST", pods, pod("p"));
    const { body } = await api.request("PATCH", `${pods}/p/status`, {
      status: { phase: "Running" },
      spec: { nodeName: "n" },
    });
    expect(body.status.phase).toBe("Running");
    expect(body.spec.nodeName).toBeUndefined();
    const { body: after } = await api.request("PATCH", `${pods}/p`, { status: { phase: "Failed" } });
    expect(after.status.phase).toBe("Running");
  });

  test("an object of another kind, version or name than the path's is refused", async () => {
    const api = await TestApi.open();
    const send = async (body: object) => (await api.request("POST", maps, body)).body.message;
    expect(await send({ ...configMap("a"), apiVersion: "v2" })).toBe(
      "the API version in the data (v2) does not match the expected API version (v1)",
    );
    expect(await send({ ...configMap("a"), kind: "Pod" })).toContain("cannot be handled as a ConfigMap");
    expect(await send({ metadata: { name: "a", namespace: "other" } })).toContain("does not match the namespace");
    expect((await api.request("PUT", `${maps}/b`, configMap("a"))).body.message).toContain(
      "does not match the name on the URL",
    );
  });

  test("nothing is created in a namespace that is not there, or is on its way out", async () => {
    const api = await TestApi.open();
    expect((await api.request("POST", "/api/v1/namespaces/nope/configmaps", configMap("a"))).body).toMatchObject({
      reason: "NotFound",
      message: 'namespaces "nope" not found',
    });
    await api.request("POST", "/api/v1/namespaces", { metadata: { name: "going" } });
    const { body } = await api.request("DELETE", "/api/v1/namespaces/going");
    expect(body).toMatchObject({ kind: "Namespace", status: { phase: "Terminating" } });
    expect((await api.request("POST", "/api/v1/namespaces/going/configmaps", configMap("a"))).body.message).toBe(
      'configmaps "a" is forbidden: unable to create new content in namespace going because it is being terminated',
    );
  });
});

describe("deleting", () => {
  test("answers with what was deleted, and respects preconditions", async () => {
    const api = await TestApi.open();
    const { body } = await api.request("POST", maps, configMap("a"));
    const refused = await api.request("DELETE", `${maps}/a`, { preconditions: { uid: "another" } });
    expect(refused).toMatchObject({ code: 409, body: { reason: "Conflict" } });
    expect(await api.request("DELETE", `${maps}/a`)).toMatchObject({
      code: 200,
      body: { kind: "Status", status: "Success", details: { name: "a", kind: "configmaps", uid: body.metadata.uid } },
    });
    expect((await api.request("DELETE", `${maps}/a`)).code).toBe(404);
  });

  test("an object with finalizers waits for the last to be removed", async () => {
    const api = await TestApi.open();
    await api.request("POST", maps, { metadata: { name: "a", finalizers: ["example.com/x"] } });
    const { body } = await api.request("DELETE", `${maps}/a`);
    expect(body.metadata).toMatchObject({ deletionTimestamp: "2026-11-23T06:00:00Z", deletionGracePeriodSeconds: 0 });
    expect((await api.request("PATCH", `${maps}/a`, { metadata: { finalizers: ["example.com/y"] } })).code).toBe(422);
    const released = await api.request("PATCH", `${maps}/a`, {
      metadata: { "$deleteFromPrimitiveList/finalizers": ["example.com/x"] },
    });
    expect(released.code).toBe(200);
    expect((await api.request("GET", `${maps}/a`)).code).toBe(404);
  });

  test("the propagation policy becomes a finalizer for the garbage collector", async () => {
    const api = await TestApi.open();
    for (const [policy, finalizer] of [
      ["Foreground", "foregroundDeletion"],
      ["Orphan", "orphan"],
    ] as const) {
      await api.request("POST", maps, configMap(policy.toLowerCase()));
      const { body } = await api.request("DELETE", `${maps}/${policy.toLowerCase()}`, { propagationPolicy: policy });
      expect(body.metadata.finalizers).toEqual([finalizer]);
    }
  });

  test("a running pod has its grace, which a second DELETE can only shorten; the kubelet's ends it", async () => {
    const api = await TestApi.open();
    await api.request("POST", pods, pod("p", { nodeName: "n1" }));
    const first = await api.request("DELETE", `${pods}/p`);
    expect(first.body.metadata).toMatchObject({
      deletionGracePeriodSeconds: 30,
      deletionTimestamp: "2026-11-23T06:00:30Z",
    });
    const longer = await api.request("DELETE", `${pods}/p`, { gracePeriodSeconds: 60 });
    expect(longer.body.metadata.deletionGracePeriodSeconds).toBe(30);
    const shorter = await api.request("DELETE", `${pods}/p`, { gracePeriodSeconds: 5 });
    expect(shorter.body.metadata).toMatchObject({
      deletionGracePeriodSeconds: 5,
      deletionTimestamp: "2026-11-23T06:00:05Z",
    });
    expect((await api.request("DELETE", `${pods}/p`, { gracePeriodSeconds: 0 })).code).toBe(200);
    expect((await api.request("GET", `${pods}/p`)).code).toBe(404);
  });

  test("a pod that runs nowhere goes at once", async () => {
    const api = await TestApi.open();
    await api.request("POST", pods, pod("p"));
    expect((await api.request("DELETE", `${pods}/p`)).code).toBe(200);
    expect((await api.request("GET", `${pods}/p`)).code).toBe(404);
  });

  test("a namespace goes when its own finalizers are taken away", async () => {
    const api = await TestApi.open();
    const path = "/api/v1/namespaces/n";
    await api.request("POST", "/api/v1/namespaces", { metadata: { name: "n" } });
    const { body } = await api.request("DELETE", path);
    expect(body.spec.finalizers).toEqual(["kubernetes"]);
    expect((await api.request("PUT", `${path}/finalize`, { ...body, spec: {} })).code).toBe(200);
    expect((await api.request("GET", path)).code).toBe(404);
    expect((await api.request("DELETE", "/api/v1/namespaces/default")).code).toBe(403);
  });

  test("a collection is deleted by selector", async () => {
    const api = await TestApi.open();
    for (const name of ["a", "b", "c"])
      await api.request("POST", maps, configMap(name, {}, { odd: String(name !== "b") }));
    await api.request("DELETE", `${maps}?labelSelector=odd%3Dtrue`);
    const { body } = await api.request("GET", maps);
    expect(body.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name)).toEqual(["b"]);
  });
});

describe("binding", () => {
  test("a pod is bound once", async () => {
    const api = await TestApi.open();
    await api.request("POST", pods, pod("p"));
    const target = { target: { kind: "Node", name: "n1" }, metadata: { annotations: { a: "b" } } };
    expect((await api.request("POST", `${pods}/p/binding`, target)).code).toBe(201);
    const { body } = await api.request("GET", `${pods}/p`);
    expect(body.spec.nodeName).toBe("n1");
    expect(body.metadata.annotations).toEqual({ a: "b" });
    expect(body.status.conditions).toMatchObject([{ type: "PodScheduled", status: "True" }]);
    expect(await api.request("POST", `${pods}/p/binding`, target)).toMatchObject({
      code: 409,
      body: { message: expect.stringContaining('pod p is already assigned to node "n1"') },
    });
  });
});

describe("scale", () => {
  test("is an object of its own, and changes nothing but the replicas", async () => {
    const api = await TestApi.open();
    const deployments = "/apis/apps/v1/namespaces/default/deployments";
    await api.request("POST", deployments, {
      metadata: { name: "d" },
      spec: {
        replicas: 2,
        selector: { matchLabels: { app: "d" } },
        template: { metadata: { labels: { app: "d" } }, spec: { containers: [{ name: "c", image: "i" }] } },
      },
    });
    const { body } = await api.request("GET", `${deployments}/d/scale`);
    expect(body).toMatchObject({ kind: "Scale", spec: { replicas: 2 }, status: { replicas: 0, selector: "app=d" } });
    const merge = { headers: { "content-type": "application/merge-patch+json" } };
    expect(
      (await api.request("PATCH", `${deployments}/d/scale`, { spec: { replicas: 5 } }, merge)).body.spec.replicas,
    ).toBe(5);
    const { body: deployment } = await api.request("GET", `${deployments}/d`);
    expect(deployment).toMatchObject({ metadata: { generation: 2 }, spec: { replicas: 5 } });
    expect((await api.request("PUT", `${deployments}/d/scale`, { ...body, spec: { replicas: 1 } })).code).toBe(409);
  });
});
