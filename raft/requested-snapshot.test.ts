import { describe, expect, test } from "vitest";
import { fromUtf8, toUtf8 } from "../base/mod.ts";
import { entry, LoneNode, logOf, snapshotAt } from "./node.testing.ts";
import { TraceCluster } from "./trace/cluster.testing.ts";
import { type Message, MessageType, message } from "./types.ts";

const { MsgApp, MsgAppResp, MsgHeartbeat, MsgSnap, MsgTimeoutNow, MsgVoteResp } = MessageType;

const asked = (messages: readonly Message[]) =>
  messages.filter((m) => m.type === MsgAppResp && fromUtf8(m.context) === "RequestSnapshot").map((m) => m.index);

/** A follower of 2 in term 2, with three entries, the last of them of that term and all of them committed. */
function follower(): LoneNode {
  const lone = new LoneNode({ log: logOf([1, 1]) });
  lone.receive(MsgApp, 2n, { term: 2, index: 2, logTerm: 1, entries: [entry(2, 3)], commit: 3 });
  return lone;
}

describe("a follower that asks for a snapshot", () => {
  test("tells the leader with every sign of life, and that it has what it has", () => {
    const lone = follower();
    lone.node.requestSnapshot();
    expect(asked(lone.receive(MsgHeartbeat, 2n, { term: 2, commit: 3 }))).toEqual([3]);
    const more = { term: 2, index: 3, logTerm: 2, entries: [entry(2, 4)], commit: 3 };
    expect(asked(lone.receive(MsgApp, 2n, more))).toEqual([3]);
    expect(lone.log).toEqual(["1/1", "1/2", "2/3"]);
  });

  test("takes one at the index it has applied already", () => {
    const lone = follower();
    lone.node.requestSnapshot();
    const sent = lone.receive(MsgSnap, 2n, { term: 2, snapshot: snapshotAt(2, 3, [1n, 2n, 3n]) });
    expect(lone.readies.at(-1)?.snapshot?.metadata.index).toBe(3);
    expect([asked(sent), sent.map(({ index }) => index)]).toEqual([[], [3]]);
    expect(lone.node.status()).toMatchObject({ snapshotWanted: false, committed: 3, lastIndex: 3 });
  });

  test("never goes back: one that is older than its log is refused, and it asks again", () => {
    const lone = follower();
    lone.node.requestSnapshot();
    const sent = lone.receive(MsgSnap, 2n, { term: 2, snapshot: snapshotAt(1, 2, [1n, 2n, 3n]) });
    expect(asked(sent)).toEqual([3]);
    expect(lone.log).toEqual(["1/1", "1/2", "2/3"]);
  });

  // What it acknowledged to an earlier leader may be anybody's: only the leader of its last entry knows what is committed.
  test("waits until it has an entry of its leader: a snapshot before that may leave out what it acknowledged", () => {
    const lone = new LoneNode({ log: logOf([1, 1, 1]) });
    lone.node.requestSnapshot();
    expect(asked(lone.receive(MsgHeartbeat, 2n, { term: 2 }))).toEqual([]);
    const opening = { term: 2, index: 3, logTerm: 1, entries: [entry(2, 4)] };
    expect(asked(lone.receive(MsgApp, 2n, opening))).toEqual([4]);
  });

  test("asks the next leader too", () => {
    const lone = follower();
    lone.node.requestSnapshot();
    lone.receive(MsgHeartbeat, 3n, { term: 5 });
    const opening = { term: 5, index: 3, logTerm: 2, entries: [entry(5, 4)] };
    expect(asked(lone.receive(MsgApp, 3n, opening))).toEqual([4]);
  });

  test("is handed nothing more before the host has put it in place, though the index is one it had applied", () => {
    const lone = follower();
    lone.node.requestSnapshot();
    const snapshot = snapshotAt(2, 3, [1n, 2n, 3n]);
    lone.node.step(message(MsgSnap, 1n, { from: 2n, term: 2, snapshot }));
    const ready = lone.take();
    const more = { from: 2n, term: 2, index: 3, logTerm: 2, entries: [entry(2, 4)], commit: 4 };
    lone.node.step(message(MsgApp, 1n, more));
    const next = lone.take();
    lone.storage.applySnapshot(snapshot);
    lone.storage.append(next.entries);
    lone.node.persisted(next.number);
    expect([ready.committed, lone.node.hasReady()]).toEqual([[], false]);
    lone.node.applied(3);
    expect(lone.take().committed.map(({ index }) => index)).toEqual([4]);
  });

  test("reports a batch that ends where the snapshot is, and the snapshot, one after the other", () => {
    const lone = new LoneNode({ log: logOf([1, 1]) });
    lone.node.step(message(MsgApp, 1n, { from: 2n, term: 2, index: 2, logTerm: 1, entries: [entry(2, 3)], commit: 3 }));
    lone.persist(lone.take());
    expect(lone.take().committed.map(({ index }) => index)).toEqual([3]); // being applied
    lone.node.requestSnapshot();
    lone.node.step(message(MsgSnap, 1n, { from: 2n, term: 2, snapshot: snapshotAt(2, 3, [1n, 2n, 3n]) }));
    const install = lone.take();
    lone.storage.applySnapshot(snapshotAt(2, 3, [1n, 2n, 3n]));
    lone.node.persisted(install.number);
    lone.node.applied(3); // the batch
    lone.node.step(message(MsgApp, 1n, { from: 2n, term: 2, index: 3, logTerm: 2, entries: [entry(2, 4)], commit: 4 }));
    lone.persist(lone.take());
    expect(lone.node.hasReady() && lone.take().committed.length > 0).toBe(false);
    lone.node.applied(3); // the snapshot
    expect(lone.take().committed.map(({ index }) => index)).toEqual([4]);
  });
});

