import { type RuntimeName, runtimeNames } from "./ground.ts";
import type { Example } from "./read-example.ts";

/** What came of an example on a runtime: "ok", "failed", or why it cannot run there. */
export type Results = ReadonlyMap<RuntimeName, ReadonlyMap<string, string>>;

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

const notRun = "not run";

/** Rows by capability, a column per runtime; what keeps an example from a runtime is a note below. Markdown. */
export function resultTable(examples: readonly Example[], results: Results): string {
  const notes: string[] = [];
  const cell = (runtime: RuntimeName, name: string) => {
    const result = results.get(runtime)?.get(name) ?? notRun;
    if (["ok", "failed", notRun].includes(result)) return result;
    if (!notes.includes(result)) notes.push(result);
    return `cannot (${notes.indexOf(result) + 1})`;
  };
  const order = ({ capability }: Example) => capabilities.indexOf(capability);
  const rows = examples
    .toSorted((a, b) => order(a) - order(b) || a.name.localeCompare(b.name))
    .map(({ name, title, capability }) => [
      capability,
      `[${name}](${name}/README.md)`,
      title,
      ...[...results.keys()].map((runtime) => cell(runtime, name)),
    ]);
  const header = ["capability", "example", "shows", ...results.keys()];
  const lines = [header, header.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`);
  return [...lines, ...(notes.length === 0 ? [] : [""]), ...notes.map((note, index) => `${index + 1}. ${note}`)].join(
    "\n",
  );
}

/** The results in a text that has such a table. */
export function readResults(text: string): Results {
  const rows = text
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .map((line) => line.split("|").map((cell) => cell.trim()));
  const notes = new Map([...text.matchAll(/^(\d+)\. (.+)$/gm)].map(([, number, note]) => [number, note as string]));
  const [header = [], , ...examples] = rows;
  const columns = runtimeNames.filter((runtime) => header.includes(runtime));
  return new Map(
    columns.map((runtime) => {
      const results = examples.map((row) => {
        const name = /\[([^\]]+)\]/.exec(row[2] ?? "")?.[1] ?? "";
        const cell = row[header.indexOf(runtime)] ?? notRun;
        return [name, notes.get(/^cannot \((\d+)\)$/.exec(cell)?.[1]) ?? cell] as const;
      });
      return [runtime, new Map(results)];
    }),
  );
}

/** Those of a run over those from before. */
export function updated(before: Results, run: Results): Results {
  const merged = (runtime: RuntimeName) => new Map([...(before.get(runtime) ?? []), ...(run.get(runtime) ?? [])]);
  return new Map(runtimeNames.map((runtime) => [runtime, merged(runtime)]));
}

const [begin, end] = ["<!-- examples: written by `npm run examples -- --write` -->", "<!-- /examples -->"];

/** The text with the table of what is known after a run, between its marks. */
export function withResults(text: string, examples: readonly Example[], run: Results): string {
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`there is no place for the table, between ${begin} and ${end}`);
  const table = resultTable(examples, updated(readResults(text.slice(from, to)), run));
  return `${text.slice(0, from)}${begin}\n\n${table}\n\n${text.slice(to)}`;
}
