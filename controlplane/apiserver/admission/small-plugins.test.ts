import { describe, expect, test } from "vitest";
import type { Ingress, KubeObject, Node, PersistentVolumeClaim, Pod } from "../../api/mod.ts";
import { readerWith, refusalOf, requestFor } from "./admission.testing.ts";
import { persistentVolumeClaimResize } from "./claim-resize.ts";
import { defaultIngressClass } from "./default-ingress-class.ts";
import { defaultStorageClass } from "./default-storage-class.ts";
import { defaultTolerationSeconds } from "./default-toleration-seconds.ts";
import { priority } from "./priority.ts";
import { runtimeClass } from "./runtime-class.ts";
import { storageObjectInUseProtection } from "./storage-in-use.ts";
import { taintNodesByCondition } from "./taint-nodes.ts";

const metadata = { name: "p", namespace: "shop" };
const pod = (spec: object = {}) => ({ metadata: { ...metadata }, spec: { containers: [], ...spec } });
const specOf = (body: object) => (body as unknown as Pod).spec;

describe("Priority", () => {
  const classes = [
    { metadata: { name: "high" }, value: 1000, preemptionPolicy: "Never" },
    { metadata: { name: "usual" }, value: 10, globalDefault: true, preemptionPolicy: "PreemptLowerPriority" },
  ];
  const plugin = priority(readerWith({ priorityclasses: classes }));

  test.each([
    [{ priorityClassName: "high" }, { priority: 1000, preemptionPolicy: "Never" }],
    [{}, { priorityClassName: "usual", priority: 10, preemptionPolicy: "PreemptLowerPriority" }],
    [{ priority: 10 }, { priority: 10 }],
  ])("%j becomes %j", async (spec, expected) => {
    const body = pod(spec);
    expect(await refusalOf(plugin, requestFor("pods", body))).toBeUndefined();
    expect(specOf(body)).toMatchObject(expected);
  });

  test("without a default it is zero", async () => {
    const body = pod();
    await refusalOf(priority(readerWith({})), requestFor("pods", body));
    expect(specOf(body)).toMatchObject({ priority: 0, preemptionPolicy: "PreemptLowerPriority" });
  });

  test.each([
    [{ priorityClassName: "none" }, "no PriorityClass with name none was found"],
    [
      { priorityClassName: "high", priority: 5 },
      "the integer value of priority (5) must not be provided in pod spec; priority admission controller computed 1000 from the given PriorityClass name",
    ],
    [
      { priorityClassName: "high", preemptionPolicy: "PreemptLowerPriority" },
      "the string value of PreemptionPolicy (PreemptLowerPriority) must not be provided in pod spec; priority admission controller computed Never from the given PriorityClass name",
    ],
  ])("%j is refused", async (spec, why) => {
    expect(await refusalOf(plugin, requestFor("pods", pod(spec)))).toBe(`pods "p" is forbidden: ${why}`);
  });

  test("there is one default, and the system's classes stay", async () => {
    const second = { metadata: { name: "second" }, value: 1, globalDefault: true };
    expect(await refusalOf(plugin, requestFor("priorityclasses.scheduling.k8s.io", second))).toBe(
      'priorityclasses.scheduling.k8s.io "second" is forbidden: PriorityClass usual is already marked as default. Only one default can exist',
    );
    const system = { metadata: { name: "system-node-critical" } } as KubeObject;
    const deletion = requestFor("priorityclasses.scheduling.k8s.io", undefined, { operation: "DELETE", old: system });
    expect(await refusalOf(plugin, deletion)).toContain("this is a system priority class and cannot be deleted");
  });
});

describe("RuntimeClass", () => {
  const found = {
    metadata: { name: "vm" },
    overhead: { podFixed: { cpu: "250m" } },
    scheduling: { nodeSelector: { vm: "yes" }, tolerations: [{ key: "vm" }] },
  };
  const plugin = runtimeClass(readerWith({ runtimeclasses: [found] }));

  test("adds its overhead and where it runs", async () => {
    const body = pod({ runtimeClassName: "vm", nodeSelector: { disk: "ssd" }, tolerations: [{ key: "vm" }] });
    expect(await refusalOf(plugin, requestFor("pods", body))).toBeUndefined();
    expect(specOf(body)).toMatchObject({
      overhead: { cpu: "250m" },
      nodeSelector: { disk: "ssd", vm: "yes" },
      tolerations: [{ key: "vm" }],
    });
  });

  test.each([
    [{ runtimeClassName: "none" }, 'pod rejected: RuntimeClass "none" not found'],
    [
      { runtimeClassName: "vm", nodeSelector: { vm: "no" } },
      "conflict: runtimeClass.scheduling.nodeSelector[vm] = yes; pod.spec.nodeSelector[vm] = no",
    ],
    [
      { runtimeClassName: "vm", overhead: { cpu: "1" } },
      "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead",
    ],
    [{ overhead: { cpu: "1" } }, "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"],
  ])("%j is refused", async (spec, why) => {
    expect(await refusalOf(plugin, requestFor("pods", pod(spec)))).toBe(`pods "p" is forbidden: ${why}`);
  });
});

