import { describe, expect, test } from "vitest";
import { toUtf8 } from "../base/mod.ts";
import { LoneNode, type Start } from "./node.testing.ts";
import { type Message, MessageType, message } from "./types.ts";

const { MsgAppResp, MsgHeartbeat, MsgHeartbeatResp, MsgTimeoutNow, MsgVoteResp } = MessageType;

const stalledDiskTicks = 12;

/** A leader of term 1 whose disk has been given something and does not finish it. */
function hanging(start: Start = {}): LoneNode {
  const lone = new LoneNode({ preVote: false, electionTicks: 5, stalledDiskTicks, ...start });
  lone.node.campaign();
  lone.settle();
  for (const from of [2n, 3n]) lone.receive(MsgVoteResp, from, { term: 1 });
  for (const from of [2n, 3n]) lone.node.step(message(MsgAppResp, 1n, { from, term: 1, index: 1 }));
  lone.settle();
  lone.node.propose(toUtf8("a"));
  lone.take();
  return lone;
}

/** A tick, and the others are alive. */
function pass(lone: LoneNode): readonly Message[] {
  const before = lone.sent.length;
  lone.node.tick();
  for (const from of [2n, 3n]) lone.node.step(message(MsgHeartbeatResp, 1n, { from, term: 1 }));
  while (lone.node.hasReady()) lone.take();
  return lone.sent.slice(before);
}

describe("a leader whose disk hangs", () => {
  test("sends its heartbeats all the same", () => {
    const lone = hanging();
    for (let i = 1; i < stalledDiskTicks; i++) {
      expect(pass(lone).filter((m) => m.type === MsgHeartbeat)).toHaveLength(2);
    }
    expect(lone.node.role).toBe("leader");
  });

  test("commits what the others' disks have, and hands out none of it that its own has not", () => {
    const lone = hanging();
    for (const from of [2n, 3n]) lone.node.step(message(MsgAppResp, 1n, { from, term: 1, index: 2 }));
    const ready = lone.take();
    expect([lone.node.committed, ready.committed]).toEqual([2, []]);
  });

  test("hands it out if its host can wait with writing down what it applied", () => {
    const lone = hanging({ applyUnstable: true });
    for (const from of [2n, 3n]) lone.node.step(message(MsgAppResp, 1n, { from, term: 1, index: 2 }));
    const ready = lone.take();
    expect(ready.committed.map(({ index }) => index)).toEqual([2]);
    lone.node.applied(2);
    lone.node.checkInvariants();
  });

  test("gives up after a while, and tells who has most of the log to take over", () => {
    const lone = hanging();
    lone.node.step(message(MsgAppResp, 1n, { from: 3n, term: 1, index: 2 }));
    for (let i = 1; i < stalledDiskTicks; i++) pass(lone);
    expect(pass(lone).filter((m) => m.type === MsgTimeoutNow)).toMatchObject([{ to: 3n }]);
    expect(lone.node.status()).toMatchObject({ role: "follower", diskStalled: true });
  });

  test("stays if nobody else could lead", () => {
    const lone = new LoneNode({ voters: [1n], preVote: false, stalledDiskTicks });
    lone.node.campaign();
    lone.settle();
    lone.node.propose(toUtf8("a"));
    lone.take();
    for (let i = 0; i < 5 * stalledDiskTicks; i++) lone.node.tick();
    expect(lone.node.role).toBe("leader");
  });
});

test("a disk that is slow but gets on is not given up", () => {
  const lone = hanging();
  let oldest = lone.readies.length - 1;
  for (let i = 0; i < 10; i++) {
    lone.node.propose(toUtf8("more"));
    for (let tick = 1; tick < stalledDiskTicks; tick++) pass(lone);
    lone.persist(lone.readies[oldest++] as (typeof lone.readies)[number]);
  }
  expect(lone.node.role).toBe("leader");
});

test("nobody campaigns whose disk hangs: its vote could not count", () => {
  const lone = new LoneNode({ electionTicks: 5, stalledDiskTicks });
  lone.node.step(message(MessageType.MsgVote, 1n, { from: 2n, term: 1 }));
  const ready = lone.take();
  for (let i = 0; i < stalledDiskTicks; i++) {
    lone.node.tick();
    lone.node.step(message(MsgHeartbeat, 1n, { from: 2n, term: 1 }));
  }
  for (let i = 0; i < 50; i++) lone.node.tick();
  expect(lone.node.role).toBe("follower");
  while (lone.node.hasReady()) lone.take();
  lone.persist(ready);
  lone.node.persisted(lone.readies.at(-1)?.number as number);
  lone.node.tick();
  expect(lone.node.role).toBe("pre-candidate");
});
