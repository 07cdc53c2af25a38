import { describe, expect, test } from "vitest";
import { seededRandom } from "../base/mod.ts";
import { entry, LoneNode, leader, logOf } from "./node.testing.ts";
import { EntryType, emptyConfState, MessageType, message, noBytes } from "./types.ts";

const { MsgApp, MsgAppResp, MsgHeartbeat, MsgPreVote, MsgPreVoteResp, MsgTimeoutNow, MsgVote, MsgVoteResp } =
  MessageType;

function tick({ node }: LoneNode, times: number): void {
  for (let i = 0; i < times; i++) node.tick();
}

describe("election timeouts", () => {
  test("spread over [T, 2T-1] ticks, all of them drawn", () => {
    const campaignedAfter = new Set<number>();
    for (let seed = 0; seed < 300; seed++) {
      const { node } = new LoneNode({ random: seededRandom(seed), electionTicks: 5 });
      let ticks = 0;
      while (node.role === "follower") {
        node.tick();
        ticks++;
      }
      campaignedAfter.add(ticks);
    }
    expect([...campaignedAfter].sort()).toEqual([5, 6, 7, 8, 9]);
  });

  test("are drawn anew for every campaign, so that a split vote does not repeat itself", () => {
    const lone = new LoneNode({ electionTicks: 20, preVote: false });
    const gaps = new Set<number>();
    for (let ticks = 0, term = 0; term < 10; ticks++) {
      lone.node.tick();
      if (lone.node.term === term) continue;
      term = lone.node.term;
      gaps.add(ticks);
      ticks = 0;
    }
    expect(gaps.size).toBeGreaterThan(3);
  });

  test("are not put off by a candidate that is refused", () => {
    const lone = new LoneNode({ log: logOf([1, 1]), electionTicks: 5 });
    tick(lone, 4);
    const [answer] = lone.receive(MsgVote, 2n, { term: 5, index: 1, logTerm: 1 });
    expect(answer).toMatchObject({ type: MsgVoteResp, term: 5, reject: true });
    tick(lone, 5); // at most 2T-1 in all
    expect(lone.node.role).toBe("pre-candidate");
  });

  test("are not put off by a leader of the past", () => {
    const lone = new LoneNode({ log: logOf([3]), electionTicks: 5 });
    for (let i = 0; i < 9; i++) {
      tick(lone, 1);
      lone.receive(MsgApp, 2n, { term: 2, index: 1, logTerm: 3 });
    }
    expect(lone.node.role).toBe("pre-candidate");
  });
});

describe("a vote", () => {
  test("is given once a term, however long the voter lives", () => {
    const lone = new LoneNode();
    expect(lone.receive(MsgVote, 2n, { term: 3 })).toMatchObject([{ to: 2n, reject: false }]);
    expect(lone.receive(MsgVote, 3n, { term: 3 })).toMatchObject([{ to: 3n, reject: true }]);
    const again = new LoneNode({ hardState: lone.storage.initialState().hardState });
    expect(again.receive(MsgVote, 3n, { term: 3 })).toMatchObject([{ to: 3n, reject: true }]);
    expect(again.receive(MsgVote, 2n, { term: 3 })).toMatchObject([{ to: 2n, reject: false }]);
  });

  test("is told only when term and vote are durable, in one", () => {
    const lone = new LoneNode();
    lone.node.step(message(MsgVote, 1n, { from: 2n, term: 4 }));
    const ready = lone.take();
    expect(ready.hardState).toEqual({ term: 4, vote: 2n, commit: 0 });
    expect(ready.mustSync).toBe(true);
    expect(ready.messages).toEqual([]);
    expect(ready.messagesAfterPersist).toMatchObject([{ type: MsgVoteResp, term: 4, reject: false }]);
  });

  test("is not taken back by stepping down within the term", () => {
    const lone = new LoneNode({ preVote: false });
    lone.node.campaign();
    lone.settle();
    lone.receive(MsgApp, 2n, { term: 1 }); // 2 has won this term
    expect(lone.node.status()).toMatchObject({ role: "follower", term: 1, vote: 1n });
    expect(lone.receive(MsgVote, 3n, { term: 1 })).toMatchObject([{ reject: true }]);
  });

  test("is given by a learner too: it may have been promoted without knowing it", () => {
    const lone = new LoneNode({ conf: { ...emptyConfState(), voters: [2n, 3n], learners: [1n] } });
    expect(lone.receive(MsgVote, 2n, { term: 1 })).toMatchObject([{ type: MsgVoteResp, reject: false }]);
    tick(lone, 100);
    expect(lone.node.role).toBe("follower");
  });

  test("is refused without an answer while a leader is alive, unless that leader asked for the election", () => {
    const lone = new LoneNode();
    lone.receive(MsgHeartbeat, 2n, { term: 1 });
    expect(lone.receive(MsgVote, 3n, { term: 2 })).toEqual([]);
    expect(lone.receive(MsgPreVote, 3n, { term: 2 })).toEqual([]);
    expect(lone.node.term).toBe(1);
    const context = new TextEncoder().encode("CampaignTransfer");
    expect(lone.receive(MsgVote, 3n, { term: 2, context })).toMatchObject([{ type: MsgVoteResp, reject: false }]);
  });

  test("repeated by the network counts once", () => {
    const lone = new LoneNode({ voters: [1n, 2n, 3n, 4n, 5n], preVote: false });
    lone.node.campaign();
    lone.settle();
    for (let i = 0; i < 3; i++) lone.receive(MsgVoteResp, 2n, { term: 1 });
    expect(lone.node.role).toBe("candidate");
    lone.receive(MsgVoteResp, 3n, { term: 1 });
    expect(lone.node.role).toBe("leader");
  });

  test("of an earlier term, or for an earlier role, does not count", () => {
    const lone = new LoneNode();
    lone.node.campaign();
    lone.settle();
    lone.receive(MsgVoteResp, 2n, { term: 0 });
    expect(lone.node.role).toBe("pre-candidate");
    lone.receive(MsgPreVoteResp, 2n, { term: 1 });
    expect(lone.node.role).toBe("candidate");
    lone.receive(MsgPreVoteResp, 2n, { term: 1 });
    lone.receive(MsgPreVoteResp, 3n, { term: 2 });
    expect(lone.node.role).toBe("candidate");
  });

  test("of the candidate itself counts when it is durable", () => {
    const lone = new LoneNode({ voters: [1n], preVote: false });
    lone.node.campaign();
    const ready = lone.take();
    expect(lone.node.role).toBe("candidate");
    lone.persist(ready);
    expect(lone.node.role).toBe("leader");
  });
});

