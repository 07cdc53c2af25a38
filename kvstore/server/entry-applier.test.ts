import { describe, expect, test } from "vitest";
import { raftpb } from "../../proto/mod.ts";
import { fail } from "../mvcc/mod.ts";
import { Applied } from "./applied.testing.ts";

const { ConfChangeAddLearnerNode, ConfChangeAddNode } = raftpb.ConfChangeType;

describe("members that were proposed in the same moment, through different members", () => {
  const asked = (id: bigint, isLearner: boolean, maxLearners?: number) => {
    const member = { id, name: "", peerUrls: [`http://m${id}:1`], clientUrls: [], isLearner };
    return { member, isPromote: false, maxLearners };
  };

  test("are refused from the first learner on that is one too many, and Raft hears of nobody", () => {
    const applied = new Applied(); // two learners
    applied.change(91n, ConfChangeAddLearnerNode, 4n, asked(4n, true, 3));
    applied.change(92n, ConfChangeAddLearnerNode, 5n, asked(5n, true, 3));
    expect(applied.settled.get(92n)).toEqual(fail("TooManyLearners"));
    expect([applied.learners, applied.node.confState.learners]).toEqual([
      [2n, 3n, 4n],
      [2n, 3n, 4n],
    ]);
  });

  test("are let in as voters, however many learners there are, and as learners where the entry names no limit", () => {
    const applied = new Applied();
    applied.change(91n, ConfChangeAddNode, 4n, asked(4n, false, 1));
    applied.change(92n, ConfChangeAddLearnerNode, 5n, asked(5n, true));
    expect(applied.membership.members.map(({ id }) => id)).toEqual([1n, 2n, 3n, 4n, 5n]);
  });
});
