import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toUtf8 } from "../base/mod.ts";
import { entry, LoneNode, leader, logOf, snapshotAt } from "./node.testing.ts";
import { type Message, MessageType, message, type NodeId, type Term } from "./types.ts";

const { MsgApp, MsgAppResp, MsgHeartbeat, MsgHeartbeatResp, MsgProp, MsgSnap } = MessageType;

const to = (messages: readonly Message[], id: NodeId, type: MessageType) =>
  messages.filter((m) => m.to === id && m.type === type);

/** `id` has everything up to `index`. */
const has = (lone: LoneNode, id: NodeId, index: number) =>
  lone.receive(MsgAppResp, id, { term: lone.node.term, index });

describe("a leader commits", () => {
  // Figure 8: the entry of term 2 is on a majority, and may still be lost to the leader of term 3.
  test("entries of earlier terms only through one of its own", () => {
    const lone = leader({ log: logOf([1, 2]), hardState: { term: 3 } });
    has(lone, 2n, 2);
    expect(lone.node.committed).toBe(0);
    has(lone, 2n, 3);
    expect(lone.node.committed).toBe(3);
  });

  test("counting itself when its disk has the entry, and not before", () => {
    const lone = leader();
    has(lone, 2n, 1);
    lone.node.propose(toUtf8("a"));
    const ready = lone.take();
    expect(to(ready.messages, 2n, MsgApp)).toMatchObject([{ entries: [{ index: 2 }] }]);
    lone.node.step(message(MsgAppResp, 1n, { from: 2n, term: 1, index: 2 }));
    expect(lone.node.committed).toBe(1);
    lone.persist(ready);
    expect(lone.node.committed).toBe(2);
  });

  test("alone, when its disk has it, and not before", () => {
    const lone = new LoneNode({ voters: [1n], preVote: false });
    lone.node.campaign();
    lone.settle();
    lone.node.propose(toUtf8("a"));
    const ready = lone.take();
    expect([lone.node.committed, ready.committed]).toEqual([1, []]);
    lone.persist(ready);
    expect(lone.node.committed).toBe(2);
  });

  test("nothing on the word of an earlier term", () => {
    const lone = leader({ hardState: { term: 4 } });
    lone.receive(MsgAppResp, 2n, { term: 4, index: 1 });
    lone.receive(MsgAppResp, 3n, { term: 4, index: 1 });
    expect(lone.node.committed).toBe(0);
  });
});

describe("a follower", () => {
  test("commits no further than the last new entry: what is behind it may differ from the leader's log", () => {
    const lone = new LoneNode({ log: logOf([1, 1, 1]) });
    lone.receive(MsgApp, 2n, { term: 2, index: 1, logTerm: 1, entries: [entry(1, 2, "1/2")], commit: 3 });
    expect(lone.node.committed).toBe(2);
    lone.receive(MsgHeartbeat, 2n, { term: 2, commit: 1 });
    expect(lone.node.committed).toBe(2);
  });

  test("keeps what comes after an old append", () => {
    const lone = new LoneNode({ log: logOf([1, 1, 1]) });
    const [answer] = lone.receive(MsgApp, 2n, { term: 1, index: 0, entries: logOf([1]) });
    expect(answer).toMatchObject({ type: MsgAppResp, index: 1, reject: false });
    expect(lone.log).toEqual(["1/1", "1/2", "1/3"]);
  });

  test("answers an append from before its commit index with that", () => {
    const lone = new LoneNode({ log: logOf([1, 1, 1]), hardState: { term: 1, commit: 3 } });
    expect(lone.receive(MsgApp, 2n, { term: 1, index: 1, logTerm: 1 })).toMatchObject([{ index: 3, reject: false }]);
  });

  test("that lost its log stops when it is told so, if it is a voter", () => {
    const voter = new LoneNode();
    expect(() => voter.receive(MsgHeartbeat, 2n, { term: 1, commit: 5 })).toThrow("was the log damaged or lost?");
    const stranger = new LoneNode({ voters: [] });
    expect(stranger.receive(MsgHeartbeat, 2n, { term: 1, commit: 5 })).toMatchObject([{ type: MsgHeartbeatResp }]);
  });

  test("passes proposals on, unless told not to, or there is nobody to pass them to", () => {
    const lone = new LoneNode();
    expect(lone.node.propose(toUtf8("a"))).toEqual({ ok: false, reason: "NoLeader" });
    lone.receive(MsgHeartbeat, 2n, { term: 1 });
    expect(lone.node.propose(toUtf8("a"))).toEqual({ ok: true });
    expect(lone.settle()).toMatchObject([{ type: MsgProp, to: 2n, term: 0 }]);
    const proud = new LoneNode({ disableProposalForwarding: true });
    proud.receive(MsgHeartbeat, 2n, { term: 1 });
    expect(proud.node.propose(toUtf8("a"))).toEqual({ ok: false, reason: "ForwardingDisabled" });
  });

  test("does not send a proposal back to where it came from", () => {
    const lone = new LoneNode();
    lone.receive(MsgHeartbeat, 2n, { term: 1 });
    expect(lone.receive(MsgProp, 2n, { entries: [entry(0, 0, "a")] })).toEqual([]);
    expect(lone.receive(MsgProp, 3n, { entries: [entry(0, 0, "a")] })).toMatchObject([{ to: 2n, from: 3n }]);
  });

  // Every order, with repetitions, of a few appends of one leader ends in the same log.
  test("ends up with the same log whatever order messages arrive in", () => {
    const all = logOf([1, 1, 2, 2]);
    const append = (from: number, count: number): Partial<Message> => ({
      term: 2,
      index: from,
      logTerm: from === 0 ? 0 : (all[from - 1]?.term as Term),
      entries: all.slice(from, from + count),
      commit: 2,
    });
    const messages = [append(0, 2), append(2, 1), append(2, 2), append(1, 3)];
    for (const order of permutations([0, 1, 2, 3, 0, 2])) {
      const lone = new LoneNode({ log: logOf([1]) });
      for (const i of order) lone.receive(MsgApp, 2n, messages[i] as Partial<Message>);
      for (const from of [0, 2]) lone.receive(MsgApp, 2n, append(from, 4)); // what was refused is sent again
      expect(lone.log).toEqual(["1/1", "1/2", "2/3", "2/4"]);
      expect(lone.node.committed).toBe(2);
    }
  });
});

