import { describe, expect, test } from "vitest";
import { TraceCluster } from "./trace/cluster.testing.ts";
import type { NodeId } from "./types.ts";

const ids = [1n, 2n, 3n, 4n, 5n];

/** Five members; 1 leads, unless told otherwise everybody hears everybody. */
class Five {
  readonly cluster = new TraceCluster(() => undefined, ids, {});

  constructor() {
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
