import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { importImages } from "./archive.ts";
import { ImageStore } from "./image-store.ts";
import { LayerStore } from "./layer-store.ts";
import { isWhiteout } from "./layer-view.ts";
import { buildImage, type ImageSource, type LayerEntry, writeLayout } from "./writer.ts";

let dir: string;
let warnings: string[];
let images: ImageStore;
let layers: LayerStore;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "flotilla-layers-"));
  warnings = [];
  images = new ImageStore(dir);
  layers = new LayerStore(dir, images.content, (_level, _message, fields) => warnings.push(`${fields?.message}`));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const file = (path: string, content = path, more: Partial<LayerEntry> = {}): LayerEntry => ({
  path,
  type: "file",
  content,
  ...more,
});

/** Unpacks an image of these layers, bottom first; returns their directories, bottom first. */
async function unpack(...contents: (readonly LayerEntry[])[]): Promise<string[]> {
  return unpackSource({ name: "test:v1", layers: contents.map((entries) => ({ entries })) });
}

async function unpackSource(source: ImageSource): Promise<string[]> {
  const archive = join(dir, "image.tar");
  await writeLayout(archive, [await buildImage(source)]);
  const [image] = await importImages(images, archive, { nowMs: 1 });
  const names = await layers.prepare(image as NonNullable<typeof image>);
  return names.map((name) => join(layers.dir, name)).reverse();
}

describe("a layer unpacked", () => {
  test("has modes, owners, links of both kinds and the times of the archive", async () => {
    const [root] = (await unpack([
      { path: "bin", type: "directory", mode: 0o1777 },
      file("bin/tool", "x", { mode: 0o4755, uid: 7, gid: 8 }),
      { path: "bin/hard", type: "link", target: "bin/tool" },
      { path: "bin/soft", type: "symlink", target: "/bin/tool" },
    ])) as [string];
    expect(statSync(join(root, "bin")).mode & 0o7777).toBe(0o1777);
    expect(statSync(join(root, "bin/tool"))).toMatchObject({ uid: 7, gid: 8, nlink: 2, mtimeMs: 0 });
    expect(statSync(join(root, "bin/tool")).mode & 0o7777).toBe(0o4755);
    expect(lstatSync(join(root, "bin/soft")).isSymbolicLink()).toBe(true);
    expect(statSync(join(root, "bin")).mtimeMs).toBe(0);
  });

  test("is told by its bytes, not by its media type", async () => {
    for (const compression of ["gzip", "zstd", "none"] as const) {
      const [root] = (await unpackSource({
        name: "test:v1",
        layers: [{ entries: [file(compression)], compression }],
      })) as [string];
      expect(readdirSync(root)).toEqual([compression]);
    }
  });

  test("hides what it deletes: one name, or all a directory had", async () => {
    const [, top] = (await unpack(
      [file("etc/a"), file("etc/b"), file("var/x"), file("var/y/z")],
      [file("etc/.wh.a", ""), file("etc/.wh.never", ""), file("var/new"), file("var/.wh..wh..opq", "")],
    )) as [string, string];
    expect(isWhiteout(lstatSync(join(top, "etc/a")))).toBe(true);
    expect(readdirSync(join(top, "etc"))).toEqual(["a"]);
    expect(readdirSync(join(top, "var")).sort()).toEqual(["new", "x", "y"]);
    expect(["x", "y"].every((name) => isWhiteout(lstatSync(join(top, "var", name))))).toBe(true);
  });

  test("a directory it does not mention is as below; a linked one leads where it leads in the image", async () => {
    const [, top] = (await unpack(
      [
        { path: "data", type: "directory", mode: 0o700, uid: 5 },
        { path: "usr/lib", type: "directory" },
        { path: "lib", type: "symlink", target: "usr/lib" },
      ],
      [file("data/x"), file("lib/y")],
    )) as [string, string];
    expect(statSync(join(top, "data"))).toMatchObject({ uid: 5 });
    expect(statSync(join(top, "data")).mode & 0o777).toBe(0o700);
    expect(readFileSync(join(top, "usr/lib/y"), "utf8")).toBe("lib/y");
    expect(readdirSync(top).sort()).toEqual(["data", "usr"]);
  });

  test("device nodes are left out, and that is said", async () => {
    const [root] = (await unpack([{ path: "dev/null", type: "character-device" }, file("a")])) as [string];
    expect(readdirSync(root).sort()).toEqual(["a", "dev"]);
    expect(warnings).toEqual(["dev/null: a character-device is left out"]);
  });
});

describe("a layer that means harm", () => {
  test.each([
    ["a name with ..", [file("../escaped")]],
    ["a hard link with ..", [{ path: "x", type: "link", target: "../../etc/passwd" } as const]],
    ["a hard link to nowhere", [{ path: "x", type: "link", target: "etc/shadow" } as const]],
  ])("%s is refused", async (_name, entries: readonly LayerEntry[]) => {
    await expect(unpack(entries)).rejects.toThrow(/outside the image|does not have/);
    expect(readdirSync(layers.dir)).toEqual([]);
  });

  test.each(["/tmp", "../../../../../../../tmp", "/"])(
    "a symbolic link to %s leads nowhere outside",
    async (target) => {
      const name = `escaped-${process.pid}`;
      const [root] = (await unpack([{ path: "out", type: "symlink", target }, file(`out/${name}`)])) as [string];
      expect(readdirSync("/tmp")).not.toContain(name);
      expect(readdirSync("/")).not.toContain(name);
      expect(readFileSync(join(root, target === "/" ? "" : "tmp", name), "utf8")).toBe(`out/${name}`);
    },
  );

  test("absolute names land inside; links that chase each other are refused", async () => {
    const [root] = (await unpack([file("/etc/x")])) as [string];
    expect(readFileSync(join(root, "etc/x"), "utf8")).toBe("/etc/x");
    const loop = (path: string, target: string): LayerEntry => ({ path, type: "symlink", target });
    await expect(unpack([loop("a", "b"), loop("b", "a"), file("a/x")])).rejects.toThrow("too many symbolic links");
  });
});

test("two containers unpack an image once; layers go with their last user", async () => {
  const built = await buildImage({ name: "test:v1", layers: [{ entries: [file("a")] }, { entries: [file("b")] }] });
  for (const { bytes } of built.blobs) await images.content.write(bytes);
  const image = images.name("test:v1", built.manifest.descriptor.digest, 1);
  const [one, two] = await Promise.all([layers.prepare(image), layers.prepare(image)]);
  expect(one).toEqual(two);
  layers.keepOnly([image], []);
  expect(readdirSync(layers.dir).sort()).toEqual([...one].sort());
  layers.keepOnly([], one.slice(1));
  expect(readdirSync(layers.dir)).toEqual(one.slice(1));
});