function* permutations(items: readonly number[]): Generator<number[]> {
  if (items.length === 0) yield [];
  for (let i = 0; i < items.length; i++) {
    for (const rest of permutations(items.toSpliced(i, 1))) yield [items[i] as number, ...rest];
  }
}

test("a diverging log is found out in as many round trips as it has terms, and one", () => {
  const terms = fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 60 }).map((terms) => terms.sort((a, b) => a - b));
  fc.assert(
    fc.property(terms, terms, (ours, theirs) => {
      // Equal (index, term) mean equal prefixes, so what the two share by chance is made to start at the beginning.
      const first = ours.findIndex((term, i) => term !== theirs[i]);
      const shared = first < 0 ? ours.length : first;
      const others = theirs.map((term, i) => (i < shared ? term : term + 10)).sort((a, b) => a - b);
      const log = logOf(ours.map((term, i) => (i < shared ? term : term + 20)));
      const lone = leader({ log, hardState: { term: 40 } });
      const follower = new LoneNode({ id: 3n, log: logOf(others) });
      let trips = 0;
      let pending = to(lone.sent, 3n, MsgApp).slice(-1);
      while (pending.length > 0) {
        const answers = pending.flatMap((m) => follower.receive(m.type, 1n, m));
        const rejected = answers.some((m) => m.reject);
        pending = answers.flatMap((m) => to(lone.receive(m.type, 3n, m), 3n, MsgApp));
        trips++;
        if (!rejected) break;
      }
      expect(trips).toBeLessThanOrEqual(new Set([...ours, ...others]).size + 1);
      expect(follower.log).toEqual(lone.log);
    }),
  );
});

describe("proposals", () => {
  test("of one batch make one append per follower", () => {
    const lone = leader();
    has(lone, 2n, 1);
    lone.node.proposeBatch([toUtf8("a"), toUtf8("b"), toUtf8("c")]);
    lone.node.propose(toUtf8("d"));
    expect(to(lone.settle(), 2n, MsgApp).map((m) => m.entries.length)).toEqual([4]);
  });

  test("are refused beyond the limit of what is not committed, one by one as well as in batches", () => {
    const lone = leader({ maxUncommittedBytes: 10 });
    has(lone, 2n, 1);
    expect(lone.node.propose(new Uint8Array(50))).toEqual({ ok: true }); // nothing else is on its way
    expect(lone.node.propose(new Uint8Array(1))).toEqual({ ok: false, reason: "TooManyUncommittedBytes" });
    expect(lone.node.propose(new Uint8Array(0))).toEqual({ ok: true });
    lone.settle();
    has(lone, 2n, 3);
    expect(lone.node.proposeBatch([new Uint8Array(5), new Uint8Array(5)])).toEqual({ ok: true });
  });

  test("are cut into messages of bounded size", () => {
    const lone = leader({ maxMessageBytes: 100, maxInflightBytes: 250 });
    has(lone, 2n, 1);
    lone.node.proposeBatch(Array.from({ length: 6 }, () => new Uint8Array(50))); // 66 bytes each
    const sent = to(lone.settle(), 2n, MsgApp);
    expect(sent.map((m) => m.entries.length)).toEqual([1, 1, 1, 1]); // the fourth reaches the bound in bytes
  });
});

