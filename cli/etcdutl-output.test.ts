import { expect, test } from "vitest";
import { drawTable } from "./etcdutl-output.ts";

test("a table is drawn as etcdctl draws it: of an odd space beside a name, the larger half is behind it", () => {
  expect(drawTable(["hash", "revision"], ["1a2b3c4", "311"]).split("\n")).toEqual([
    "+---------+----------+",
    "|  HASH   | REVISION |",
    "+---------+----------+",
    "| 1a2b3c4 |      311 |",
    "+---------+----------+",
  ]);
});
