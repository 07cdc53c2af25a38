import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../base/mod.ts";
import { between, type Cut, type Scene, type ShapeName, shapes } from "./shapes.ts";

const sceneOf = (count: number, leader?: string): Scene => ({
  members: Array.from({ length: count }, (_, at) => `m${at}`),
  leader,
  clients: "clients",
});
const cutsOf = (shape: ShapeName, count: number, leader = "m1", seed = 1) =>
  shapes[shape](sceneOf(count, leader), seededRandom(seed));
/** Whom a member can talk to, both ways, itself included. */
const reach = (cuts: readonly Cut[], members: readonly string[], one: string) =>
  members.filter(
    (other) => !cuts.some(([from, to]) => (from === one && to === other) || (from === other && to === one)),
  );
const isMajority = (some: readonly string[], all: readonly string[]) => some.length > all.length / 2;

describe("a partition", () => {
  it("between groups cuts both ways, and concerns nobody else", () => {
    expect(between(["a"], ["b", "c"])).toEqual([
      ["a", "b"],
      ["a", "c"],
      ["b", "a"],
      ["c", "a"],
    ]);
  });

  it.each([3, 4, 5, 7])("of %i members has the shape that its name says, whoever is struck", (count) => {
    const { members } = sceneOf(count);
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom(...members), (seed, leader) => {
        const sizes = (shape: ShapeName) => {
          const cuts = cutsOf(shape, count, leader, seed);
          return members.map((one) => reach(cuts, members, one).length).sort((a, b) => a - b);
        };
        const alone = [1, ...members.slice(1).map(() => count - 1)];
        expect(sizes("isolate")).toEqual(alone);
        expect(sizes("leader-alone")).toEqual(alone);
        expect(reach(cutsOf("leader-alone", count, leader, seed), members, leader)).toEqual([leader]);
        const few = (count - 1) >> 1;
        expect(sizes("minority")).toEqual([...Array(few).fill(few), ...Array(count - few).fill(count - few)]);
        expect(isMajority(reach(cutsOf("minority", count, leader, seed), members, leader), members)).toBe(false);
        const half = count >> 1;
        expect(sizes("halves")).toEqual([...Array(half).fill(half), ...Array(count - half).fill(count - half)]);
      }),
    );
  });

  it.each([3, 5])(
    "of %i members as a bridge leaves one who reaches all, and the others reach only their side",
    (count) => {
      const { members } = sceneOf(count);
      const cuts = cutsOf("bridge", count);
      const sizes = members.map((one) => reach(cuts, members, one).length).sort((a, b) => a - b);
      expect(sizes).toEqual([...Array(count - 1).fill((count - 1) / 2 + 1), count]);
    },
  );

  it.each([5, 7])("of %i members as a ring has everybody reach another majority", (count) => {
    const { members } = sceneOf(count);
    const cuts = cutsOf("ring", count);
    const seen = members.map((one) => reach(cuts, members, one));
    for (const some of seen) expect(isMajority(some, members)).toBe(true);
    expect(new Set(seen.map((some) => some.join())).size).toBe(count);
  });

  it("of three members as a ring is a line: two of them do not reach each other", () => {
    const cuts = cutsOf("ring", 3);
    expect(cuts).toHaveLength(2);
    expect(cuts[0]).toEqual([...cuts[1]!].reverse());
  });

  it("one way leaves the other way open", () => {
    expect(cutsOf("one-way-out", 3)).toEqual([
      ["m1", "m0"],
      ["m1", "m2"],
    ]);
    expect(cutsOf("one-way-in", 3)).toEqual([
      ["m0", "m1"],
      ["m2", "m1"],
    ]);
    const each = cutsOf("one-way-each", 3);
    expect(each).toHaveLength(3);
    expect(new Set(each.map(String)).size).toBe(3);
  });

  it("between clients and the leader leaves members alone", () => {
    expect(cutsOf("client-from-leader", 3)).toEqual([
      ["clients", "m1"],
      ["m1", "clients"],
    ]);
  });
});
