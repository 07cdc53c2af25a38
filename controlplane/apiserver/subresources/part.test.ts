import { describe, expect, test } from "vitest";
import { pod, TestApi } from "../api.testing.ts";

const pods = "/api/v1/namespaces/default/pods";
const merge = { headers: { "content-type": "application/merge-patch+json" } };

describe("pods/ephemeralcontainers", () => {
  const debug = (name: string, more: object = {}) => ({
    spec: { ephemeralContainers: [{ name, image: "d:1", ...more }] },
  });

  async function withPod(): Promise<TestApi> {
    const api = await TestApi.open();
    await api.request("POST", pods, pod("web"));
    return api;
  }

  test("containers are added, with their defaults, and the pod counts it as a change", async () => {
    const api = await withPod();
    expect((await api.request("PATCH", `${pods}/web/ephemeralcontainers`, debug("one"))).code).toBe(200);
    const { body } = await api.request("PATCH", `${pods}/web/ephemeralcontainers`, debug("two"));
    expect(body.spec.ephemeralContainers).toMatchObject([
      { name: "one" },
      { name: "two", image: "d:1", imagePullPolicy: "IfNotPresent", terminationMessagePolicy: "File" },
    ]);
    expect(body.metadata.generation).toBe(3);
    expect((await api.request("GET", `${pods}/web/ephemeralcontainers`)).body.spec).toEqual(body.spec);
  });

  test("what else a request would change stays", async () => {
    const api = await withPod();
    const sly = { metadata: { labels: { a: "b" } }, spec: { ...debug("one").spec, nodeName: "n" } };
    const { body } = await api.request("PATCH", `${pods}/web/ephemeralcontainers`, sly);
    expect(body.metadata.labels).toBeUndefined();
    expect(body.spec.nodeName).toBeUndefined();
    expect(body.spec.ephemeralContainers).toHaveLength(1);
  });

  test.each<[string, object, string]>([
    ["removed", { spec: { ephemeralContainers: [] } }, 'existing ephemeral containers "one" may not be removed'],
    ["changed", debug("one", { image: "e:1" }), 'existing ephemeral containers "one" may not be changed'],
    [
      "made to serve",
      {
        spec: {
          ephemeralContainers: [
            { name: "one", image: "d:1" },
            { name: "two", image: "d:1", ports: [{ containerPort: 80 }] },
          ],
        },
      },
      "spec.ephemeralContainers[1].ports: Forbidden: cannot be set for an Ephemeral Container",
    ],
    [
      "aimed at nothing",
      {
        spec: {
          ephemeralContainers: [
            { name: "one", image: "d:1" },
            { name: "two", image: "d:1", targetContainerName: "x" },
          ],
        },
      },
      'spec.ephemeralContainers[1].targetContainerName: Not found: "x"',
    ],
  ])("they are not %s", async (_, patch, why) => {
    const api = await withPod();
    await api.request("PATCH", `${pods}/web/ephemeralcontainers`, debug("one"));
    const refused = await api.request("PATCH", `${pods}/web/ephemeralcontainers`, patch, merge);
    expect(refused).toMatchObject({ code: 422, body: { message: expect.stringContaining(why) } });
  });

  test("pods are not made with them, and do not get them by an update of the whole", async () => {
    const api = await withPod();
    expect(await api.request("POST", pods, pod("other", debug("one").spec))).toMatchObject({
      code: 422,
      body: { message: expect.stringContaining("spec.ephemeralContainers: Forbidden: cannot be set on create") },
    });
    expect((await api.request("PATCH", `${pods}/web`, debug("one"))).code).toBe(422);
  });
});

describe("pods/resize", () => {
  const asking = (cpu: string, memory: string) => ({ requests: { cpu, memory }, limits: { cpu: "2", memory: "1Gi" } });
  const resized = (resources: object) => ({ spec: { containers: [{ name: "main", resources }] } });

  async function withPod(): Promise<TestApi> {
    const api = await TestApi.open();
    const containers = [{ name: "main", image: "b:1", resources: asking("100m", "64Mi") }];
    await api.request("POST", pods, pod("web", { containers }));
    return api;
  }

  test("CPU and memory change, the image does not", async () => {
    const api = await withPod();
    const patch = { spec: { containers: [{ name: "main", image: "c:2", resources: asking("200m", "64Mi") }] } };
    const { code, body } = await api.request("PATCH", `${pods}/web/resize`, patch);
    expect(code).toBe(200);
    expect(body.spec.containers[0]).toMatchObject({ image: "b:1", resources: { requests: { cpu: "200m" } } });
    expect(body.metadata.generation).toBe(2);
    expect((await api.request("PATCH", `${pods}/web`, resized(asking("300m", "64Mi")))).code).toBe(422);
  });

  test.each<[string, object, string]>([
    [
      "less memory than it may already use",
      { limits: { memory: "512Mi" } },
      "spec.containers[0].resources.limits[memory]: Forbidden: memory limits cannot be decreased unless resizePolicy is RestartContainer",
    ],
    [
      "another class of service",
      { requests: { cpu: "2", memory: "1Gi" } },
      'spec: Invalid value: "Burstable": Pod QOS Class may not change as a result of resizing',
    ],
    [
      "no request any more",
      { $patch: "replace", requests: { memory: "64Mi" }, limits: { memory: "1Gi" } },
      "spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed",
    ],
    [
      "another resource",
      { requests: { "ephemeral-storage": "1Gi" } },
      "spec: Forbidden: only cpu and memory resources are mutable",
    ],
  ])("not to %s", async (_, resources, why) => {
    const api = await withPod();
    const refused = await api.request("PATCH", `${pods}/web/resize`, resized(resources));
    expect(refused).toMatchObject({ code: 422, body: { message: expect.stringContaining(why) } });
  });
});