describe("a follower that is behind what was compacted", () => {
  function behind(): LoneNode {
    const lone = leader({ log: logOf([1, 1, 1, 1]), hardState: { term: 1, commit: 4 }, applied: 4 });
    lone.storage.createSnapshot(4, lone.node.confState, new Uint8Array(0));
    lone.storage.compact(4);
    return lone;
  }
  const reject = (lone: LoneNode) =>
    lone.receive(MsgAppResp, 2n, { term: lone.node.term, index: 4, reject: true, rejectHint: 1, logTerm: 1 });

  test("gets a snapshot, and nothing else until that is over", () => {
    const lone = behind();
    expect(to(reject(lone), 2n, MsgSnap)).toMatchObject([{ snapshot: { metadata: { index: 4, term: 1 } } }]);
    lone.node.propose(toUtf8("a"));
    expect(to(lone.settle(), 2n, MsgApp)).toEqual([]);
    expect(lone.node.status().progress.get(2n)).toMatchObject({ state: "snapshot", pendingSnapshot: 4 });
    expect(to(has(lone, 2n, 4), 2n, MsgApp)).toMatchObject([{ index: 4, entries: [{ index: 5 }, { index: 6 }] }]);
  });

  test("gets it again when it was lost, after the next sign of life", () => {
    const lone = behind();
    reject(lone);
    lone.node.reportSnapshot(2n, false);
    expect(lone.settle()).toEqual([]);
    expect(to(lone.receive(MsgHeartbeatResp, 2n, { term: lone.node.term }), 2n, MsgSnap)).toHaveLength(1);
  });

  test("is not sent one while it gives no sign of life", () => {
    const lone = behind();
    reject(lone);
    for (let i = 0; i < 10; i++) {
      lone.node.tick();
      lone.receive(MsgHeartbeatResp, 3n, { term: lone.node.term }); // the other one keeps the leader in office
    }
    lone.node.reportSnapshot(2n, false);
    expect(to(lone.settle(), 2n, MsgSnap)).toEqual([]);
  });
});

describe("a snapshot that arrives", () => {
  const install = (lone: LoneNode, term: Term, index: number, voters = [1n, 2n, 3n]) =>
    lone.receive(MsgSnap, 2n, { term: 5, snapshot: snapshotAt(term, index, voters) });

  test("replaces log and membership, and is acknowledged when durable", () => {
    const lone = new LoneNode({ log: logOf([1, 1]) });
    expect(install(lone, 4, 10, [1n, 2n, 7n])).toMatchObject([{ type: MsgAppResp, index: 10, reject: false }]);
    expect(lone.node.status()).toMatchObject({ committed: 10, applied: 10, lastIndex: 10 });
    expect(lone.node.confState.voters).toEqual([1n, 2n, 7n]);
  });

  test("older than what is committed is ignored, also right after a newer one", () => {
    const lone = new LoneNode();
    install(lone, 4, 10);
    expect(install(lone, 3, 8)).toMatchObject([{ index: 10 }]);
    expect(lone.node.status()).toMatchObject({ committed: 10, lastIndex: 10 });
  });

  test("of an entry that is there only tells that it is committed", () => {
    const lone = new LoneNode({ log: logOf([1, 1, 1]) });
    expect(install(lone, 1, 2)).toMatchObject([{ index: 2 }]);
    expect([lone.node.committed, lone.log]).toEqual([2, ["1/1", "1/2", "1/3"]]);
  });

  // A conflicting entry kept at the snapshot's last index would be rejected and the snapshot sent again, for ever.
  test("removes an entry that conflicts at its index, and the next append fits", () => {
    const lone = new LoneNode({ log: logOf([1, 1, 1]) });
    install(lone, 2, 3);
    const [answer] = lone.receive(MsgApp, 2n, { term: 5, index: 3, logTerm: 2, entries: [entry(5, 4)] });
    expect(answer).toMatchObject({ index: 4, reject: false });
    expect(lone.log).toEqual(["5/4"]);
  });

  test("without this node in it is refused", () => {
    const lone = new LoneNode();
    expect(install(lone, 4, 10, [2n, 3n])).toMatchObject([{ index: 0 }]);
    expect(lone.node.status()).toMatchObject({ committed: 0, lastIndex: 0 });
  });

  test("holds back what comes after it until it is applied, and any campaign until it is durable", () => {
    const lone = new LoneNode();
    const snapshot = snapshotAt(4, 10, [1n, 2n, 3n]);
    lone.node.step(message(MsgSnap, 1n, { from: 2n, term: 5, snapshot }));
    lone.take();
    const entries = [entry(5, 11, "a")];
    lone.node.step(message(MsgApp, 1n, { from: 2n, term: 5, index: 10, logTerm: 4, entries, commit: 11 }));
    lone.node.campaign();
    expect(lone.node.role).toBe("follower");
    expect(lone.take().committed).toEqual([]);
    lone.storage.applySnapshot(snapshot);
    lone.storage.append(entries);
    lone.node.persisted(2);
    expect(lone.node.hasReady()).toBe(false);
    lone.node.applied(10);
    expect(lone.take().committed.map(({ index }) => index)).toEqual([11]);
  });
});
