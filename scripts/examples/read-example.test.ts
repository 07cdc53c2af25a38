import { expect, test } from "vitest";
import { parseReadme, readExamples } from "./read-example.ts";
import { capabilities } from "./table.ts";

const readme = `---
capability: network
alone: true
not on:
  containerd: no such image
---

# A title

Words, and what is not a command:

    kubectl version

\`\`\`console
$ kubectl apply -f x
thing/x created
...
$ wget \\
>   http://x > /dev/null
$ cat <<END
> here
> END
here
\`\`\`

## Afterwards

\`\`\`console
$ kubectl delete thing x
\`\`\`
`;

test("a README is what is typed and what is promised", () => {
  expect(parseReadme(readme)).toEqual({
    title: "A title",
    capability: "network",
    alone: true,
    notOn: { containerd: "no such image" },
    steps: [
      { command: "kubectl apply -f x", promise: ["thing/x created", "..."], line: 15 },
      { command: "wget \\\n  http://x > /dev/null", promise: undefined, line: 18 },
      { command: "cat <<END\nhere\nEND", promise: ["here"], line: 20 },
    ],
    afterwards: [{ command: "kubectl delete thing x", promise: undefined, line: 29 }],
  });
});

test.each([
  ["no front matter", "# A title\n"],
  ['needs a title, and "capability" above it', readme.replace("capability", "about")],
  ["output of no command", readme.replace("$ kubectl apply", "kubectl apply")],
  ["a block of commands has no end", readme.replace(/```\n$/, "")],
  ["has no commands", readme.replaceAll("```console", "```")],
])("%s", (problem, text) => {
  expect(() => parseReadme(text)).toThrow(problem);
});

test("every example shows one of the capabilities of the table, and every capability has one", () => {
  expect(new Set(readExamples().map(({ capability }) => capability))).toEqual(new Set(capabilities));
});
