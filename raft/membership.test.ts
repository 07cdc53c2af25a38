import { describe, expect, test } from "vitest";
import { toUtf8 } from "../base/mod.ts";
import { LoneNode, leader, logOf, snapshotAt } from "./node.testing.ts";
import {
  ConfChangeTransition,
  ConfChangeType,
  type ConfChangeV2,
  EntryType,
  emptyConfState,
  type Message,
  MessageType,
  message,
  type NodeId,
  noBytes,
} from "./types.ts";

const { MsgApp, MsgAppResp, MsgProp, MsgSnap, MsgVoteResp } = MessageType;

function change(type: ConfChangeType, ...ids: NodeId[]): ConfChangeV2 {
  const changes = ids.map((nodeId) => ({ type, nodeId }));
  return { transition: ConfChangeTransition.ConfChangeTransitionAuto, changes, context: noBytes };
}
const add = (...ids: NodeId[]) => change(ConfChangeType.ConfChangeAddNode, ...ids);
const remove = (...ids: NodeId[]) => change(ConfChangeType.ConfChangeRemoveNode, ...ids);
const data = toUtf8("a change");

const propose = (lone: LoneNode, what: ConfChangeV2) =>
  lone.node.proposeConfChange(what, EntryType.EntryConfChangeV2, what.changes.length === 0 ? noBytes : data);

/** `ids` have everything the leader has. */
function acknowledge(lone: LoneNode, ...ids: NodeId[]): void {
  for (const id of ids) lone.receive(MsgAppResp, id, { term: lone.node.term, index: lone.storage.lastIndex() });
}

const appends = (messages: readonly Message[], id: NodeId) => messages.filter((m) => m.type === MsgApp && m.to === id);

describe("a change of membership is refused", () => {
  test("until the leader has committed and applied something in its term", () => {
    const lone = leader({ log: logOf([1]), hardState: { term: 1, commit: 1 }, applied: 1 });
    expect(propose(lone, add(4n))).toEqual({ ok: false, reason: "ConfChangePending" });
    acknowledge(lone, 2n);
    expect(propose(lone, add(4n))).toEqual({ ok: true });
  });

  test("until the one before it is applied, and not only committed", () => {
    const lone = leader();
    acknowledge(lone, 2n);
    propose(lone, add(4n));
    const ready = lone.take();
    lone.persist(ready);
    lone.node.step(message(MsgAppResp, 1n, { from: 2n, term: 1, index: 2 }));
    expect(lone.node.committed).toBe(2);
    expect(propose(lone, add(5n))).toEqual({ ok: false, reason: "ConfChangePending" });
    lone.take();
    lone.node.applyConfChange(add(4n), 2);
    lone.node.applied(2);
    expect(propose(lone, add(5n))).toEqual({ ok: true });
  });

  test("if it cannot be made", () => {
    const lone = leader();
    acknowledge(lone, 2n);
    expect(propose(lone, remove(1n, 2n, 3n))).toEqual({ ok: false, reason: "ConfChangeInvalid" });
    expect(propose(lone, add())).toEqual({ ok: false, reason: "ConfChangeInvalid" }); // nothing to leave
  });

  test("and becomes an empty entry, if its proposer is elsewhere and cannot be told", () => {
    const lone = leader();
    const entries = [{ type: EntryType.EntryConfChangeV2, term: 0, index: 0, data }];
    const sent = lone.receive(MsgProp, 2n, { entries });
    expect(sent).toEqual([]); // 2 has not answered the first append
    expect(lone.storage.entries(2, 3, 1e9)).toMatchObject([{ type: EntryType.EntryNormal, data: noBytes }]);
  });
});

