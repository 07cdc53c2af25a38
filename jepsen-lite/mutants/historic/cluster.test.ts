import { expect, test } from "vitest";
import { toUtf8 } from "../../../base/mod.ts";
import { Stage } from "../../simulation/stage.testing.ts";

/** Keys, as each member has them. */
function keysOf({ members }: Stage): string[][] {
  return members.map(({ local }) => {
    const keys: string[] = [];
    local!.member.state.store.visit({ from: "", to: undefined }, ({ key }) => keys.push(key) > 0);
    return keys;
  });
}

// etcd#18667: members to which the client was not connected left the reads out, and with them what made the transaction fail.
test("a transaction that reads a compacted revision does nothing, on every member", async () => {
  const stage = await Stage.of(3);
  const { kv } = stage.client;
  for (const value of ["1", "2", "3"]) await stage.until(kv.put({ key: toUtf8("a"), value: toUtf8(value) }));
  await stage.until(kv.compact({ revision: 4 }));
  const success = [
    { requestPut: { key: toUtf8("b"), value: toUtf8("written") } },
    { requestRange: { key: toUtf8("a"), revision: 2 } },
  ];
  await expect(stage.until(kv.txn({ success }))).rejects.toMatchObject({ etcdCode: "Compacted" });
  await stage.settled();
  expect(keysOf(stage)).toEqual([["a"], ["a"], ["a"]]);
  expect(stage.members.map(({ local }) => local!.member.state.store.revision)).toEqual([4, 4, 4]);
});

// etcd#13975: the leader's own request was refused, and leases stood at -644,865 s.
test("leases run out while auth is enabled, with all that hangs on them", async () => {
  const stage = await Stage.of(3);
  const { kv, lease, auth } = stage.client;
  await stage.until(lease.grant(2, 7n));
  await stage.until(kv.put({ key: toUtf8("a"), value: toUtf8("1"), lease: 7n }));
  await stage.until(auth.userAdd("root", undefined));
  await stage.until(auth.userGrantRole("root", "root"));
  await stage.until(auth.enable());
  expect(keysOf(stage)[0]).toEqual(["a"]);
  await stage.pass(10);
  expect(stage.members.map(({ local }) => local!.member.state.lessor.size)).toEqual([0, 0, 0]);
  expect(keysOf(stage)).toEqual([[], [], []]);
});

// etcd#15528: the second came before Raft knew that the first was applied, and was dropped.
test("changes of membership that follow each other at once are all made", async () => {
  const stage = await Stage.of(3);
  const { cluster } = stage.cluster.client([stage.cluster.leader!]).client;
  for (let round = 0; round < 3; round++) {
    const { member } = await stage.until(cluster.memberAdd([`http://late${round}:2380`], true));
    const { members } = await stage.until(cluster.memberRemove(member!.id));
    expect(members).toHaveLength(3);
  }
  await stage.settled();
  expect(stage.members.map(({ local }) => local!.member.membership.members.length)).toEqual([3, 3, 3]);
});

// etcd#14891: what was asked of it had timed out, and logging that it was slow ended the member.
test("a member that stands still while it is asked goes on when it wakes", async () => {
  const stage = await Stage.of(3);
  const leader = stage.cluster.leader!;
  const { kv } = stage.cluster.client([leader]).client;
  const read = { success: [{ requestRange: { key: toUtf8("a") } }] };
  const asked = [kv.txn(read), kv.txn(read), kv.put({ key: toUtf8("a"), value: toUtf8("1") })];
  leader.process!.pause(6_000_000);
  const outcomes = await stage.until(Promise.allSettled(asked));
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
  await stage.pass(10);
  expect(leader.isUp).toBe(true);
  await stage.until(kv.txn(read));
});
