import { beforeEach, expect, test } from "vitest";
import { VirtualClock } from "../../../base/mod.ts";
import type { Container, Image } from "../runtime/cri.ts";
import { ImageGc } from "./image-gc.ts";

const image = (name: string, sizeBytes: number): Image => ({
  id: `sha256:${name}`,
  repoTags: [`${name}:v1`],
  repoDigests: [],
  sizeBytes,
});

let clock: VirtualClock;
let images: Image[];
let used: string[];
/** Free bytes of a disk of 1000. */
let available: number;
let gc: ImageGc;

beforeEach(() => {
  clock = new VirtualClock();
  images = [image("old", 50), image("new", 60), image("busy", 70)];
  used = ["busy:v1"];
  available = 100;
  const runtime = {
    listImages: async () => images,
    imageStatus: async (name: string) => images.find(({ id, repoTags }) => id === name || repoTags.includes(name)),
    pullImage: async () => ({ imageRef: "" }),
    removeImage: async (id: string) => {
      available += images.find((one) => one.id === id)?.sizeBytes ?? 0;
      images = images.filter((one) => one.id !== id);
    },
    imageFsInfo: async () => ({ mountpoint: "/images", usedBytes: 0, inodesUsed: 0 }),
    listContainers: async () => used.map((name) => ({ image: name, imageRef: "" }) as Container),
  };
  gc = new ImageGc({ runtime, clock, log: () => undefined, statfs: () => ({ capacity: 1000, available }) });
});

const names = () => images.map(({ id }) => id.slice(7));

test("below the upper mark nothing goes", async () => {
  available = 160;
  await gc.collect();
  await clock.advance(600_000);
  await gc.collect();
  expect(names()).toEqual(["old", "new", "busy"]);
});

test("above it the longest unused go first, until the lower mark; what is used or has just come stays", async () => {
  used = ["busy:v1", "old:v1"];
  available = 160;
  await gc.collect();
  await clock.advance(300_000);
  used = ["busy:v1"];
  images.push(image("fresh", 500));
  available = 145;
  await gc.collect(); // 55 are wanted: `new` was never used, `old` a while ago
  expect(names()).toEqual(["old", "busy", "fresh"]);
});

test("when not enough can be freed, that is said", async () => {
  await gc.collect().catch(() => undefined);
  expect(names()).toEqual(["old", "new", "busy"]); // all came within the last two minutes
  await clock.advance(120_000);
  available = 50;
  await expect(gc.collect()).rejects.toThrow("Attempted to free 150 bytes, but only found 110 bytes eligible to free.");
  expect(names()).toEqual(["busy"]);
});

test("before pods are evicted, all that is unused goes", async () => {
  available = 900;
  await gc.collect();
  await clock.advance(120_000);
  expect(await gc.collectUnused()).toBe(110);
  expect(names()).toEqual(["busy"]);
});
