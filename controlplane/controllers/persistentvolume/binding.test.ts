import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from "../../api/mod.ts";
import { settle } from "../../client/elapse.testing.ts";
import { isNotFound } from "../../client/mod.ts";
import { TestCluster } from "../common/cluster.testing.ts";
import { selectedNode, storageProvisioner } from "./annotations.ts";
import { PersistentVolumeBinder } from "./controller.ts";

let cluster: TestCluster;
let stop: () => Promise<void>;
beforeEach(async () => {
  cluster = new TestCluster();
  stop = await cluster.start((context) => new PersistentVolumeBinder(context));
});
afterEach(() => cluster.stop());

type Volume = NonNullable<PersistentVolume["spec"]>;
type Claim = NonNullable<PersistentVolumeClaim["spec"]>;

function volume(name: string, storage: string, spec: Partial<Volume> = {}): Promise<PersistentVolume> {
  const hostPath = { path: `/data/${name}` };
  return cluster.client.persistentVolumes.create({
    metadata: { name, labels: { name } },
    spec: { capacity: { storage }, accessModes: ["ReadWriteOnce"], hostPath, ...spec },
  });
}

function claim(name: string, storage: string, spec: Partial<Claim> = {}): Promise<PersistentVolumeClaim> {
  return cluster.client.persistentVolumeClaims.create({
    metadata: { name, namespace: "default" },
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage } }, ...spec },
    status: { phase: "Pending" },
  });
}

function storageClass(name: string, provisioner: string, more: Partial<StorageClass> = {}): Promise<StorageClass> {
  return cluster.client.storageClasses.create({ metadata: { name }, provisioner, ...more });
}

async function claimNow(name: string): Promise<PersistentVolumeClaim> {
  await settle();
  return cluster.client.persistentVolumeClaims.get("default", name);
}

async function volumeNow(name: string): Promise<PersistentVolume> {
  await settle();
  return cluster.client.persistentVolumes.get(name);
}

/** The volume's name, or the phase. */
async function stateOf(name: string): Promise<string | undefined> {
  const { spec, status } = await claimNow(name);
  return status?.phase === "Bound" ? spec?.volumeName : status?.phase;
}

describe("a claim gets", () => {
  test("the smallest volume that is large enough, and both sides say so", async () => {
    await volume("small", "1Gi");
    await volume("fitting", "5Gi");
    await volume("large", "50Gi");
    await claim("c", "2Gi");
    expect(await claimNow("c")).toMatchObject({
      metadata: {
        annotations: { "pv.kubernetes.io/bind-completed": "yes", "pv.kubernetes.io/bound-by-controller": "yes" },
      },
      spec: { volumeName: "fitting" },
      status: { phase: "Bound", accessModes: ["ReadWriteOnce"], capacity: { storage: "5Gi" } },
    });
    expect(await volumeNow("fitting")).toMatchObject({
      metadata: { annotations: { "pv.kubernetes.io/bound-by-controller": "yes" } },
      spec: { claimRef: { kind: "PersistentVolumeClaim", namespace: "default", name: "c" } },
      status: { phase: "Bound" },
    });
    expect((await volumeNow("small")).status?.phase).toBe("Available");
  });

  test.each<[string, Partial<Volume>, Partial<Claim>]>([
    ["of its class", { storageClassName: "fast" }, {}],
    ["with its access modes", {}, { accessModes: ["ReadWriteOnce", "ReadWriteMany"] }],
    ["of its mode", { volumeMode: "Block" }, {}],
    ["with its labels", {}, { selector: { matchLabels: { name: "other" } } }],
    ["not reserved for another", { claimRef: { namespace: "default", name: "other" } }, {}],
    ["large enough", { capacity: { storage: "1Mi" } }, {}],
  ])("only a volume %s", async (_, offered, wanted) => {
    await volume("v", "1Gi", offered);
    await claim("c", "1Gi", wanted);
    expect(await stateOf("c")).toBe("Pending");
  });

  test("the volume reserved for it before a better one", async () => {
    await volume("best", "1Gi");
    await volume("reserved", "9Gi", { claimRef: { namespace: "default", name: "c" } });
    await claim("c", "1Gi");
    expect(await stateOf("c")).toBe("reserved");
    expect((await volumeNow("reserved")).metadata.annotations).toEqual({});
  });

  test("the volume it names, as soon as that exists", async () => {
    await claim("c", "1Gi", { volumeName: "later" });
    expect(await stateOf("c")).toBe("Pending");
    await volume("later", "1Gi");
    cluster.clock.advance(15_000);
    expect(await stateOf("c")).toBe("later");
  });

  test("told why the volume it names will not do", async () => {
    await volume("v", "1Gi", { storageClassName: "fast" });
    await claim("c", "1Gi", { volumeName: "v" });
    expect(await stateOf("c")).toBe("Pending");
    expect(await cluster.eventsAbout("c")).toEqual([
      'VolumeMismatch: Cannot bind to requested volume "v": storageClassName does not match',
    ]);
  });

  test("told that there is none", async () => {
    await claim("c", "1Gi");
    expect(await stateOf("c")).toBe("Pending");
    expect(await cluster.eventsAbout("c")).toEqual([
      "FailedBinding: no persistent volumes available for this claim and no storage class is set",
    ]);
  });

  test("told that its class does not exist", async () => {
    await claim("c", "1Gi", { storageClassName: "gone" });
    expect(await stateOf("c")).toBe("Pending");
    expect(await cluster.eventsAbout("c")).toEqual([
      'ProvisioningFailed: storageclass.storage.k8s.io "gone" not found',
    ]);
  });
});

