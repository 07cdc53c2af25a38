import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { RuntimeName } from "./ground.ts";

/** What the reader types, and what the README promises that the reader will see. */
export interface Step {
  readonly command: string;
  /** Absent: nothing is said about the output, and the command has to succeed. */
  readonly promise: readonly string[] | undefined;
  /** Line of the README. */
  readonly line: number;
}

/** The words between `---` at a README's begin. */
interface FrontMatter {
  /** Capability that it shows. */
  readonly capability: string;
  /** It needs the nodes for itself: others neither run beside it nor are disturbed by it. */
  readonly alone?: boolean;
  /** Runtimes on which it cannot run, with the reason. */
  readonly "not on"?: Readonly<Partial<Record<RuntimeName, string>>>;
}

export interface Example {
  /** The directory's name, which is also that of the namespace. */
  readonly name: string;
  readonly directory: string;
  readonly title: string;
  readonly capability: string;
  readonly alone: boolean;
  readonly notOn: Readonly<Partial<Record<RuntimeName, string>>>;
  readonly steps: readonly Step[];
  /** Below the heading "Afterwards": leaves the cluster as it was, also when a step failed. */
  readonly afterwards: readonly Step[];
}

export const examplesDirectory = join(import.meta.dirname, "..", "..", "examples");

export function readExamples(directory = examplesDirectory): Example[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => readExample(name, join(directory, name)))
    .sort((a, b) => a.name.localeCompare(b.name));
}

function readExample(name: string, directory: string): Example {
  const file = join(directory, "README.md");
  try {
    return { name, directory, ...parseReadme(readFileSync(file, "utf8")) };
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * An example is its README: blocks marked `console` hold what the reader types (`$ `, continued by `> `) and what comes of it.
 * @throws Error when it has no front matter, no title or no commands.
 */
export function parseReadme(text: string): Omit<Example, "name" | "directory"> {
  const front = /^---\n([\s\S]*?)\n---\n/.exec(text);
  if (front === null) throw new Error("begins with no front matter");
  const { capability, alone, "not on": notOn } = parse(front[1] as string) as FrontMatter;
  const title = /^# (.+)$/m.exec(text)?.[1];
  if (typeof capability !== "string" || title === undefined)
    throw new Error('needs a title, and "capability" above it');
  const [steps, afterwards]: [Step[], Step[]] = [[], []];
  let into = steps;
  let block: { lines: string[]; line: number } | undefined;
  for (const [index, line] of text.split("\n").entries()) {
    if (line === "```" && block !== undefined) {
      into.push(...parseBlock(block.lines, block.line));
      block = undefined;
    } else if (block !== undefined) block.lines.push(line);
    else if (line === "```console") block = { lines: [], line: index + 2 };
    else if (line === "## Afterwards") into = afterwards;
  }
  if (block !== undefined) throw new Error("a block of commands has no end");
  if (steps.length === 0) throw new Error("has no commands");
  return { title, capability, alone: alone ?? false, notOn: notOn ?? {}, steps, afterwards };
}

function parseBlock(lines: readonly string[], firstLine: number): Step[] {
  const steps: { command: string; promise: string[] | undefined; line: number }[] = [];
  for (const [index, text] of lines.entries()) {
    const current = steps.at(-1);
    if (text.startsWith("$ ")) steps.push({ command: text.slice(2), promise: undefined, line: firstLine + index });
    else if (current === undefined) throw new Error(`line ${firstLine + index}: output of no command`);
    else if (text.startsWith("> ") && current.promise === undefined) current.command += `\n${text.slice(2)}`;
    else current.promise = [...(current.promise ?? []), text];
  }
  return steps;
}
