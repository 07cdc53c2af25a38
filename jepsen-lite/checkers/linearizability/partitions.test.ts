import { expect, it } from "vitest";
import { checkPartitions, type Partition } from "./partitions.ts";
import type { SearchResult } from "./search.ts";

/** A part that is decided after so many steps. */
function part(name: string, decidedAfter: number, decision: SearchResult<string>): Partition<string> {
  const search = {
    spent: 0,
    sizeBytes: 0,
    run(steps: number): SearchResult<string> {
      search.spent = Math.min(search.spent + steps, decidedAfter);
      return search.spent === decidedAfter ? decision : { kind: "running" };
    },
  };
  return { name, search: () => search };
}

const illegal: SearchResult<string> = {
  kind: "illegal",
  stuck: { blocked: { op: "read", invoked: 0, returned: 1 }, concurrent: [], before: [], state: "empty" },
};

it("an illegal part that is seen soon is not found behind a hard one", () => {
  const result = checkPartitions([part("hard", Infinity, illegal), part("easy", 100_000, illegal)]);
  expect(result).toMatchObject({ kind: "illegal", name: "easy" });
});

it("what is not decided within the budget is unknown, and named", () => {
  const result = checkPartitions([part("hard", Infinity, illegal), part("easy", 10, { kind: "legal", order: [] })], {
    steps: 1_000_000,
  });
  expect(result).toMatchObject({ kind: "unknown", undecided: ["hard"] });
});
