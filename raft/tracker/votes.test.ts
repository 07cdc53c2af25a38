import { expect, test } from "vitest";
import { fromConfState } from "../confchange/membership.ts";
import { emptyConfState } from "../types.ts";
import { Votes } from "./votes.ts";

const membership = fromConfState({ ...emptyConfState(), voters: [1n, 2n, 3n, 4n, 5n], learners: [9n] });

test("an answer counts once, however often it arrives, and only from a voter", () => {
  const votes = new Votes();
  votes.record(1n, true);
  for (let i = 0; i < 5; i++) votes.record(2n, true);
  votes.record(9n, true);
  expect(votes.result(membership)).toBe("pending");
  votes.record(3n, true);
  expect(votes.result(membership)).toBe("won");
});

test("the first answer of a voter stands", () => {
  const votes = new Votes();
  for (const voter of [1n, 2n, 3n]) votes.record(voter, false);
  for (const voter of [1n, 2n, 3n]) votes.record(voter, true);
  expect(votes.result(membership)).toBe("lost");
});
