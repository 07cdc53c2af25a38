import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { runTrace } from "./trace/interpret.testing.ts";

const folder = `${import.meta.dirname}/testdata`;

// `UPDATE=1 npx vitest run --project unit raft/traces` writes down what happens now: read the diff.
describe("traces", () => {
  test.each(readdirSync(folder).filter((name) => name.endsWith(".txt")))("%s", (name) => {
    const path = `${folder}/${name}`;
    const text = readFileSync(path, "utf8");
    const happened = runTrace(text);
    if (process.env.UPDATE) writeFileSync(path, happened);
    else expect(happened).toBe(text);
  });
});
