import { expect, test } from "vitest";
import { Chance } from "./chance.ts";
import { VirtualDisk } from "./disk.ts";
import type { Machine } from "./machine.ts";
import { Stage } from "./stage.testing.ts";
import { type Owner, Timeline } from "./timeline.ts";

test("members are connected again soon after one of them came back, before they have anything to say to each other", async () => {
  const stage = await Stage.of(3);
  const [one, other] = stage.members.filter((machine) => machine !== stage.cluster.leader) as [Machine, Machine];
  stage.cluster.crash(one, false);
  stage.cluster.start(one);
  await stage.pass(1, () => one.local !== undefined);
  await stage.pass(1);
  expect(other.process?.transport?.connectedSince(one.local!.member.id)).toBeDefined();
});

test("a disk that is mended takes its time, and no more than that", async () => {
  const timeline = new Timeline();
  const owner: Owner = { number: 1, alive: true, blockedUntilUs: 0 };
  const disk = new VirtualDisk(
    timeline,
    new Chance(1),
    { writeMeanUs: 100, otherMeanUs: 10, stallPerMillion: 1_000_000, stallFactor: 1000, tornPercent: 0 },
    { written: () => undefined, failed: () => undefined },
  );
  let file: { writeDurably(bytes: Uint8Array, position: number, done: () => void): void } | undefined;
  void disk
    .for(owner)
    .create("/log")
    .then((created) => {
      file = created;
    });
  await timeline.run(1000, () => undefined);
  const writing = async () => {
    const sinceUs = timeline.nowUs;
    let tookUs = 0;
    for (let i = 0; i < 10; i++) {
      file?.writeDurably(new Uint8Array(10), 0, () => {
        tookUs = timeline.nowUs - sinceUs;
      });
    }
    await timeline.run(sinceUs + 20_000_000, () => undefined);
    return tookUs;
  };
  expect(await writing()).toBeGreaterThan(50_000);
  disk.mend();
  expect(await writing()).toBeLessThan(5000);
});
