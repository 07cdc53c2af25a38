import { describe, expect, test } from "vitest";
import { fromUtf8, toUtf8 } from "../base/mod.ts";
import { LoneNode, leader, logOf, type Start } from "./node.testing.ts";
import { decodeRound, encodeRound, ReadOnly } from "./readonly.ts";
import { type Message, MessageType } from "./types.ts";

const { MsgAppResp, MsgHeartbeat, MsgHeartbeatResp, MsgReadIndex, MsgReadIndexResp, MsgVoteResp } = MessageType;

/** A leader that has committed its first entry. */
function committed(start: Start = {}): LoneNode {
  const lone = leader(start);
  for (const from of [2n, 3n])
    lone.receive(MsgAppResp, from, { term: lone.node.term, index: lone.storage.lastIndex() });
  return lone;
}

const heartbeats = (messages: readonly Message[]) => messages.filter((m) => m.type === MsgHeartbeat);
const answers = (lone: LoneNode) =>
  lone.readies.flatMap(({ readStates }) => readStates.map(({ index, context }) => `${fromUtf8(context)}@${index}`));

describe("a read", () => {
  test("is answered when a majority has answered a heartbeat sent after it was asked", () => {
    const lone = committed();
    lone.node.readIndex(toUtf8("r"));
    const [heartbeat] = heartbeats(lone.settle());
    expect(answers(lone)).toEqual([]);
    lone.receive(MsgHeartbeatResp, 2n, { term: 1, context: (heartbeat as Message).context });
    expect(answers(lone)).toEqual(["r@1"]);
  });

  // The asker repeats its context; an answer to the first round says nothing about the second (etcd#20418).
  test("is not confirmed by a late answer to an earlier read with the same context", () => {
    const lone = committed({ voters: [1n, 2n, 3n, 4n, 5n], log: [] });
    lone.receive(MsgVoteResp, 3n, { term: 1 });
    for (const from of [2n, 3n]) lone.receive(MsgAppResp, from, { term: 1, index: 1 });
    lone.node.readIndex(toUtf8("same"));
    const [first] = heartbeats(lone.settle());
    lone.receive(MsgHeartbeatResp, 2n, { term: 1, context: (first as Message).context });
    lone.node.readIndex(toUtf8("same"));
    lone.settle();
    lone.receive(MsgHeartbeatResp, 3n, { term: 1, context: (first as Message).context });
    expect(answers(lone)).toEqual(["same@1"]);
    lone.receive(MsgHeartbeatResp, 2n, { term: 1, context: (first as Message).context });
    expect(answers(lone)).toEqual(["same@1"]);
  });

  test("waits until its leader has committed something in its term", () => {
    const lone = leader({ log: logOf([1]), hardState: { term: 1, commit: 1 } });
    lone.node.readIndex(toUtf8("early"));
    expect(heartbeats(lone.settle())).toEqual([]);
    const sent = lone.receive(MsgAppResp, 2n, { term: 2, index: 2 });
    lone.receive(MsgHeartbeatResp, 2n, { term: 2, context: (heartbeats(sent)[0] as Message).context });
    expect(answers(lone)).toEqual(["early@2"]);
  });

  test("is not confirmed by learners, strangers or earlier terms", () => {
    const conf = { voters: [1n, 2n, 3n], learners: [4n], votersOutgoing: [], learnersNext: [], autoLeave: false };
    const lone = committed({ conf, hardState: { term: 4 } });
    lone.node.readIndex(toUtf8("r"));
    const context = (heartbeats(lone.settle())[0] as Message).context;
    lone.receive(MsgHeartbeatResp, 4n, { term: 5, context });
    lone.receive(MsgHeartbeatResp, 9n, { term: 5, context });
    lone.receive(MsgHeartbeatResp, 2n, { term: 4, context });
    expect(answers(lone)).toEqual([]);
    lone.receive(MsgHeartbeatResp, 3n, { term: 5, context });
    expect(answers(lone)).toHaveLength(1);
  });

  test("is asked again with every heartbeat: the first may be lost", () => {
    const lone = committed();
    lone.node.readIndex(toUtf8("r"));
    lone.settle();
    lone.node.tick();
    const [again] = heartbeats(lone.settle());
    lone.receive(MsgHeartbeatResp, 3n, { term: 1, context: (again as Message).context });
    expect(answers(lone)).toEqual(["r@1"]);
  });

  test("needs nobody else in a cluster of one", () => {
    const lone = new LoneNode({ voters: [1n], preVote: false });
    lone.node.campaign();
    lone.settle();
    lone.node.readIndex(toUtf8("r"));
    expect(heartbeats(lone.settle())).toEqual([]);
    expect(answers(lone)).toEqual(["r@1"]);
  });

  test("of a follower goes to the leader and comes back with the same context", () => {
    const follower = new LoneNode();
    expect(follower.node.readIndex(toUtf8("r"))).toEqual({ ok: false, reason: "NoLeader" });
    follower.receive(MsgHeartbeat, 2n, { term: 1 });
    follower.node.readIndex(toUtf8("r"));
    const [asked] = follower.settle();
    expect(asked).toMatchObject({ type: MsgReadIndex, to: 2n, from: 1n });
    follower.receive(MsgReadIndexResp, 2n, { term: 1, index: 7, entries: (asked as Message).entries });
    expect(answers(follower)).toEqual(["r@7"]);
  });

  test("asked for by a follower is answered to it", () => {
    const lone = committed();
    const entries = [{ type: 0, term: 0, index: 0, data: toUtf8("r") }] as const;
    const [heartbeat] = heartbeats(lone.receive(MsgReadIndex, 3n, { entries }));
    const sent = lone.receive(MsgHeartbeatResp, 3n, { term: 1, context: (heartbeat as Message).context });
    expect(sent).toMatchObject([{ type: MsgReadIndexResp, to: 3n, index: 1, entries: [{ data: toUtf8("r") }] }]);
    expect(answers(lone)).toEqual([]);
  });

  test("is never answered by a leader that is deposed meanwhile", () => {
    const lone = committed();
    lone.node.readIndex(toUtf8("r"));
    const context = (heartbeats(lone.settle())[0] as Message).context;
    lone.receive(MsgHeartbeat, 3n, { term: 2 });
    lone.receive(MsgHeartbeatResp, 2n, { term: 1, context });
    lone.receive(MsgHeartbeatResp, 2n, { term: 2, context });
    expect(answers(lone)).toEqual([]);
  });
});

