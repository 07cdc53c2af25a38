import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { jointIndex, jointVote } from "./joint.ts";
import { majorityIndex, majorityVote } from "./majority.ts";

const indexes = fc.array(fc.nat(20), { maxLength: 7 });

describe("a majority's index", () => {
  test("is the highest one that more than half have reached", () => {
    fc.assert(
      fc.property(indexes, (reached) => {
        fc.pre(reached.length > 0);
        const candidates = reached.filter((index) => reached.filter((r) => r >= index).length > reached.length / 2);
        expect(majorityIndex([...reached])).toBe(Math.max(...candidates));
      }),
    );
  });

  test.each([
    [[], Number.POSITIVE_INFINITY],
    [[5], 5],
    [[5, 9], 5],
    [[5, 9, 0], 5],
    [[5, 9, 0, 9], 5],
    [[5, 9, 0, 9, 9], 9],
  ])("of %j is %d", (reached, index) => expect(majorityIndex([...reached])).toBe(index));
});

test("a joint index is one that both halves have reached", () => {
  fc.assert(
    fc.property(indexes, indexes, (incoming, outgoing) => {
      const joint = jointIndex([...incoming], [...outgoing]);
      expect(joint).toBe(Math.min(majorityIndex([...incoming]), majorityIndex([...outgoing])));
    }),
  );
});

describe("votes", () => {
  const votes = (...entries: [bigint, boolean][]) => new Map(entries);

  test.each([
    ["nobody to ask", [], votes(), "won"],
    ["one of three", [1n, 2n, 3n], votes([1n, true]), "pending"],
    ["two of three", [1n, 2n, 3n], votes([1n, true], [2n, true]), "won"],
    ["two against of three", [1n, 2n, 3n], votes([1n, true], [2n, false], [3n, false]), "lost"],
    ["two against two", [1n, 2n, 3n, 4n], votes([1n, true], [2n, true], [3n, false], [4n, false]), "lost"],
    ["strangers", [1n, 2n, 3n], votes([7n, true], [8n, true], [9n, true]), "pending"],
  ] as const)("%s", (_, voters, cast, result) => expect(majorityVote(voters, cast)).toBe(result));

  test("a candidate needs both halves of a joint configuration, and one half can refuse it", () => {
    const both = [
      [1n, 2n, 3n],
      [3n, 4n, 5n],
    ] as const;
    expect(jointVote(...both, votes([1n, true], [2n, true]))).toBe("pending");
    expect(jointVote(...both, votes([1n, true], [3n, true], [4n, true]))).toBe("won");
    expect(jointVote(...both, votes([1n, true], [2n, true], [4n, false], [5n, false]))).toBe("lost");
  });
});
