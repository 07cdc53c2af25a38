import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { importImages } from "./archive.ts";
import { buildBusyboxImage } from "./busybox-image.ts";
import { ImageStore } from "./image-store.ts";
import { type BuiltImage, buildImage, writeLayout } from "./writer.ts";

let dir: string;
let store: ImageStore;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "flotilla-images-"));
  store = new ImageStore(join(dir, "store"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const image = (name: string, content = name, compression: "gzip" | "zstd" | "none" = "gzip") =>
  buildImage({
    name,
    layers: [{ entries: [{ path: "etc/name", type: "file", content }], compression }],
    config: { Cmd: ["/bin/true"] },
  });
const nowMs = 1_700_000_000_000;

async function layoutOf(...images: BuiltImage[]): Promise<string> {
  const file = join(dir, "layout.tar");
  await writeLayout(file, images);
  return file;
}

/** Docker's old form: a directory per layer, the configuration under its hash, and a list. */
function dockerSave(built: BuiltImage, tags: string[]): string {
  const root = join(dir, "saved");
  const [layer, config] = built.blobs as [BuiltImage["manifest"], BuiltImage["manifest"]];
  mkdirSync(join(root, "l1"), { recursive: true });
  writeFileSync(join(root, "l1/layer.tar"), layer.bytes);
  const configFile = `${config.descriptor.digest.slice(7)}.json`;
  writeFileSync(join(root, configFile), config.bytes);
  writeFileSync(
    join(root, "manifest.json"),
    JSON.stringify([{ Config: configFile, RepoTags: tags, Layers: ["l1/layer.tar"] }]),
  );
  const file = join(dir, "saved.tar");
  execFileSync("tar", ["-C", root, "-cf", file, "."]);
  return file;
}

test("a layout's images are found under every form of their names, and by id", async () => {
  const [web, db] = [await image("docker.io/library/web:latest"), await image("example.com/db:v1")];
  await importImages(store, await layoutOf(web, db), { nowMs });
  const id = web.blobs[1]?.descriptor.digest as string;
  for (const name of ["web", "web:latest", "docker.io/library/web", `web@${web.manifest.descriptor.digest}`, id])
    expect(store.find(name)?.id).toBe(id);
  expect(store.find("example.com/db:v1")).toMatchObject({
    repoTags: ["example.com/db:v1"],
    repoDigests: [`example.com/db@${db.manifest.descriptor.digest}`],
  });
  expect(store.find("example.com/db")).toBeUndefined();
  expect(() => store.find("No Name")).toThrow("invalid reference format");
});

test("a layout may be a directory, and a tar may be compressed", async () => {
  const file = await layoutOf(await image("web:v1", "x", "none"));
  mkdirSync(join(dir, "layout"));
  execFileSync("tar", ["-C", join(dir, "layout"), "-xf", file]);
  await importImages(store, join(dir, "layout"), { nowMs });
  expect(store.find("web:v1")).toBeDefined();
  const again = new ImageStore(join(dir, "again"));
  writeFileSync(join(dir, "layout.tgz"), gzipSync(execFileSync("cat", [file])));
  await importImages(again, join(dir, "layout.tgz"), { nowMs });
  expect(again.find("web:v1")?.id).toBe(store.find("web:v1")?.id);
});

test("an archive of docker save keeps the id; without a tag it needs a name", async () => {
  const built = await image("web:v1", "x", "none");
  await importImages(store, dockerSave(built, ["web:v1", "web:stable"]), { nowMs });
  expect(store.find("web:stable")?.id).toBe(built.blobs[1]?.descriptor.digest);
  expect(store.list()).toHaveLength(1);
  const untagged = dockerSave(built, []);
  await expect(importImages(store, untagged, { nowMs })).rejects.toThrow("give it a name");
  await importImages(store, untagged, { nowMs, name: "mine:1" });
  expect(store.find("mine:1")).toBeDefined();
});

test("a damaged blob is refused, and so is what is no image", async () => {
  const built = await image("web:v1");
  const layer = built.blobs[0] as BuiltImage["manifest"];
  const broken = { ...built, blobs: [{ ...layer, bytes: Buffer.from("other") }, ...built.blobs.slice(1)] };
  await expect(importImages(store, await layoutOf(broken), { nowMs })).rejects.toThrow("unexpected content");
  const short = { ...built, blobs: built.blobs.slice(1) };
  await expect(importImages(store, await layoutOf(short), { nowMs })).rejects.toThrow("lacks its content");
  writeFileSync(join(dir, "text"), "hello ".repeat(1000));
  await expect(importImages(store, join(dir, "text"), { nowMs })).rejects.toThrow("cannot be read as an archive");
  expect(store.list()).toEqual([]);
});

test("an image for another machine is refused", async () => {
  const foreign = await buildImage({ name: "web:v1", layers: [], platform: { os: "plan9", architecture: "mips" } });
  const index = Buffer.from(
    JSON.stringify({
      manifests: [{ ...foreign.manifest.descriptor, platform: { os: "plan9", architecture: "mips" } }],
    }),
  );
  for (const { bytes } of foreign.blobs) await store.content.write(bytes);
  const target = await store.content.write(index);
  expect(() => store.name("web:v1", target, nowMs)).toThrow("no match for platform");
});

test("a sweep takes what no name leads to, and waits while somebody adds", async () => {
  const [web, db] = [await image("web:v1"), await image("db:v1")];
  await importImages(store, await layoutOf(web, db), { nowMs });
  expect(store.remove("web:v1")).toBe(true);
  expect(store.remove("web:v1")).toBe(false);
  await store.adding(async () => expect(await store.sweep()).toBe(false));
  expect(store.content.has(web.manifest.descriptor.digest)).toBe(true);
  expect(await store.sweep()).toBe(true);
  expect(store.content.has(web.manifest.descriptor.digest)).toBe(false);
  for (const { descriptor } of db.blobs) expect(store.content.has(descriptor.digest)).toBe(true);
});

test("progress counts the file's bytes; building twice gives the same image", async () => {
  const file = await layoutOf(await buildBusyboxImage());
  const seen: [number, number][] = [];
  await importImages(store, file, { nowMs, onProgress: (done, total) => seen.push([done, total]) });
  expect(seen.at(-1)?.[0]).toBe(seen.at(-1)?.[1]);
  expect(store.find("busybox")?.manifest.config.digest).toBe((await buildBusyboxImage()).blobs[1]?.descriptor.digest);
});