describe("a leader with a lease", () => {
  test("answers at once", () => {
    const lone = committed({ readOnly: "lease" });
    lone.node.readIndex(toUtf8("r"));
    expect(heartbeats(lone.settle())).toEqual([]);
    expect(answers(lone)).toEqual(["r@1"]);
  });

  test("asks again once it has told another to campaign: no lease holds that one back", () => {
    const lone = committed({ readOnly: "lease" });
    lone.node.transferLeader(2n);
    lone.settle();
    lone.node.readIndex(toUtf8("r"));
    expect(heartbeats(lone.settle())).toHaveLength(2);
    expect(answers(lone)).toEqual([]);
  });

  test("needs checkQuorum", () => {
    expect(() => new LoneNode({ readOnly: "lease", checkQuorum: false })).toThrow(
      "a lease is only as good as checkQuorum",
    );
  });
});

test("rounds confirm what was asked before them, in order", () => {
  const reads = new ReadOnly();
  const request = (context: string) => ({ index: 1, from: 1n, context: toUtf8(context) });
  for (const context of ["a", "b", "c"]) {
    reads.add(request(context));
    reads.startRound();
  }
  expect(reads.confirm(2).map(({ context }) => fromUtf8(context))).toEqual(["a", "b"]);
  expect(reads.confirm(2)).toEqual([]);
  expect(reads.waiting).toBe(true);
  expect(decodeRound(encodeRound(2 ** 40 + 5))).toBe(2 ** 40 + 5);
  expect(decodeRound(toUtf8("ctx"))).toBeUndefined();
});
