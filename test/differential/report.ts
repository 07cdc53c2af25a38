import type { Tally } from "./pair.ts";

export interface Failure {
  readonly profile: string;
  readonly seed: number;
  readonly path: string;
  readonly message: string;
  /** Each operation of the smallest sequence that was found, and what ours answered. */
  readonly history: readonly string[];
}

/** What a run came to, so far. */
export interface Report extends Tally {
  /** Seeds from the first to before the next were drawn from, or are. */
  readonly profiles: { readonly profile: string; readonly firstSeed: number; nextSeed: number; operations: number }[];
  readonly failures: Failure[];
}

export function emptyReport(): Report {
  return { counts: new Map(), explained: new Map(), profiles: [], failures: [] };
}

/** Of runs side by side. */
export function together(reports: readonly Report[]): Report {
  const sum = emptyReport();
  for (const { counts, explained, profiles, failures } of reports) {
    for (const [name, count] of counts) sum.counts.set(name, (sum.counts.get(name) ?? 0) + count);
    for (const [name, count] of explained) sum.explained.set(name, (sum.explained.get(name) ?? 0) + count);
    sum.profiles.push(...profiles);
    sum.failures.push(...failures);
  }
  return sum;
}

export function operationsOf({ profiles }: Report): number {
  return profiles.reduce((sum, { operations }) => sum + operations, 0);
}

/** For people: what differed, and how to see it again. */
export function explain({ profile, seed, path, message, history }: Failure): string {
  return [
    `etcd and Flotilla differ (${profile}). The sequence, with our answers:`,
    ...history.map((line) => `  ${line}`),
    message,
    `Again: npm run differential -- --profile "${profile}" --seed ${seed} --path "${path}"`,
  ].join("\n");
}

/** Profiles with their seeds, operations and rules, with how often each came. */
export function table({ counts, explained, profiles }: Report): string {
  const lines = (title: string, counted: ReadonlyMap<string, number>) => {
    const sorted = [...counted].sort(([a], [b]) => (a < b ? -1 : 1));
    return [title, ...sorted.map(([name, count]) => line(name, count))];
  };
  const line = (name: string, count: number) => `  ${name.padEnd(34)}${String(count).padStart(10)}`;
  return [
    "profiles and their seeds",
    ...profiles.map(({ profile, firstSeed, nextSeed, operations }) =>
      line(`${profile}, ${firstSeed} to ${nextSeed - 1}`, operations),
    ),
    ...lines("operations", counts),
    ...lines("answers that a rule made equal", explained),
  ].join("\n");
}
