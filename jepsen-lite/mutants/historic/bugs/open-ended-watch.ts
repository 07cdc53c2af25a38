import type { HistoricBug } from "../bug.ts";

export const openEndedWatch: HistoricBug = {
  name: "GHSA-xg4h-6gfc-h4m8",
  row: 23,
  versions: "see the advisory",
  title: "an open-ended range passes with rights to a part of it",
  story:
    "A user with rights to some keys watched from there without an end, and was told of all keys after them. A range is allowed if all of it is, and what has no end takes a permission that has none.",
  patches: [
    {
      file: "kvstore/auth/permissions.ts",
      find: "return compareEnds(to, found.to) <= 0 && (to === undefined || compareBytes(to, found.from) > 0);",
      replace: "return to === undefined || (compareEnds(to, found.to) <= 0 && compareBytes(to, found.from) > 0);",
    },
  ],
  scenario: { kind: "test", file: "kvstore/auth/permissions.test.ts", name: "a..c: a..∞ is covered: false" },
};
