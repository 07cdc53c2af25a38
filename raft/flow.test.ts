import { describe, expect, test } from "vitest";
import { toUtf8 } from "../base/mod.ts";
import { type LoneNode, leader, type Start } from "./node.testing.ts";
import { type Message, MessageType } from "./types.ts";

const { MsgApp, MsgAppResp, MsgHeartbeatResp } = MessageType;

const appends = (messages: readonly Message[]) => messages.filter((m) => m.type === MsgApp && m.to === 2n);

/** A leader of term 1 whose follower 2 has its first entry. */
function replicating(start: Start = {}): LoneNode {
  const lone = leader(start, 3n);
  lone.receive(MsgAppResp, 2n, { term: 1, index: 1 });
  return lone;
}

const progress = (lone: LoneNode) => lone.node.status().progress.get(2n);

describe("a window full of messages that were all lost", () => {
  test("is found out by the next heartbeat, and what was in it is sent again", () => {
    const lone = replicating({ maxInflightMessages: 3, maxMessageBytes: 1 });
    for (const text of ["a", "b", "c", "d", "e"]) lone.node.propose(toUtf8(text));
    expect(appends(lone.settle())).toHaveLength(3);
    expect(progress(lone)).toMatchObject({ inflightMessages: 3, paused: true });
    // The answer to a heartbeat lets an empty append through, which the follower cannot place.
    const [probe] = appends(lone.receive(MsgHeartbeatResp, 2n, { term: 1 }));
    expect(probe).toMatchObject({ index: 4, entries: [] });
    const rejection = { term: 1, index: 4, reject: true, rejectHint: 1, logTerm: 1 };
    expect(appends(lone.receive(MsgAppResp, 2n, rejection)).map((m) => m.entries[0]?.index)).toEqual([2]);
    expect(appends(lone.receive(MsgAppResp, 2n, { term: 1, index: 2 })).length).toBeGreaterThan(1);
  });

  test("opens as acknowledgements come, and never holds more than it may", () => {
    const lone = replicating({ maxInflightMessages: 2, maxMessageBytes: 1 });
    for (let i = 0; i < 20; i++) lone.node.propose(toUtf8(`${i}`));
    lone.settle();
    for (let index = 2; index < 20; index++) {
      expect(progress(lone)?.inflightMessages).toBeLessThanOrEqual(2);
      lone.receive(MsgAppResp, 2n, { term: 1, index });
      lone.node.checkInvariants();
    }
    expect(progress(lone)).toMatchObject({ match: 19, state: "replicate" });
  });
});

describe("a follower that was reported unreachable", () => {
  test("though it has everything, is replicated to again after its next sign of life", () => {
    const lone = replicating();
    lone.node.reportUnreachable(2n);
    expect(progress(lone)).toMatchObject({ state: "probe", match: 1 });
    const [probe] = appends(lone.receive(MsgHeartbeatResp, 2n, { term: 1 }));
    expect(probe).toMatchObject({ index: 1, entries: [] });
    lone.receive(MsgAppResp, 2n, { term: 1, index: 1 });
    expect(progress(lone)?.state).toBe("replicate");
  });

  test("gets one message at a time until it answers", () => {
    const lone = replicating();
    lone.node.reportUnreachable(2n);
    for (const text of ["a", "b"]) {
      lone.node.propose(toUtf8(text));
      lone.settle();
    }
    expect(progress(lone)).toMatchObject({ state: "probe", paused: true, next: 2 });
  });
});