describe("a volume whose claim is deleted", () => {
  test("is Released and kept", async () => {
    await volume("v", "1Gi");
    await claim("c", "1Gi");
    expect(await stateOf("c")).toBe("v");
    await cluster.client.persistentVolumeClaims.delete("default", "c");
    expect((await volumeNow("v")).status?.phase).toBe("Released");
    await claim("next", "1Gi");
    expect(await stateOf("next"), "its data are the old claim's").toBe("Pending");
  });

  test("and that is to be deleted without anybody who could: says so", async () => {
    await volume("v", "1Gi", { persistentVolumeReclaimPolicy: "Delete" });
    await claim("c", "1Gi");
    expect(await stateOf("c")).toBe("v");
    await cluster.client.persistentVolumeClaims.delete("default", "c");
    const message = 'error getting deleter volume plugin for volume "v": no deletable volume plugin matched';
    expect((await volumeNow("v")).status).toMatchObject({ phase: "Failed", message });
    expect(await cluster.eventsAbout("v")).toEqual([`VolumeFailedDelete: ${message}`]);
  });

  test("is free again when somebody crosses the claim out", async () => {
    await volume("v", "1Gi");
    await claim("c", "1Gi");
    await settle();
    await cluster.client.persistentVolumeClaims.delete("default", "c");
    const released = await volumeNow("v");
    await cluster.client.persistentVolumes.update({ ...released, spec: { ...released.spec, claimRef: undefined } });
    expect((await volumeNow("v")).status?.phase).toBe("Available");
  });
});

test("a claim whose volume is gone is Lost", async () => {
  await volume("v", "1Gi");
  await claim("c", "1Gi");
  await settle();
  await cluster.client.persistentVolumes.delete("v");
  expect(await stateOf("c")).toBe("Lost");
  expect(await cluster.eventsAbout("c")).toEqual([
    "ClaimLost: Bound claim has lost its PersistentVolume. Data on the volume is lost!",
  ]);
});

describe("provisioning", () => {
  test("is handed to the class's provisioner", async () => {
    await storageClass("fast", "example.com/disks");
    await claim("c", "1Gi", { storageClassName: "fast" });
    expect((await claimNow("c")).metadata.annotations).toMatchObject({
      [storageProvisioner]: "example.com/disks",
      "volume.beta.kubernetes.io/storage-provisioner": "example.com/disks",
    });
    expect((await cluster.eventsAbout("c"))[0]).toMatch(/^ExternalProvisioning: Waiting for a volume to be created/);
    await volume("made", "1Gi", { storageClassName: "fast", claimRef: (await claimRefOf("c")) as never });
    expect(await stateOf("c")).toBe("made");
  });

  test("waits for the first consumer's node where the class says so", async () => {
    await storageClass("local", "flotilla.dev/local", { volumeBindingMode: "WaitForFirstConsumer" });
    await volume("free", "1Gi", { storageClassName: "local" });
    await claim("c", "1Gi", { storageClassName: "local" });
    expect(await stateOf("c")).toBe("Pending");
    expect(await cluster.eventsAbout("c")).toEqual([
      "WaitForFirstConsumer: waiting for first consumer to be created before binding",
    ]);
    await cluster.client.pods.create({
      metadata: { name: "web", namespace: "default" },
      spec: { containers: [], volumes: [{ name: "data", persistentVolumeClaim: { claimName: "c" } }] },
    });
    expect(await cluster.eventsAbout("c")).toContain("WaitForPodScheduled: waiting for pod web to be scheduled");
    await ready("n1");
    const waiting = await claimNow("c");
    const annotations = { [selectedNode]: "n1" };
    await cluster.client.persistentVolumes.delete("free");
    await cluster.client.persistentVolumeClaims.update({ ...waiting, metadata: { ...waiting.metadata, annotations } });
    expect((await claimNow("c")).metadata.annotations).toMatchObject({ [storageProvisioner]: "flotilla.dev/local" });
  });

  test("at once, by nodes: the ready one with the fewest volumes is chosen", async () => {
    await storageClass("local", "flotilla.dev/local", { volumeBindingMode: "Immediate" });
    for (const name of ["n1", "n2"]) await ready(name);
    const required = {
      nodeSelectorTerms: [
        { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In" as const, values: ["n1"] }] },
      ],
    };
    await cluster.client.persistentVolumes.create({
      metadata: { name: "v", annotations: { "pv.kubernetes.io/provisioned-by": "flotilla.dev/local" } },
      spec: { nodeAffinity: { required } },
    });
    await settle();
    await claim("c", "1Gi", { storageClassName: "local" });
    expect((await claimNow("c")).metadata.annotations?.[selectedNode]).toBe("n2");
  });
});

async function claimRefOf(name: string) {
  const { metadata } = await cluster.client.persistentVolumeClaims.get("default", name);
  return { kind: "PersistentVolumeClaim", apiVersion: "v1", namespace: "default", name, uid: metadata.uid };
}

async function ready(name: string): Promise<void> {
  await cluster.client.nodes.create({
    metadata: { name, labels: { "kubernetes.io/hostname": name } },
    spec: {},
    status: { conditions: [{ type: "Ready", status: "True" }] },
  });
  await settle();
}

/** What anybody may do at any time, also half way through a binding. */
type Step =
  | { readonly kind: "volume" | "claim"; readonly at: number; readonly size: number }
  | { readonly kind: "delete volume" | "delete claim" | "clear claimRef"; readonly at: number }
  | { readonly kind: "reserve" | "name a volume"; readonly at: number; readonly other: number }
  | { readonly kind: "restart" | "settle" | "turn" };

const at = fc.nat({ max: 3 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constantFrom("volume", "claim"), at, size: fc.nat({ max: 2 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("delete volume", "delete claim", "clear claimRef"), at }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("reserve", "name a volume"), at, other: at }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom("turn", "turn", "settle", "restart") }) },
) as fc.Arbitrary<Step>;

