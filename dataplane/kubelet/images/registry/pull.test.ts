import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../../controlplane/client/mod.ts";
import type { AuthConfig } from "../../runtime/cri.ts";
import { digestOf } from "../content-store.ts";
import { ImageStore } from "../image-store.ts";
import { hostPlatform } from "../oci.ts";
import { type ImageReference, parseImageReference } from "../reference.ts";
import { type BuiltImage, buildImage } from "../writer.ts";
import { credentialsFor } from "./keyring.ts";
import { pullImage } from "./pull.ts";
import { TestRegistry, type TestRegistryOptions } from "./registry.testing.ts";
import { endpointsOf, noRegistryConfig, readRegistryConfig } from "./registry-config.ts";

let dir: string;
let store: ImageStore;
let registry: TestRegistry;
let image: BuiltImage;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "flotilla-pull-"));
  store = new ImageStore(dir);
  const content = Buffer.alloc(300_000, "flotilla");
  image = await buildImage({
    name: "unused",
    layers: [{ entries: [{ path: "data", type: "file", content }], compression: "none" }],
  });
});
afterEach(async () => {
  await registry.stop();
  rmSync(dir, { recursive: true, force: true });
});

async function serve(options: TestRegistryOptions = {}): Promise<void> {
  registry = await new TestRegistry(options).start();
  registry.push("team/web:v1", image);
}

const pull = (name: string, auth?: AuthConfig, registries = noRegistryConfig) =>
  pullImage(parseImageReference(name) as ImageReference, { store, registries, clock: systemClock, auth });

describe("pulling", () => {
  test("by tag and by digest; what is here is not fetched again", async () => {
    await serve();
    const pulled = await pull(`${registry.host}/team/web:v1`);
    const digest = image.manifest.descriptor.digest;
    expect(pulled).toMatchObject({
      id: image.blobs[1]?.descriptor.digest,
      repoTags: [`${registry.host}/team/web:v1`],
      repoDigests: [`${registry.host}/team/web@${digest}`],
    });
    const before = registry.log.length;
    await pull(`${registry.host}/team/web@${digest}`);
    expect(registry.log.length).toBe(before);
  });

  test("a transfer that breaks off goes on where it ended", async () => {
    await serve({ breakAfterBytes: 100_000 });
    await pull(`${registry.host}/team/web:v1`);
    const layer = image.blobs[0]?.descriptor.digest;
    const asked = registry.log.filter((line) => line.includes(`${layer}`));
    expect(asked).toHaveLength(2);
    expect(asked[1]).toMatch(/ bytes=\d{2,}-$/);
  });

  test("of several platforms this machine's is taken", async () => {
    await serve();
    const index = {
      manifests: [
        { digest: `sha256:${"0".repeat(64)}`, size: 1, platform: { os: "plan9", architecture: "mips" } },
        { ...image.manifest.descriptor, platform: hostPlatform },
      ],
    };
    const digest = digestOf(JSON.stringify(index));
    registry.pushIndex("team/many:v1", digest, index);
    expect(await pull(`${registry.host}/team/many:v1`)).toMatchObject({
      id: image.blobs[1]?.descriptor.digest,
      repoDigests: [`${registry.host}/team/many@${digest}`],
    });
    const foreign = { manifests: [index.manifests[0]] };
    registry.pushIndex("team/foreign:v1", digestOf(JSON.stringify(foreign)), foreign);
    await expect(pull(`${registry.host}/team/foreign:v1`)).rejects.toMatchObject({
      code: "NotFound",
      message: expect.stringContaining("no match for platform in manifest"),
    });
  });

  test("bytes that are not what their digest says are refused", async () => {
    await serve();
    const layer = image.blobs[0]?.descriptor as BuiltImage["manifest"]["descriptor"];
    registry.corrupt(layer.digest, Buffer.alloc(layer.size));
    await expect(pull(`${registry.host}/team/web:v1`)).rejects.toThrow("unexpected content");
    expect(store.list()).toEqual([]);
  });

  test("a mirror is asked first, the registry when it has nothing, and credentials are not shown to it", async () => {
    await serve({ auth: { scheme: "basic", username: "u", password: "p" } });
    const mirror = await new TestRegistry().start();
    try {
      mirror.push("library/busybox:latest", image);
      const mirrors = { "docker.io": [`http://${mirror.host}`], [registry.host]: [`http://${mirror.host}`] };
      const registries = { mirrors, insecure: [] };
      expect((await pull("busybox", undefined, registries)).repoTags).toEqual(["docker.io/library/busybox:latest"]);
      await pull(`${registry.host}/team/web:v1`, { username: "u", password: "p" }, registries);
      expect(mirror.log).toContain("GET /v2/team/web/manifests/v1");
    } finally {
      await mirror.stop();
    }
  });
});

