import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { majoritySize } from "../quorum/majority.ts";
import {
  type ConfChangeSingle,
  ConfChangeTransition,
  ConfChangeType,
  emptyConfState,
  type NodeId,
  noBytes,
} from "../types.ts";
import { changeMembership } from "./change.ts";
import { fromConfState, type Membership, toConfState } from "./membership.ts";

const { ConfChangeAddNode, ConfChangeAddLearnerNode, ConfChangeRemoveNode, ConfChangeUpdateNode } = ConfChangeType;
const { ConfChangeTransitionAuto, ConfChangeTransitionJointImplicit, ConfChangeTransitionJointExplicit } =
  ConfChangeTransition;

const three = fromConfState({ ...emptyConfState(), voters: [1n, 2n, 3n] });
const single = (type: ConfChangeType, nodeId: NodeId): ConfChangeSingle => ({ type, nodeId });

function change(from: Membership, transition: ConfChangeTransition, ...changes: ConfChangeSingle[]) {
  const result = changeMembership(from, { transition, changes, context: noBytes });
  return result.ok ? toConfState(result.membership) : result.reason;
}

describe("one at a time", () => {
  test.each([
    ["a voter is added", single(ConfChangeAddNode, 4n), { voters: [1n, 2n, 3n, 4n] }],
    ["a voter is removed", single(ConfChangeRemoveNode, 2n), { voters: [1n, 3n] }],
    ["a learner is added", single(ConfChangeAddLearnerNode, 4n), { voters: [1n, 2n, 3n], learners: [4n] }],
    ["a voter becomes a learner", single(ConfChangeAddLearnerNode, 3n), { voters: [1n, 2n], learners: [3n] }],
    ["an update changes nobody's part", single(ConfChangeUpdateNode, 3n), { voters: [1n, 2n, 3n] }],
    ["a removal of a stranger changes nothing", single(ConfChangeRemoveNode, 9n), { voters: [1n, 2n, 3n] }],
    ["a change called off changes nothing", single(ConfChangeRemoveNode, 0n), { voters: [1n, 2n, 3n] }],
  ])("%s", (_, what, expected) => {
    expect(change(three, ConfChangeTransitionAuto, what)).toEqual({ ...emptyConfState(), ...expected });
  });

  test("an update of a learner does not promote it", () => {
    const learner = fromConfState({ ...emptyConfState(), voters: [1n], learners: [2n] });
    expect(change(learner, ConfChangeTransitionAuto, single(ConfChangeUpdateNode, 2n))).toEqual(toConfState(learner));
  });

  test("the last voter stays", () => {
    const one = fromConfState({ ...emptyConfState(), voters: [1n] });
    expect(change(one, ConfChangeTransitionAuto, single(ConfChangeRemoveNode, 1n))).toBe("no voter would be left");
  });

  test("any majority before shares a member with any majority after", () => {
    const ids = [1n, 2n, 3n, 4n, 5n, 6n];
    const changes = fc.record({
      type: fc.constantFrom(ConfChangeAddNode, ConfChangeAddLearnerNode, ConfChangeRemoveNode),
      nodeId: fc.constantFrom(...ids),
    });
    fc.assert(
      fc.property(fc.subarray(ids, { minLength: 1 }), changes, (voters, what) => {
        const before = fromConfState({ ...emptyConfState(), voters });
        const result = changeMembership(before, {
          transition: ConfChangeTransitionAuto,
          changes: [what],
          context: noBytes,
        });
        if (!result.ok) return;
        const after = result.membership.voters;
        const union = before.voters.union(after).size;
        expect(majoritySize(before.voters.size) + majoritySize(after.size)).toBeGreaterThan(union);
      }),
    );
  });
});

describe("a joint configuration", () => {
  const swap = [single(ConfChangeAddNode, 4n), single(ConfChangeRemoveNode, 1n)];
  const joint = fromConfState({
    voters: [2n, 3n, 4n],
    votersOutgoing: [1n, 2n, 3n],
    learners: [],
    learnersNext: [],
    autoLeave: true,
  });

  test("is entered by more than one change, keeps the voters of before, and is left automatically", () => {
    expect(change(three, ConfChangeTransitionAuto, ...swap)).toEqual(toConfState(joint));
    expect(change(three, ConfChangeTransitionJointImplicit, ...swap)).toEqual(toConfState(joint));
  });

  test("stays until it is left, if that is what was asked for", () => {
    expect(change(three, ConfChangeTransitionJointExplicit, ...swap)).toMatchObject({ autoLeave: false });
  });

  test("is left with the voters of after", () => {
    expect(change(joint, ConfChangeTransitionAuto)).toEqual({ ...emptyConfState(), voters: [2n, 3n, 4n] });
  });

  test("a voter that is to become a learner votes until then", () => {
    const demoting = {
      ...emptyConfState(),
      voters: [1n, 2n],
      votersOutgoing: [1n, 2n, 3n],
      learnersNext: [3n],
      autoLeave: true,
    };
    expect(change(three, ConfChangeTransitionJointImplicit, single(ConfChangeAddLearnerNode, 3n))).toEqual(demoting);
    expect(change(fromConfState(demoting), ConfChangeTransitionAuto)).toMatchObject({
      voters: [1n, 2n],
      learners: [3n],
    });
  });

  test("neither becomes joint again nor changes otherwise, and what is not joint is not left", () => {
    expect(change(joint, ConfChangeTransitionAuto, ...swap)).toBe("the configuration is joint already");
    expect(change(joint, ConfChangeTransitionAuto, single(ConfChangeAddNode, 9n))).toContain("is left before");
    expect(change(three, ConfChangeTransitionAuto)).toBe("there is no joint configuration to leave");
  });
});

test("what is written down and read again is the same membership", () => {
  const ids = fc.uniqueArray(fc.bigInt({ min: 1n, max: 20n }), { minLength: 4, maxLength: 8 });
  fc.assert(
    fc.property(ids, fc.boolean(), ([a, b, c, ...learners], autoLeave) => {
      const state = {
        voters: [a as bigint, b as bigint],
        votersOutgoing: [b as bigint, c as bigint],
        learners,
        learnersNext: [c as bigint],
        autoLeave,
      };
      const again = toConfState(fromConfState(state));
      expect(toConfState(fromConfState(again))).toEqual(again);
      expect(new Set(again.learners)).toEqual(new Set(learners));
    }),
  );
});