describe("a leader that is asked for a snapshot", () => {
  function leader(): LoneNode {
    const lone = new LoneNode({ preVote: false, log: logOf([1, 1]), hardState: { term: 1, commit: 2 }, applied: 2 });
    lone.node.campaign();
    lone.settle();
    lone.receive(MsgVoteResp, 2n, { term: 2 });
    lone.storage.createSnapshot(2, lone.node.confState, new Uint8Array(0));
    lone.receive(MsgAppResp, 2n, { term: 2, index: 3 });
    return lone;
  }
  const request = (lone: LoneNode, index: number) =>
    lone.receive(MsgAppResp, 3n, { term: 2, index, context: toUtf8("RequestSnapshot") });
  const snapshots = (messages: readonly Message[]) =>
    messages.filter((m) => m.type === MsgSnap).map((m) => m.snapshot?.metadata.index);

  test("sends none that is older than what the follower has", () => {
    const lone = leader();
    expect(snapshots(request(lone, 3))).toEqual([]);
    expect(lone.storage.wantedSnapshot).toBe(3);
    lone.storage.createSnapshot(3, lone.node.confState, new Uint8Array(0));
    expect(snapshots(request(lone, 3))).toEqual([3]);
    expect(lone.storage.wantedSnapshot).toBeUndefined();
  });

  test("sends it once, however often the question arrives", () => {
    const lone = leader();
    lone.storage.createSnapshot(3, lone.node.confState, new Uint8Array(0));
    expect(snapshots(request(lone, 3))).toEqual([3]);
    expect(snapshots(request(lone, 3))).toEqual([]);
    lone.node.propose(toUtf8("a"));
    lone.settle();
    lone.receive(MsgAppResp, 3n, { term: 2, index: 4 }); // it has it, and goes on
    expect(snapshots(request(lone, 3))).toEqual([]); // late
  });

  test("counts what the follower has: a cluster of two commits what the snapshot must hold", () => {
    const lone = new LoneNode({ preVote: false, voters: [1n, 3n] });
    lone.node.campaign();
    lone.settle();
    lone.receive(MsgVoteResp, 3n, { term: 1 });
    lone.receive(MsgAppResp, 3n, { term: 1, index: 1, context: toUtf8("RequestSnapshot") });
    expect(lone.node.committed).toBe(1);
    expect(lone.storage.wantedSnapshot).toBe(1);
  });
});

test("a leader that waits for a snapshot itself hands over to who has most of the log", () => {
  const lone = new LoneNode({ preVote: false, electionTicks: 5 });
  lone.node.campaign();
  lone.settle();
  lone.receive(MsgVoteResp, 2n, { term: 1 });
  lone.receive(MsgAppResp, 3n, { term: 1, index: 1 });
  lone.node.requestSnapshot();
  for (let i = 0; i < 5; i++) lone.node.tick();
  expect(lone.settle().filter((m) => m.type === MsgTimeoutNow)).toMatchObject([{ to: 3n }]);
});

test("in a cluster under way: the follower is of use again, and has lost nothing", () => {
  const lines: string[] = [];
  const cluster = new TraceCluster((line) => lines.push(line), [1n, 2n, 3n], {});
  cluster.node(1n).campaign();
  cluster.stabilize();
  for (let i = 0; i < 5; i++) cluster.propose(1n, `${i}`);
  cluster.stabilize();
  cluster.node(3n).requestSnapshot();
  for (let round = 0; round < 5; round++) {
    cluster.propose(1n, "more");
    cluster.node(1n).tick();
    cluster.stabilize();
    const wanted = cluster.storage(1n).wantedSnapshot;
    if (wanted !== undefined)
      cluster.storage(1n).createSnapshot(cluster.node(1n).committed, cluster.node(1n).confState, new Uint8Array(0));
  }
  expect(lines.filter((line) => line.startsWith("3 installs"))).toHaveLength(1);
  expect(cluster.node(3n).status()).toMatchObject({ snapshotWanted: false, applied: cluster.node(1n).committed });
});
