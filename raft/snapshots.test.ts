import { describe, expect, test } from "vitest";
import { toUtf8 } from "../base/mod.ts";
import { entry, LoneNode, logOf, type Start, snapshotAt } from "./node.testing.ts";
import { emptyConfState, type Message, MessageType, message, noBytes } from "./types.ts";

const { MsgApp, MsgAppResp, MsgHeartbeat, MsgHeartbeatResp, MsgSnap, MsgVoteResp } = MessageType;

const to = (messages: readonly Message[], type: MessageType) => messages.filter((m) => m.type === type && m.to === 2n);
const progress = (lone: LoneNode) => lone.node.status().progress.get(2n);

/** A leader of term 2 that has compacted everything up to index 4 of five. 2 has not answered yet. */
function compacted(start: Start = {}): LoneNode {
  const log = logOf([1, 1, 1, 1]);
  const lone = new LoneNode({ preVote: false, log, hardState: { term: 1, commit: 4 }, applied: 4, ...start });
  lone.node.campaign();
  lone.settle();
  lone.receive(MsgVoteResp, 3n, { term: 2 });
  lone.receive(MsgAppResp, 3n, { term: 2, index: 5 });
  lone.storage.createSnapshot(4, lone.node.confState, noBytes);
  lone.storage.compact(4);
  return lone;
}
const reject = { term: 2, index: 4, reject: true, rejectHint: 1, logTerm: 1 };

describe("the log is compacted past a slow follower", () => {
  test("while its probe is on the way: it gets a snapshot instead of what is gone", () => {
    const lone = compacted();
    expect(progress(lone)).toMatchObject({ state: "probe", paused: true });
    expect(to(lone.receive(MsgAppResp, 2n, reject), MsgSnap)).toHaveLength(1);
    expect(progress(lone)).toMatchObject({ state: "snapshot", next: 5 });
  });

  test("and the snapshot ends exactly where the log does: its acknowledgement is enough to go on", () => {
    const lone = compacted();
    lone.storage.createSnapshot(5, lone.node.confState, noBytes);
    lone.storage.compact(5);
    expect(to(lone.receive(MsgAppResp, 2n, reject), MsgSnap)).toMatchObject([{ snapshot: { metadata: { index: 5 } } }]);
    lone.receive(MsgAppResp, 2n, { term: 2, index: 5 });
    expect(progress(lone)).toMatchObject({ state: "replicate", match: 5, next: 6 });
    lone.node.propose(toUtf8("a"));
    expect(to(lone.settle(), MsgApp)).toMatchObject([{ index: 5, entries: [{ index: 6 }] }]);
  });

  test("and nobody ever says what became of the snapshot: it counts as lost, and is sent again", () => {
    const lone = compacted({ snapshotTicks: 7 });
    lone.receive(MsgAppResp, 2n, reject);
    for (let i = 0; i < 7; i++) {
      lone.node.tick();
      lone.receive(MsgHeartbeatResp, 3n, { term: 2 });
    }
    expect(progress(lone)).toMatchObject({ state: "probe", match: 0 });
    expect(to(lone.receive(MsgHeartbeatResp, 2n, { term: 2 }), MsgSnap)).toHaveLength(1);
  });

  test("and rejections keep coming that are older than the snapshot: one snapshot, not one for each", () => {
    const lone = compacted();
    let snapshots = 0;
    for (let i = 0; i < 10; i++) snapshots += to(lone.receive(MsgAppResp, 2n, reject), MsgSnap).length;
    expect(snapshots).toBe(1);
  });
});

describe("a snapshot arrives among appends", () => {
  const snapshot = snapshotAt(2, 5, [1n, 2n, 3n]);

  test("that are being written: none of them is credited to the log after it, and the next append fits", () => {
    const lone = new LoneNode({ log: logOf([1, 1]) });
    lone.node.step(
      message(MsgApp, 1n, { from: 2n, term: 2, index: 2, logTerm: 1, entries: [entry(1, 3), entry(1, 4)] }),
    );
    const writing = lone.take();
    lone.node.step(message(MsgSnap, 1n, { from: 2n, term: 2, snapshot }));
    const install = lone.take();
    lone.persist(writing);
    expect(lone.node.status()).toMatchObject({ committed: 5, lastIndex: 5, applied: 0 });
    lone.persist(install);
    const [answer] = lone.receive(MsgApp, 2n, { term: 2, index: 5, logTerm: 2, entries: [entry(2, 6)], commit: 6 });
    expect(answer).toMatchObject({ type: MsgAppResp, index: 6, reject: false });
    expect(lone.log).toEqual(["2/6"]);
  });

  // etcd#18055: the second took the file of the first, which was yet to be applied.
  test("while another is being put in place: it is not taken", () => {
    const lone = new LoneNode({ log: logOf([1, 1]) });
    lone.node.step(message(MsgSnap, 1n, { from: 2n, term: 2, snapshot }));
    const install = lone.take();
    lone.node.step(message(MsgSnap, 1n, { from: 3n, term: 3, snapshot: snapshotAt(3, 9, [1n, 2n, 3n]) }));
    const meanwhile = lone.node.hasReady() ? lone.take() : undefined;
    expect([install.snapshot?.metadata.index, meanwhile?.snapshot]).toEqual([5, undefined]);
    lone.storage.applySnapshot(snapshot);
    lone.node.persisted(install.number);
    lone.node.applied(5);
    expect(lone.node.status()).toMatchObject({ committed: 5, lastIndex: 5, applied: 5 });
  });

  test("that are late: they change nothing, and the commit index stays", () => {
    const lone = new LoneNode({ log: logOf([1, 1]) });
    lone.receive(MsgSnap, 2n, { term: 2, snapshot });
    const late = { term: 2, index: 2, logTerm: 1, entries: [entry(2, 3)], commit: 3 };
    expect(lone.receive(MsgApp, 2n, late)).toMatchObject([{ index: 5, reject: false }]);
    expect(lone.node.status()).toMatchObject({ committed: 5, lastIndex: 5 });
  });
});

describe("who comes back with less than it had", () => {
  test("as a learner with an empty disk, under the id of one that was there: it waits for its snapshot", () => {
    const conf = { ...emptyConfState(), voters: [2n, 3n], learners: [1n] };
    const lone = new LoneNode({ conf });
    expect(lone.receive(MsgHeartbeat, 2n, { term: 2, commit: 9 })).toMatchObject([{ type: MsgHeartbeatResp }]);
    const [answer] = lone.receive(MsgApp, 2n, { term: 2, index: 9, logTerm: 2, commit: 9 });
    expect(answer).toMatchObject({ reject: true, rejectHint: 0 });
    const installed = { ...conf, learners: [1n] };
    const metadata = { confState: installed, index: 9, term: 2 };
    lone.receive(MsgSnap, 2n, { term: 2, snapshot: { data: noBytes, metadata } });
    expect(lone.node.status()).toMatchObject({ committed: 9, lastIndex: 9 });
  });

  // The leader remembers what this voter acknowledged before; its vote and its log are not to be trusted any more.
  test("as a voter from an old image of its disk: it stops, instead of voting with what it has forgotten", () => {
    const lone = new LoneNode({ log: logOf([1, 1]), hardState: { term: 1, commit: 2 } });
    expect(() => lone.receive(MsgHeartbeat, 2n, { term: 1, commit: 4 })).toThrow("was the log damaged or lost?");
  });
});