async function tolerant(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    const { code } = error as { code?: number };
    if (!isNotFound(error) && code !== 409) throw error;
  }
}

async function perform(next: Step): Promise<void> {
  const { persistentVolumes, persistentVolumeClaims } = cluster.client;
  switch (next.kind) {
    case "volume":
      return tolerant(volume(`v${next.at}`, `${next.size + 1}Gi`));
    case "claim":
      return tolerant(claim(`c${next.at}`, `${next.size + 1}Gi`));
    case "reserve":
      return tolerant(volume(`v${next.at}`, "3Gi", { claimRef: { namespace: "default", name: `c${next.other}` } }));
    case "name a volume":
      return tolerant(claim(`c${next.at}`, "1Gi", { volumeName: `v${next.other}` }));
    case "delete volume":
      return tolerant(persistentVolumes.delete(`v${next.at}`));
    case "delete claim":
      return tolerant(persistentVolumeClaims.delete("default", `c${next.at}`));
    case "clear claimRef":
      return tolerant(persistentVolumes.patch(`v${next.at}`, "merge", { spec: { claimRef: null } }));
    case "restart":
      await stop();
      stop = await cluster.start((context) => new PersistentVolumeBinder(context));
      return;
    case "turn":
      await new Promise((resolve) => setImmediate(resolve));
      return;
    case "settle":
      await settle();
  }
}

/** Holds at every moment: volumes and claims that are both Bound to something are bound to each other, one to one. */
async function expectOneToOne(): Promise<void> {
  const volumes = (await cluster.client.persistentVolumes.list()).items;
  const claims = (await cluster.client.persistentVolumeClaims.list()).items;
  const owners = new Map<string, string>();
  for (const { metadata, spec, status } of claims) {
    if (status?.phase !== "Bound" || spec?.volumeName === undefined) continue;
    const held = volumes.find((it) => it.metadata.name === spec.volumeName);
    if (held?.spec?.claimRef?.uid !== metadata.uid) continue; // lost, and not yet told
    expect(owners.get(spec.volumeName), `${spec.volumeName} belongs to one claim`).toBeUndefined();
    owners.set(spec.volumeName, metadata.name ?? "");
  }
  for (const { metadata } of claims) {
    const mine = volumes.filter(
      ({ spec }) => spec?.claimRef?.uid === metadata.uid && spec?.claimRef?.uid !== undefined,
    );
    const byUs = mine.filter((it) => it.metadata.annotations?.["pv.kubernetes.io/bound-by-controller"] !== undefined);
    expect(byUs.length, `${metadata.name} was given one volume at most`).toBeLessThanOrEqual(1);
  }
}

test("never one volume for two claims nor two volumes for one, whatever happens in whatever order", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      await cluster.stop();
      cluster = new TestCluster();
      stop = await cluster.start((context) => new PersistentVolumeBinder(context));
      for (const next of steps) {
        await perform(next);
        await expectOneToOne();
      }
      for (let round = 0; round < 3; round++) {
        cluster.clock.advance(15_000);
        await settle();
      }
      await expectOneToOne();
      const { items } = await cluster.client.persistentVolumeClaims.list();
      const free = (await cluster.client.persistentVolumes.list()).items.filter(
        ({ spec, status }) => status?.phase === "Available" && spec?.claimRef === undefined,
      );
      const waiting = items.filter(({ spec, status }) => status?.phase === "Pending" && !spec?.volumeName);
      for (const { spec } of waiting) {
        const wanted = Number.parseInt(spec?.resources?.requests?.storage ?? "", 10);
        const fitting = free.filter((it) => Number.parseInt(it.spec?.capacity?.storage ?? "", 10) >= wanted);
        expect(fitting, "nobody waits beside a volume that would do").toEqual([]);
      }
    }),
    { numRuns: 200 },
  );
}, 30_000);