describe("default classes", () => {
  const marked =
    (key: string) =>
    (name: string, creationTimestamp: string, value = "true") => ({
      metadata: { name, creationTimestamp, annotations: { [`${key}.kubernetes.io/is-default-class`]: value } },
    });

  test("a claim without a class gets the newest default", async () => {
    const of = marked("storageclass");
    const storageclasses = [
      of("old", "2026-01-01T00:00:00Z"),
      of("b", "2026-02-01T00:00:00Z"),
      of("a", "2026-02-01T00:00:00Z"),
    ];
    const plugin = defaultStorageClass(readerWith({ storageclasses }));
    const chosen = async (spec: object) => {
      const claim = { metadata: { ...metadata }, spec };
      await refusalOf(plugin, requestFor("persistentvolumeclaims", claim));
      return (claim as unknown as PersistentVolumeClaim).spec.storageClassName;
    };
    expect(await chosen({})).toBe("a");
    expect(await chosen({ storageClassName: "" })).toBe("");
    expect(await chosen({ storageClassName: "slow" })).toBe("slow");
  });

  test("an Ingress too, unless the old annotation names one", async () => {
    const of = marked("ingressclass");
    const ingressclasses = [of("edge", "2026-01-01T00:00:00Z"), of("no", "2026-02-01T00:00:00Z", "false")];
    const plugin = defaultIngressClass(readerWith({ ingressclasses }));
    const chosen = async (annotations: object) => {
      const ingress = { metadata: { ...metadata, annotations }, spec: {} };
      await refusalOf(plugin, requestFor("ingresses.networking.k8s.io", ingress));
      return (ingress as unknown as Ingress).spec?.ingressClassName;
    };
    expect(await chosen({})).toBe("edge");
    expect(await chosen({ "kubernetes.io/ingress.class": "other" })).toBeUndefined();
  });
});

describe("claims that grow", () => {
  const storageclasses = [{ metadata: { name: "fast" }, allowVolumeExpansion: true }, { metadata: { name: "fixed" } }];
  const plugin = persistentVolumeClaimResize(readerWith({ storageclasses }));
  const claim = (storage: string, storageClassName: string, phase: string) => ({
    metadata,
    spec: { storageClassName, resources: { requests: { storage } } },
    status: { phase },
  });
  test.each([
    ["bound, of a class that allows it", "fast", "Bound", undefined],
    ["not bound", "fast", "Pending", "Only bound persistent volume claims can be expanded"],
    [
      "of a class that does not allow it",
      "fixed",
      "Bound",
      "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize",
    ],
  ])("%s", async (_what, storageClass, phase, why) => {
    const old = claim("1Gi", storageClass, phase) as unknown as KubeObject;
    const request = requestFor("persistentvolumeclaims", claim("2Gi", storageClass, phase), {
      operation: "UPDATE",
      old,
    });
    expect(await refusalOf(plugin, request)).toBe(why && `persistentvolumeclaims "p" is forbidden: ${why}`);
  });
});

test("claims and volumes are protected while they may be in use", async () => {
  const volume: KubeObject = { metadata: { name: "v" } };
  await refusalOf(storageObjectInUseProtection, requestFor("persistentvolumes", volume));
  expect(volume.metadata.finalizers).toEqual(["kubernetes.io/pv-protection"]);
});

test("a new node repels pods until it is known to be ready", async () => {
  const node = { metadata: { name: "n" }, spec: { taints: [{ key: "gpu", effect: "NoSchedule" }] } };
  await refusalOf(taintNodesByCondition, requestFor("nodes", node));
  await refusalOf(taintNodesByCondition, requestFor("nodes", node));
  expect((node as unknown as Node).spec?.taints).toEqual([
    { key: "gpu", effect: "NoSchedule" },
    { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" },
  ]);
});

test("a pod tolerates trouble of its node for five minutes, unless it says otherwise", async () => {
  const body = pod({
    tolerations: [{ key: "node.kubernetes.io/not-ready", operator: "Exists", tolerationSeconds: 5 }],
  });
  await refusalOf(defaultTolerationSeconds, requestFor("pods", body));
  expect(specOf(body).tolerations).toEqual([
    { key: "node.kubernetes.io/not-ready", operator: "Exists", tolerationSeconds: 5 },
    { key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 },
  ]);
});
