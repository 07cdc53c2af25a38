import { readFileSync, writeFileSync } from "node:fs";
import type { RuntimeName } from "./ground.ts";
import type { Example } from "./read-example.ts";

/** What came of an example on a runtime: "ok", "failed", or why it cannot run there. */
export type Results = ReadonlyMap<RuntimeName, ReadonlyMap<string, string>>;

const [begin, end] = ["<!-- examples: written by `npm run examples -- --write` -->", "<!-- /examples -->"];

/** Rows by capability, a column per runtime; what keeps an example from a runtime is a note below. */
export function resultTable(examples: readonly Example[], results: Results): string {
  const runtimes = [...results.keys()];
  const notes: string[] = [];
  const cell = (runtime: RuntimeName, name: string) => {
    const result = results.get(runtime)?.get(name) ?? "not run";
    if (result === "ok" || result === "failed" || result === "not run") return result;
    if (!notes.includes(result)) notes.push(result);
    return `cannot (${notes.indexOf(result) + 1})`;
  };
  const header = ["capability", "example", "shows", ...runtimes];
  const rows = examples
    .toSorted((a, b) => order(a) - order(b) || a.name.localeCompare(b.name))
    .map(({ name, title, capability }) => [
      capability,
      `[${name}](${name}/)`,
      title,
      ...runtimes.map((runtime) => cell(runtime, name)),
    ]);
  const lines = [header, header.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`);
  return [...lines, ...(notes.length === 0 ? [] : [""]), ...notes.map((note, index) => `${index + 1}. ${note}`)].join(
    "\n",
  );
}

/** The capabilities of an orchestrator, in the order in which the table shows them. */
export const capabilities = [
  "workloads",
  "scheduling",
  "nodes",
  "network",
  "storage",
  "configuration",
  "control planes",
];

function order({ capability }: Example): number {
  return capabilities.indexOf(capability);
}

/** Puts the table between its marks in a README. */
export function writeTable(file: string, table: string): void {
  const text = readFileSync(file, "utf8");
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${file} has no place for the table between ${begin} and ${end}`);
  writeFileSync(file, `${text.slice(0, from)}${begin}\n\n${table}\n\n${text.slice(to)}`);
}
