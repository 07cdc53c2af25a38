import type { Grade } from "../checkers/mod.ts";
import { isCaught, median, type Trophy } from "./hunt.ts";

/** In one line, as soon as it is known. */
export function progress(trophy: Trophy): string {
  const { bug, gaps, tried, ms, stuck, others, falseAlarms } = trophy;
  const ended = isCaught(trophy) ? `caught by ${listed(trophy.by)}, ${median(gaps)} seeds` : "NOT CAUGHT";
  const asides = [
    `${tried} seeds in ${Math.round(ms / 1000)} s`,
    ...(stuck > 0 ? [`${stuck} never ended`] : []),
    ...(others.size > 0 ? [`also reported: ${listed(others)}`] : []),
    ...(falseAlarms.length > 0 ? [`reported without it too: ${falseAlarms.map(({ by }) => by).join(", ")}`] : []),
  ];
  return `${String(bug.number).padStart(3)}  ${bug.title}: ${ended} (${asides.join("; ")})`;
}

/** The mutation table. */
export function describeTrophies(trophies: readonly Trophy[]): string {
  const rows = trophies.map((trophy) => {
    const { bug, gaps, by } = trophy;
    const medianSeeds = isCaught(trophy) ? `${median(gaps)} (of ${gaps.length})` : "";
    const caughtBy = isCaught(trophy) ? listed(by) : "NOT CAUGHT";
    return [String(bug.number), bug.title, placeOf(trophy), caughtBy, medianSeeds];
  });
  const caught = trophies.filter(isCaught);
  const overall =
    caught.length === 0 ? "" : `; median over the bugs: ${median(caught.map(({ gaps }) => median(gaps)))}`;
  const head = ["#", "seeded bug", "looked for in", "caught by", "median seeds"];
  return `${aligned([head, ...rows])}\n\n${caught.length} of ${trophies.length} caught${overall}`;
}

function placeOf({ bug: { search } }: Trophy): string {
  if (search.kind === "simulation") return `simulation, ${search.seconds} s`;
  return search.kind === "schedules" ? "schedules of Raft" : `trial: ${search.module.replace(/^.*\/|\.ts$/g, "")}`;
}

/** Mutants of histories: what became of them, and whether that is enough. */
export function describeGrades({ grades, falseAlarms }: { grades: readonly Grade[]; falseAlarms: readonly number[] }): {
  readonly text: string;
  readonly passed: boolean;
} {
  const sum = (of: (grade: Grade) => number) => grades.reduce((total, grade) => total + of(grade), 0);
  const [made, rejected, equivalent] = [sum((g) => g.made), sum((g) => g.rejected), sum((g) => g.equivalent)];
  const share = (rejected + equivalent) / made;
  const rows = grades.map(({ mutation, made, rejected, equivalent, survivors }) =>
    [mutation, made, rejected, equivalent, survivors.length].map(String),
  );
  const head = ["mutation of a history", "made", "rejected", "proven legal", "accepted"];
  const total = `${made} mutants: ${rejected} rejected, ${equivalent} proven legal, ${made - rejected - equivalent} accepted (${(100 * share).toFixed(1)} % as they should be); valid histories that were rejected: ${falseAlarms.length}`;
  return { text: `${aligned([head, ...rows])}\n\n${total}`, passed: share >= 0.95 && falseAlarms.length === 0 };
}

function listed(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${name} ×${count}`)
    .join(", ");
}

export function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join("  ")
      .trimEnd();
  return rows.map(line).join("\n");
}
