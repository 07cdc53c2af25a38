import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildBusyboxImage, buildImage, writeLayout } from "../dataplane/kubelet/mod.ts";
import { TestCluster } from "./support/cluster.ts";
import { eventually } from "./support/eventually.ts";
import { registryIn } from "./support/registry.ts";

interface Pod {
  status: {
    phase: string;
    containerStatuses?: {
      imageID: string;
      state: { waiting?: { reason: string; message?: string }; terminated?: { exitCode: number; reason: string } };
    }[];
  };
}

const cluster = new TestCluster();
const dir = mkdtempSync(join(tmpdir(), "flotilla-images-"));
beforeAll(() => cluster.flotilla("up", "--detach", "--nodes", "1", "--members", "1"));
afterAll(async () => {
  await cluster.remove();
  rmSync(dir, { recursive: true, force: true });
});

const pod = (name: string, container: object, spec: object = {}) =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: { restartPolicy: "Never", containers: [{ name: "main", ...container }], ...spec },
  });
const state = async (name: string) => (await cluster.get<Pod>("pod", name)).status;

test("an image that was loaded from a file runs, with its own programs, users and words", async () => {
  const file = join(dir, "busybox.tar");
  const busybox = await buildBusyboxImage();
  await writeLayout(file, [busybox]);
  expect(await cluster.flotilla("image", "load", file)).toContain("docker.io/library/busybox:latest");
  const { images } = JSON.parse(await cluster.flotilla("image", "list", "-o", "json")) as { images: { id: string }[] };
  expect(images).toMatchObject([{ node: "node-1", repoTags: ["docker.io/library/busybox:latest"] }]);
  const command = ["sh", "-c", "cat /etc/passwd | head -1; id -un; ls / | tr '\\n' ' '"];
  const container = { image: "busybox", imagePullPolicy: "IfNotPresent", command, securityContext: { runAsUser: 33 } };
  await cluster.apply(pod("loaded", container));
  await eventually("it ran", async () => (await state("loaded")).phase === "Succeeded");
  const log = await cluster.kubectl("logs", "loaded");
  expect(log).toMatch(/^root:x:0:0:root:\/root:\/bin\/sh\nwww-data\nbin dev etc home proc root sys tmp usr var /);
  expect((await state("loaded")).containerStatuses?.[0]?.imageID).toContain(busybox.manifest.descriptor.digest);
  await cluster.flotilla("image", "rm", "busybox");
  expect(await cluster.flotilla("image", "list")).not.toContain("busybox");
});

test("a private registry's image is pulled with the pod's secret; without it the pod says why it waits", async () => {
  const registry = await registryIn(`/proc/${await cluster.pidOf("node-1")}/ns/net`, {
    auth: { scheme: "bearer", username: "u", password: "p" },
  });
  try {
    registry.push("team/tool:v1", await buildBusyboxImage({ name: "unused" }));
    const image = `${registry.host}/team/tool:v1`;
    await cluster.apply(pod("refused", { image, command: ["true"] }));
    const waiting = (name: string) =>
      eventually(`${name} waits`, async () => {
        const { waiting: why } = (await state(name)).containerStatuses?.[0]?.state ?? {};
        return why?.message === undefined ? undefined : why;
      });
    const refused = await waiting("refused");
    expect(refused.reason).toMatch(/^(ErrImagePull|ImagePullBackOff)$/);
    expect(refused.message).toContain("pull access denied, repository does not exist or may require authorization");
    const credentials = ["--docker-server", registry.host, "--docker-username", "u", "--docker-password", "p"];
    await cluster.kubectl("create", "secret", "docker-registry", "pull", ...credentials);
    await cluster.apply(pod("allowed", { image, command: ["true"] }, { imagePullSecrets: [{ name: "pull" }] }));
    await eventually("it ran", async () => (await state("allowed")).phase === "Succeeded");
    const missing = `${registry.host}/team/none:v1`;
    await cluster.apply(pod("missing", { image: missing }, { imagePullSecrets: [{ name: "pull" }] }));
    const { message } = await waiting("missing");
    expect(message).toContain(`failed to resolve reference "${missing}": ${missing}: not found`);
  } finally {
    await registry.stop();
  }
});

test("a file that is no image, and a node that is not there, are refused in one line", async () => {
  const file = join(dir, "nothing.tar");
  await writeLayout(file, [await buildImage({ name: "not a name", layers: [] })]);
  for (const [args, message] of [
    [["load", file], "[ImageUnusable]"],
    [["load", join(dir, "missing.tar")], "[FileMissing]"],
    [["list", "--node", "node-9"], "[UnknownNode]"],
    [["rm", "busybox"], "[ImageUnknown]"],
  ] as const) {
    const { code, stderr } = await cluster.tryFlotilla("image", ...args);
    expect(code).toBe(1);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stderr).toContain(message);
  }
});