describe("asking first (pre-vote)", () => {
  test("leaves no trace in the hard state, on either side", () => {
    const candidate = new LoneNode({ log: logOf([2]) });
    const before = candidate.storage.initialState();
    candidate.node.campaign();
    candidate.settle();
    expect(candidate.storage.initialState()).toEqual(before);
    const voter = new LoneNode({ log: logOf([2]) });
    const [answer] = voter.receive(MsgPreVote, 2n, { term: 3, index: 1, logTerm: 2 });
    expect(answer).toMatchObject({ type: MsgPreVoteResp, term: 3, reject: false });
    expect(voter.storage.initialState()).toEqual(before);
  });

  test("is answered to everybody who might win, not to one only", () => {
    const voter = new LoneNode();
    for (const from of [2n, 3n]) {
      expect(voter.receive(MsgPreVote, from, { term: 1 })).toMatchObject([{ to: from, reject: false }]);
    }
  });

  test("forgets the leader: it would be held alive for others", () => {
    const lone = new LoneNode();
    lone.receive(MsgHeartbeat, 2n, { term: 1 });
    lone.node.campaign();
    expect(lone.node.leader).toBe(0n);
  });

  test("a refusal with a newer term is followed", () => {
    const lone = new LoneNode();
    lone.node.campaign();
    lone.settle();
    lone.receive(MsgPreVoteResp, 2n, { term: 7, reject: true });
    expect(lone.node.status()).toMatchObject({ role: "follower", term: 7, vote: 0n });
  });
});

describe("who comes back with a higher term", () => {
  test("tells it to the leader that cannot reach it", () => {
    const lone = new LoneNode({ hardState: { term: 9 } });
    expect(lone.receive(MsgHeartbeat, 2n, { term: 3 })).toMatchObject([{ type: MsgAppResp, to: 2n, term: 9 }]);
  });

  test("and brings it down", () => {
    const lone = leader();
    lone.receive(MsgAppResp, 3n, { term: 9 });
    expect(lone.node.status()).toMatchObject({ role: "follower", term: 9 });
  });
});

describe("a campaign is refused", () => {
  const changePending = {
    log: [entry(1, 1), { type: EntryType.EntryConfChange, term: 1, index: 2, data: noBytes }],
    hardState: { term: 1, commit: 2 },
  };

  test("while a committed change of membership is not applied", () => {
    const lone = new LoneNode(changePending);
    lone.node.campaign();
    lone.node.step(message(MsgTimeoutNow, 1n, { from: 2n, term: 1 }));
    expect(lone.node.role).toBe("follower");
  });

  test("and made up for once the change is applied, if the leader has asked for it not long ago", () => {
    for (const ticks of [0, 9, 10]) {
      const lone = new LoneNode({ ...changePending, electionTicks: 10 });
      lone.node.step(message(MsgTimeoutNow, 1n, { from: 2n, term: 1 }));
      for (let at = 0; at < ticks; at++) lone.node.tick();
      lone.node.ready();
      lone.node.applied(1);
      expect(lone.node.role).toBe("follower");
      lone.node.applied(2);
      expect(lone.node.role).toBe(ticks < 10 ? "candidate" : "follower");
    }
  });

  test("to who is no voter", () => {
    const lone = new LoneNode({ voters: [2n, 3n] });
    tick(lone, 50);
    lone.node.campaign();
    lone.receive(MsgTimeoutNow, 2n, { term: 1 });
    expect(lone.sent).toEqual([]);
  });
});

test("a candidate that hears from the winner follows it", () => {
  const lone = new LoneNode({ preVote: false });
  lone.node.campaign();
  lone.settle();
  lone.receive(MsgHeartbeat, 3n, { term: 1 });
  expect(lone.node.status()).toMatchObject({ role: "follower", leader: 3n, term: 1 });
});

test("two leaders in one term stop the node that sees them", () => {
  const lone = new LoneNode();
  lone.receive(MsgHeartbeat, 2n, { term: 1 });
  expect(() => lone.receive(MsgHeartbeat, 3n, { term: 1 })).toThrow("a term has one leader");
});

test("what members never send each other is dropped", () => {
  const lone = new LoneNode();
  for (const type of [MessageType.MsgHup, MessageType.MsgBeat, MessageType.MsgStorageAppendResp]) {
    expect(lone.receive(type, 2n, { term: 0 })).toEqual([]);
  }
  expect(lone.node.status()).toMatchObject({ role: "follower", term: 0 });
});
