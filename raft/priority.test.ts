import { describe, expect, test } from "vitest";
import { LoneNode } from "./node.testing.ts";
import { TraceCluster } from "./trace/cluster.testing.ts";
import { MessageType, type NodeId } from "./types.ts";

const electionTicks = 5;

/** Members 1, 2, 3, … of these priorities, all of which have heard of 1 as their leader. */
class Ranked {
  readonly ids: readonly NodeId[];
  readonly cluster: TraceCluster;

  constructor(priorities: readonly number[], seed = 0) {
    this.ids = priorities.map((_, i) => BigInt(i + 1));
    this.cluster = new TraceCluster(
      () => undefined,
      this.ids,
      { electionTicks },
      (id) => ({ priority: priorities[Number(id) - 1] as number }),
    );
    this.cluster.node(1n).campaign();
    this.cluster.stabilize();
    this.pass(3 + seed);
  }

  /** Until somebody else than `gone` leads; how many ticks that took. */
  elect(...gone: NodeId[]): { leader: NodeId; ticks: number } {
    for (const id of gone) this.cluster.cutOff(id);
    for (let ticks = 1; ticks < 100; ticks++) {
      this.pass(1);
      const leader = this.ids.find((id) => !gone.includes(id) && this.cluster.node(id).role === "leader");
      if (leader !== undefined) return { leader, ticks };
    }
    throw new Error("nobody leads");
  }

  pass(ticks: number): void {
    for (let i = 0; i < ticks; i++) {
      for (const id of this.ids) this.cluster.node(id).tick();
      this.cluster.stabilize();
    }
  }
}

describe("when the leader is lost", () => {
  test("the highest priority that is left takes over, within the usual time", () => {
    for (let seed = 0; seed < 20; seed++) {
      const { leader, ticks } = new Ranked([0, 0, 7, 3, 0], seed).elect(1n);
      expect(leader).toBe(3n);
      expect(ticks).toBeLessThan(2 * electionTicks);
    }
  });

  test("and when that one goes too, the next one", () => {
    const ranked = new Ranked([0, 0, 7, 3, 0]);
    expect(ranked.elect(1n).leader).toBe(3n);
    ranked.pass(3);
    expect(ranked.elect(1n, 3n).leader).toBe(4n);
  });

  test("with the highest priority at the same moment, another one leads an election timeout later", () => {
    const { leader, ticks } = new Ranked([0, 0, 7, 0, 0]).elect(1n, 3n);
    expect([2n, 4n, 5n]).toContain(leader);
    expect(ticks).toBeLessThan(5 * electionTicks); // a split vote may come on top
  });

  test("who was silent before is not waited for: the leader speaks of those it hears", () => {
    const lone = new LoneNode({ preVote: false, electionTicks });
    lone.node.campaign();
    lone.settle();
    lone.receive(MessageType.MsgVoteResp, 2n, { term: 1 });
    const told = () => {
      lone.node.tick();
      return lone.settle().find((m) => m.type === MessageType.MsgHeartbeat)?.priority;
    };
    lone.receive(MessageType.MsgHeartbeatResp, 3n, { term: 1, priority: 7 });
    expect(told()).toBe(7);
    for (let i = 0; i < 2 * electionTicks; i++) {
      lone.receive(MessageType.MsgHeartbeatResp, 2n, { term: 1, priority: 2 });
      told();
    }
    expect(told()).toBe(2);
  });

  test("a log that lacks something weighs more than a priority", () => {
    const ranked = new Ranked([0, 0, 7, 0, 0]);
    ranked.cluster.cutOff(3n);
    ranked.cluster.propose(1n, "a");
    ranked.cluster.stabilize();
    ranked.cluster.heal();
    for (const other of [2n, 4n, 5n]) ranked.cluster.cut(other, 3n); // it learns nothing from those that know
    expect(ranked.elect(1n).leader).not.toBe(3n);
  });
});

test("priorities cost nothing where all are equal: nobody waits longer", () => {
  const lone = new LoneNode({ electionTicks, priority: 4 });
  lone.receive(MessageType.MsgHeartbeat, 2n, { term: 1, priority: 4 });
  for (let i = 0; i < 2 * electionTicks - 1; i++) lone.node.tick();
  expect(lone.node.role).toBe("pre-candidate");
});

test("who steps back does so once: after a campaign in vain it is as any other", () => {
  const lone = new LoneNode({ electionTicks, preVote: false });
  lone.receive(MessageType.MsgHeartbeat, 2n, { term: 1, priority: 9 });
  const ticksToCampaign = () => {
    const { term } = lone.node;
    let ticks = 0;
    for (; lone.node.term === term; ticks++) lone.node.tick();
    return ticks;
  };
  expect(ticksToCampaign()).toBeGreaterThanOrEqual(2 * electionTicks);
  for (let i = 0; i < 20; i++) expect(ticksToCampaign()).toBeLessThan(2 * electionTicks);
});