describe("a change of membership", () => {
  test("counts from the moment it is applied: the new member's word weighs, and it is sent what it lacks", () => {
    const lone = leader();
    acknowledge(lone, 2n);
    lone.node.applyConfChange(add(4n, 5n), 1);
    expect(lone.node.confState).toMatchObject({ voters: [1n, 2n, 3n, 4n, 5n], votersOutgoing: [1n, 2n, 3n] });
    expect(appends(lone.settle(), 4n)).toHaveLength(1);
  });

  test("that makes the quorum smaller commits what waited for who is gone", () => {
    const lone = leader({ voters: [1n, 2n] });
    acknowledge(lone, 2n);
    lone.node.propose(toUtf8("a"));
    lone.settle();
    expect(lone.node.committed).toBe(1);
    lone.node.applyConfChange(remove(2n), 1);
    expect(lone.node.committed).toBe(2);
  });

  test("that removes the leader makes it step down, after telling the others of the commit", () => {
    const lone = leader();
    acknowledge(lone, 2n, 3n);
    propose(lone, remove(1n));
    lone.settle();
    const sent = lone.receive(MsgAppResp, 2n, { term: 1, index: 2 });
    expect(appends(sent, 2n)).toMatchObject([{ commit: 2 }]);
    lone.node.applyConfChange(remove(1n), 2);
    expect(lone.node.status()).toMatchObject({ role: "follower", leader: 0n });
  });

  test("forgets a successor that is gone", () => {
    const lone = leader();
    lone.node.transferLeader(3n);
    lone.node.applyConfChange(remove(3n), 1);
    expect(lone.node.status().transferee).toBe(0n);
  });

  test("removes the word of who is gone", () => {
    const lone = leader({ voters: [1n, 2n, 3n, 4n] });
    lone.receive(MsgVoteResp, 3n, { term: 1 });
    lone.node.applyConfChange(remove(4n), 1);
    acknowledge(lone, 4n);
    expect(lone.node.committed).toBe(0);
    acknowledge(lone, 3n);
    expect(lone.node.committed).toBe(1);
  });

  test("that was in a snapshot is not made a second time by a host that still applies what came before", () => {
    const conf = { ...emptyConfState(), voters: [2n, 3n], learners: [1n] };
    const lone = new LoneNode({ conf });
    const snapshot = snapshotAt(2, 10, [1n, 2n, 3n, 4n]);
    lone.node.step(message(MsgSnap, 1n, { from: 2n, term: 2, snapshot }));
    // The host is told what was right at that index; the node goes by the snapshot.
    expect(lone.node.applyConfChange(add(1n), 5)).toMatchObject({ voters: [1n, 2n, 3n], learners: [] });
    expect(lone.node.confState).toMatchObject({ voters: [1n, 2n, 3n, 4n], learners: [] });
    lone.node.applyConfChange(remove(4n), 11);
    expect(lone.node.confState).toMatchObject({ voters: [1n, 2n, 3n] });
  });
});

describe("a joint configuration", () => {
  const joint = {
    ...emptyConfState(),
    voters: [1n, 4n, 5n],
    votersOutgoing: [1n, 2n, 3n],
    autoLeave: true,
  };

  function jointLeader(): LoneNode {
    const lone = new LoneNode({ conf: joint, preVote: false });
    lone.node.campaign();
    lone.settle();
    lone.receive(MsgVoteResp, 2n, { term: 1 });
    expect(lone.node.role).toBe("candidate"); // one half is not enough
    lone.receive(MsgVoteResp, 4n, { term: 1 });
    return lone;
  }

  test("elects and commits with both majorities", () => {
    const lone = jointLeader();
    expect(lone.node.role).toBe("leader");
    acknowledge(lone, 4n, 5n);
    expect(lone.node.committed).toBe(0);
    acknowledge(lone, 2n);
    expect(lone.node.committed).toBe(1);
  });

  test("is left by whoever leads, once its first entry is applied", () => {
    const lone = jointLeader();
    acknowledge(lone, 2n, 4n);
    expect(lone.storage.entries(2, 3, 1e9)).toMatchObject([{ type: EntryType.EntryConfChangeV2, data: noBytes }]);
    lone.node.applyConfChange(add(), 2);
    expect(lone.node.confState).toEqual({ ...emptyConfState(), voters: [1n, 4n, 5n] });
  });

  test("confirms reads with both majorities", () => {
    const lone = jointLeader();
    acknowledge(lone, 2n, 4n);
    lone.node.readIndex(toUtf8("r"));
    const context = lone.settle().find((m) => m.type === MessageType.MsgHeartbeat)?.context;
    lone.receive(MessageType.MsgHeartbeatResp, 4n, { term: 1, context });
    lone.receive(MessageType.MsgHeartbeatResp, 5n, { term: 1, context });
    expect(lone.readies.flatMap((ready) => ready.readStates)).toEqual([]);
    lone.receive(MessageType.MsgHeartbeatResp, 3n, { term: 1, context });
    expect(lone.readies.flatMap((ready) => ready.readStates)).toHaveLength(1);
  });
});

test("founders start with the same committed entries and know each other at once", () => {
  const lone = new LoneNode({ voters: [] });
  lone.node.bootstrap([1n, 2n, 3n].map((id) => ({ id, data: toUtf8(`add ${id}`) })));
  expect(lone.node.confState.voters).toEqual([1n, 2n, 3n]);
  const ready = lone.take();
  expect(ready.hardState).toEqual({ term: 1, vote: 0n, commit: 3 });
  expect(ready.entries.map(({ type, term, index }) => [type, term, index])).toEqual([1, 2, 3].map((i) => [1, 1, i]));
  lone.persist(ready);
  expect(lone.take().committed).toHaveLength(3);
  const told = [1n, 2n, 3n].map((id, i) => lone.node.applyConfChange(add(id), i + 1).voters);
  expect(told).toEqual([[1n], [1n, 2n], [1n, 2n, 3n]]);
  expect(lone.node.confState.voters).toEqual([1n, 2n, 3n]);
});
