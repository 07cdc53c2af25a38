import { expect, test } from "vitest";
import { emptyConfState } from "../../raft/mod.ts";
import { Applied } from "./applied.testing.ts";

test("two learners become voters in one step, with both majorities deciding until Raft leaves the joint configuration", () => {
  const applied = new Applied();
  applied.promote(77n, 2n, 3n);
  expect(applied.learners).toEqual([]);
  expect(applied.node.confState).toMatchObject({ voters: [1n, 2n, 3n], votersOutgoing: [1n], autoLeave: true });
  expect(applied.settled.get(77n)).toEqual(applied.membership.members);
  applied.apply(new Uint8Array(0));
  expect(applied.node.confState).toEqual({ ...emptyConfState(), voters: [1n, 2n, 3n] });
  expect(applied.membership.confState).toEqual(applied.node.confState);
});

test("who is no learner any more when the change is applied is left out of it", () => {
  const applied = new Applied();
  applied.membership.remove(2n);
  applied.promote(78n, 2n, 3n);
  expect([applied.learners, applied.membership.member(2n)]).toEqual([[], undefined]);
  expect(applied.node.confState).toMatchObject({ voters: [1n, 3n], votersOutgoing: [1n] });
  applied.apply(new Uint8Array(0));
  expect(applied.node.confState.votersOutgoing).toEqual([]);
});
