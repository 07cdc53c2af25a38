import { expect, test } from "vitest";
import type { Example } from "./read-example.ts";
import { type Results, withResults } from "./table.ts";

const example = (name: string, capability: string): Example => ({
  ...{ name, capability, directory: "", title: `About ${name}`, alone: false, notOn: {}, steps: [], afterwards: [] },
});
const examples = [example("b", "network"), example("a", "network"), example("c", "workloads")];
const empty = "# Examples\n<!-- examples: written by `npm run examples -- --write` -->\n<!-- /examples -->\nthe end\n";

test("what was run stands in the table, what was run before stays, and reasons are notes", () => {
  const first: Results = new Map([["namespaces", new Map(Object.entries({ a: "ok", b: "failed", c: "ok" }))]]);
  const second: Results = new Map([
    ["namespaces", new Map(Object.entries({ b: "ok" }))],
    ["containerd", new Map(Object.entries({ a: "no such image", b: "no such image", c: "ok" }))],
  ]);
  const text = withResults(withResults(empty, examples, first), examples, second);
  expect(withResults(text, examples, new Map())).toBe(text);
  expect(text).toBe(`# Examples
<!-- examples: written by \`npm run examples -- --write\` -->

| capability | example | shows | namespaces | rootless | containerd |
| --- | --- | --- | --- | --- | --- |
| workloads | [c](c/README.md) | About c | ok | not run | ok |
| network | [a](a/README.md) | About a | ok | not run | cannot (1) |
| network | [b](b/README.md) | About b | ok | not run | cannot (1) |

1. no such image

<!-- /examples -->
the end
`);
});