describe("what cannot be pulled says why", () => {
  test("no such image", async () => {
    await serve();
    const name = `${registry.host}/team/none:v1`;
    await expect(pull(name)).rejects.toMatchObject({
      code: "NotFound",
      message: `failed to pull and unpack image "${name}": failed to resolve reference "${name}": ${name}: not found`,
    });
  });

  test.each(["basic", "bearer"] as const)("not without credentials, nor with wrong ones (%s)", async (scheme) => {
    await serve({ auth: { scheme, username: "u", password: "p" } });
    const name = `${registry.host}/team/web:v1`;
    await expect(pull(name)).rejects.toMatchObject({
      code: "Unauthenticated",
      message: expect.stringContaining("pull access denied, repository does not exist or may require authorization"),
    });
    await expect(pull(name, { username: "u", password: "wrong" })).rejects.toMatchObject({ code: "Unauthenticated" });
    expect((await pull(name, { username: "u", password: "p" })).repoTags).toEqual([name]);
  });

  test("no way to the registry", async () => {
    await serve();
    const { host } = registry;
    await registry.stop();
    await expect(pull(`${host}/team/web:v1`)).rejects.toMatchObject({
      code: "Unavailable",
      message: expect.stringMatching(/failed to do request: GET .*ECONNREFUSED/),
    });
    await serve();
  });
});

test("credentials are found by host and path, the most specific first", async () => {
  await serve();
  const entry = (name: string) => ({ auth: Buffer.from(`${name}:secret`).toString("base64") });
  const config = JSON.stringify({
    auths: {
      "https://index.docker.io/v1/": entry("hub"),
      "*.example.com": entry("wide"),
      "reg.example.com/team": entry("team"),
    },
  });
  const users = (image: string) => credentialsFor(image, [config]).map(({ username }) => username);
  expect(users("busybox")).toEqual(["hub"]);
  expect(users("reg.example.com/team/web:v1")).toEqual(["team", "wide"]);
  expect(users("reg.example.com/teams/web")).toEqual(["wide"]);
  expect(users("deep.reg.example.com/x")).toEqual([]);
  expect(
    credentialsFor("busybox", [JSON.stringify({ "docker.io": { username: "old", password: "p" } })]),
  ).toMatchObject([{ username: "old", password: "p" }]);
});

test("the registry configuration is checked; loopback and insecure hosts may speak plain HTTP", async () => {
  await serve();
  const file = join(dir, "registries.yaml");
  writeFileSync(file, "mirrors:\n  docker.io: [http://127.0.0.1:5000/]\ninsecure: [reg.local:5000]\n");
  const config = readRegistryConfig(file);
  expect(endpointsOf("docker.io", config).map(({ base }) => base)).toEqual([
    "http://127.0.0.1:5000",
    "https://registry-1.docker.io",
  ]);
  expect(endpointsOf("reg.local:5000", config).map(({ base, verifyTls }) => [base, verifyTls])).toEqual([
    ["https://reg.local:5000", false],
    ["http://reg.local:5000", false],
  ]);
  expect(endpointsOf("localhost:5000", config)[0]?.base).toBe("http://localhost:5000");
  writeFileSync(file, "mirror: {}\n");
  expect(() => readRegistryConfig(file)).toThrow("unknown field mirror");
});
