import { describe, expect, test } from "vitest";
import { seededRandom } from "../base/mod.ts";
import type { RaftOptions } from "./config.ts";
import { TraceCluster } from "./trace/cluster.testing.ts";
import type { NodeId } from "./types.ts";

const ids = [1n, 2n, 3n, 4n, 5n];

/** Five members; 1 leads, unless told otherwise everybody hears everybody. */
class Five {
  readonly cluster: TraceCluster;

  constructor(options: Partial<RaftOptions> = {}) {
    this.cluster = new TraceCluster(() => undefined, ids, options);
    this.cluster.node(1n).campaign();
    this.cluster.stabilize();
    expect(this.leaders()).toEqual([1n]);
  }

  /** Time passes for all, in small steps. */
  pass(ticks: number): void {
    for (let i = 0; i < ticks; i++) {
      for (const id of ids) this.cluster.node(id).tick();
      this.cluster.stabilize();
    }
  }

  leaders(): NodeId[] {
    return ids.filter((id) => this.cluster.node(id).role === "leader");
  }

  term(): number {
    return Math.max(...ids.map((id) => this.cluster.node(id).term));
  }

  cutBoth(a: NodeId, b: NodeId): void {
    this.cluster.cut(a, b);
    this.cluster.cut(b, a);
  }

  /** Proposes at `id` in every election timeout; true if each was committed before the next. */
  commitsSteadily(id: NodeId): boolean {
    const node = this.cluster.node(id);
    for (let i = 0; i < 10; i++) {
      const before = node.committed;
      this.cluster.propose(id, "x");
      this.pass(10);
      if (node.committed <= before) return false;
    }
    return true;
  }
}

describe("a leader that has a majority stays, and goes on", () => {
  // The outage of Cloudflare in 2020: two members reach the leader through nobody but one other.
  test("while two members cannot reach it, but reach one that can", () => {
    const five = new Five();
    for (const lost of [4n, 5n]) for (const other of [1n, 2n]) five.cutBoth(lost, other);
    const term = five.term();
    expect(five.commitsSteadily(1n)).toBe(true);
    expect([five.leaders(), five.term()]).toEqual([[1n], term]);
  });

  test("while one member is heard but hears nothing", () => {
    const five = new Five();
    for (const from of ids) if (from !== 5n) five.cluster.cut(from, 5n);
    const term = five.term();
    expect(five.commitsSteadily(1n)).toBe(true);
    expect([five.leaders(), five.term()]).toEqual([[1n], term]);
    five.cluster.heal();
    five.pass(5);
    expect([five.leaders(), five.term()]).toEqual([[1n], term]);
    expect(five.cluster.node(5n).committed).toBe(five.cluster.node(1n).committed);
  });

  test("while members that were removed keep campaigning", () => {
    const five = new Five();
    for (const gone of ["4", "5"]) {
      five.cluster.cutOff(BigInt(gone));
      five.cluster.proposeChange(1n, `remove ${gone}`);
      five.pass(2);
    }
    five.cluster.heal(); // neither knows that it is removed
    const term = five.term();
    expect(five.commitsSteadily(1n)).toBe(true);
    expect([five.leaders(), five.term()]).toEqual([[1n], term]);
  });
});

describe("who has a higher term and a shorter log", () => {
  // It is not reached by the leader and cannot win; with pre-vote and checkQuorum nobody may deadlock over that.
  test("comes back within a few election timeouts, and is up to date then", () => {
    const five = new Five({ preVote: false });
    five.cluster.cutOff(5n);
    five.cluster.propose(1n, "missed");
    five.pass(60);
    expect(five.cluster.node(5n).term).toBeGreaterThan(five.cluster.node(1n).term);
    five.cluster.heal();
    five.pass(60);
    const [leader] = five.leaders();
    expect(five.leaders()).toHaveLength(1);
    expect(five.commitsSteadily(leader as NodeId)).toBe(true);
    expect(five.cluster.node(5n).committed).toBe(five.cluster.node(leader as NodeId).committed);
  });
});

test("members with equal logs, all started at once, elect a leader within a few timeouts, however their numbers fall", () => {
  for (let seed = 1; seed <= 100; seed++) {
    const own = (id: NodeId) => ({ random: seededRandom(seed * 10 + Number(id)) });
    const cluster = new TraceCluster(() => undefined, ids, {}, own);
    let ticks = 0;
    while (!ids.some((id) => cluster.node(id).role === "leader")) {
      for (const id of ids) cluster.node(id).tick();
      cluster.stabilize();
      ticks++;
    }
    expect(ticks).toBeLessThan(60);
  }
});

describe("a leader fails while the configuration changes from 1, 2, 3 to 1, 4, 5", () => {
  const change = "joint add 4 add 5 remove 2 remove 3";
  /** How many messages arrive before the leader falls silent: from "proposed" to "left". */
  const moments = Array.from({ length: 40 }, (_, i) => i);

  test.each(moments)("after %i messages: one configuration decides, and in the end it is no longer joint", (moment) => {
    const cluster = new TraceCluster(() => undefined, [1n, 2n, 3n], {});
    for (const id of [4n, 5n]) cluster.start(id);
    cluster.node(1n).campaign();
    cluster.stabilize();
    cluster.proposeChange(1n, change);
    cluster.stabilize(moment);
    cluster.cutOff(1n);
    const pass = (ticks: number) => {
      for (let i = 0; i < ticks; i++) {
        for (const id of ids) cluster.node(id).tick();
        cluster.stabilize();
      }
    };
    pass(60);
    // With 1 silent either all of 2 and 3 decide, or of 4 and 5, or both: never one pair against the other.
    const leads = ids.filter((id) => id !== 1n && cluster.node(id).role === "leader");
    expect(leads.length).toBeLessThanOrEqual(1);
    cluster.heal();
    pass(60);
    const leader = ids.find((id) => cluster.node(id).role === "leader") as NodeId;
    cluster.propose(leader, "after");
    pass(5);
    const { confState, committed } = cluster.node(leader);
    expect(confState.votersOutgoing).toEqual([]);
    for (const id of confState.voters) expect(cluster.node(id).committed).toBe(committed);
  });
});

describe("a leader that has lost its majority is replaced", () => {
  test("if it is heard but hears nobody", () => {
    const five = new Five();
    for (const from of ids) if (from !== 1n) five.cluster.cut(from, 1n);
    five.pass(60);
    const [leader] = five.leaders();
    expect(leader).not.toBe(1n);
    expect(five.commitsSteadily(leader as NodeId)).toBe(true);
  });

  test("by the only member that reaches a majority", () => {
    const five = new Five();
    // Everybody hears 3, and nobody else.
    for (const a of ids) for (const b of ids) if (a < b && a !== 3n && b !== 3n) five.cutBoth(a, b);
    five.pass(100);
    expect(five.leaders()).toEqual([3n]);
    expect(five.commitsSteadily(3n)).toBe(true);
  });
});
