import { expect, test } from "vitest";
import { toUtf8 } from "../../base/mod.ts";
import type { Machine } from "./machine.ts";
import { Stage } from "./stage.testing.ts";

async function join(stage: Stage, machine: Machine): Promise<void> {
  await stage.until(stage.client.cluster.memberAdd([machine.peerUrl]));
  machine.isMember = true;
  stage.cluster.start(machine, "existing");
  await stage.pass(30, () => machine.local !== undefined);
  await stage.settled();
}

test("a member that lost its database is found by the others, though at its start it is told of none of them", async () => {
  const stage = await Stage.of(3, { snapshotCount: 20, catchupEntries: 5, segmentBytes: 8192 });
  const [m0, m1, m2, m3, m4] = stage.cluster.machines as [Machine, Machine, Machine, Machine, Machine];
  await join(stage, m3);
  await join(stage, m4);
  const { cluster, kv } = stage.cluster.client([m3]).client;
  for (const founder of [m0, m2]) {
    await stage.until(cluster.memberRemove(founder.local!.member.id));
    await stage.pass(30, () => !founder.isMember && stage.cluster.leader !== undefined);
    await stage.pass(3);
  }
  // So much that the beginning of the log goes.
  for (let i = 0; i < 60; i++) await stage.until(kv.put({ key: toUtf8("a"), value: new Uint8Array(500) }));
  await stage.settled();

  stage.cluster.crash(m1, true);
  m1.home.wipe();
  stage.cluster.start(m1, "existing");
  await stage.pass(30, () => m1.local !== undefined);
  expect(m1.local?.member.state.store.revision).toBe(61);
  await stage.settled();
  expect(stage.members).toEqual([m1, m3, m4]);
});

test("who began the cluster alone is brought back its database by those who joined", async () => {
  const stage = await Stage.of(1, { snapshotCount: 20, catchupEntries: 5, segmentBytes: 8192 });
  const [m0, m1] = stage.cluster.machines as [Machine, Machine];
  const { kv } = stage.client;
  for (let i = 0; i < 60; i++) await stage.until(kv.put({ key: toUtf8("a"), value: new Uint8Array(500) }));
  await join(stage, m1);
  for (let i = 0; i < 60; i++) await stage.until(kv.put({ key: toUtf8("a"), value: new Uint8Array(500) }));

  stage.cluster.crash(m0, true);
  m0.home.wipe();
  stage.cluster.start(m0);
  await stage.settled();
  expect(m0.local?.member.state.store.revision).toBe(121);
});
