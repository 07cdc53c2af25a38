import { describe, expect, test } from "vitest";
import type { Pod } from "../../api/mod.ts";
import { readerWith, refusalOf, requestFor } from "./admission.testing.ts";
import { limitRanger } from "./limit-ranger.ts";

const metadata = { name: "p", namespace: "shop" };
const pod = (resources: object = {}, more: object = {}) => ({
  metadata: { ...metadata },
  spec: { containers: [{ name: "web", resources }], ...more },
});
const ranges = (...limits: object[]) =>
  limitRanger(readerWith({ limitranges: [{ metadata: { name: "limits", namespace: "shop" }, spec: { limits } }] }));

test("a container gets what it does not say itself, and an annotation tells", async () => {
  const body = pod({ requests: { cpu: "50m" } }, { initContainers: [{ name: "setup" }] });
  const plugin = ranges({
    type: "Container",
    default: { cpu: "200m", memory: "1Gi" },
    defaultRequest: { cpu: "100m", memory: "512Mi" },
  });
  expect(await refusalOf(plugin, requestFor("pods", body))).toBeUndefined();
  const { spec, metadata: written } = body as unknown as Pod;
  expect(spec.containers[0]?.resources).toEqual({
    limits: { cpu: "200m", memory: "1Gi" },
    requests: { cpu: "50m", memory: "512Mi" },
  });
  expect(written.annotations).toEqual({
    "kubernetes.io/limit-ranger":
      "LimitRanger plugin set: memory request for container web; cpu, memory limit for container web; " +
      "cpu, memory request for init container setup; cpu, memory limit for init container setup",
  });
});

describe("what is out of bounds is refused", () => {
  test.each([
    [
      { type: "Container", max: { cpu: "1" } },
      { limits: { cpu: "2" } },
      "maximum cpu usage per Container is 1, but limit is 2",
    ],
    [{ type: "Container", max: { cpu: "1" } }, {}, "maximum cpu usage per Container is 1.  No limit is specified"],
    [
      { type: "Container", min: { memory: "64Mi" } },
      { requests: { memory: "32Mi" } },
      "minimum memory usage per Container is 64Mi, but request is 32Mi",
    ],
    [
      { type: "Container", min: { memory: "64Mi" } },
      {},
      "minimum memory usage per Container is 64Mi.  No request is specified",
    ],
    [
      { type: "Container", maxLimitRequestRatio: { cpu: "2" } },
      { requests: { cpu: "100m" }, limits: { cpu: "300m" } },
      "cpu max limit to request ratio per Container is 2, but provided ratio is 3.000000",
    ],
    [
      { type: "Pod", max: { cpu: "1", memory: "1Gi" } },
      { limits: { cpu: "2", memory: "2Gi" } },
      "[maximum cpu usage per Pod is 1, but limit is 2, maximum memory usage per Pod is 1Gi, but limit is 2Gi]",
    ],
  ])("%j of %j", async (limit, resources, expected) => {
    expect(await refusalOf(ranges(limit), requestFor("pods", pod(resources)))).toBe(
      `pods "p" is forbidden: ${expected}`,
    );
  });

  test("claims, also when they grow", async () => {
    const plugin = ranges({ type: "PersistentVolumeClaim", min: { storage: "1Gi" }, max: { storage: "2Gi" } });
    const claim = (storage: string) => ({ metadata, spec: { resources: { requests: { storage } } } });
    const refused = (storage: string, operation: "CREATE" | "UPDATE") =>
      refusalOf(plugin, requestFor("persistentvolumeclaims", claim(storage), { operation }));
    expect(await refused("1Gi", "CREATE")).toBeUndefined();
    expect(await refused("500Mi", "CREATE")).toBe(
      'persistentvolumeclaims "p" is forbidden: minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 500Mi',
    );
    expect(await refused("5Gi", "UPDATE")).toContain(
      "maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 5Gi",
    );
  });
});

test("limits of a pod count init containers as its peak, not its sum", async () => {
  const more = { initContainers: [{ name: "i", resources: { limits: { cpu: "1" } } }] };
  const plugin = ranges({ type: "Pod", max: { cpu: "1" } });
  expect(await refusalOf(plugin, requestFor("pods", pod({ limits: { cpu: "1" } }, more)))).toBeUndefined();
});

test("an update of a pod is not looked at: its resources cannot change there", async () => {
  const plugin = ranges({ type: "Container", max: { cpu: "1" } });
  expect(await refusalOf(plugin, requestFor("pods", pod(), { operation: "UPDATE" }))).toBeUndefined();
  const resize = requestFor("pods", pod(), { operation: "UPDATE", subresource: "resize" });
  expect(await refusalOf(plugin, resize)).toContain("No limit is specified");
});
