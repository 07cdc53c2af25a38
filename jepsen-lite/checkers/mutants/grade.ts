import { seededRandom } from "../../../base/mod.ts";
import type { History } from "../../history/mod.ts";
import { errorAudit } from "../cluster/errors.ts";
import { wholeStore } from "../linearizability/store-checker.ts";
import { durability } from "../replay/durability.ts";
import { reads } from "../replay/reads.ts";
import type { Verdict } from "../verdict.ts";
import { watches } from "../watch/checker.ts";
import { mutations } from "./mutations.ts";
import { eventsOf, validHistory } from "./valid-history.ts";

/** What became of the mutants of one kind. */
export interface Grade {
  readonly mutation: string;
  made: number;
  rejected: number;
  /** Proven to be legal, and accepted or not. */
  equivalent: number;
  /** Accepted without a proof: seeds of these. */
  readonly survivors: number[];
  /** How many of the rejected each checker saw. */
  readonly by: Record<string, number>;
}

/** The checkers of a history of the whole store. */
export function judgeStore(history: History): Verdict[] {
  const budget = { steps: 20_000 };
  return [
    wholeStore(history, budget),
    reads(history, {}),
    watches(history, {}),
    durability(history, {}),
    errorAudit(history, {}),
  ];
}

/**
 * Grades the checkers with `count` mutants of valid histories. The valid history of each seed is judged too: a checker that rejects everything kills all mutants.
 * @returns the grades, and the seeds of valid histories that were not found valid.
 */
export function gradeMutants(
  count: number,
  seed: number,
): { readonly grades: readonly Grade[]; readonly falseAlarms: readonly number[] } {
  const names = Object.keys(mutations);
  const grades = new Map(
    names.map((mutation) => [
      mutation,
      { mutation, made: 0, rejected: 0, equivalent: 0, survivors: [] as number[], by: {} as Record<string, number> },
    ]),
  );
  const falseAlarms: number[] = [];
  for (let made = 0, next = seed; made < count; next++) {
    const random = seededRandom(next);
    const valid = validHistory(random);
    if (judgeStore(eventsOf(valid)).some((verdict) => verdict.valid !== true)) falseAlarms.push(next);
    // Several mutants of each valid history, or most of the time would go into making these.
    for (let i = 0; i < 5 && made < count; i++) {
      const name = names[made % names.length] as string;
      const mutant = mutations[name]?.(valid, random);
      made++;
      const grade = grades.get(name) as Grade;
      if (mutant === undefined) {
        made--;
        break;
      }
      grade.made++;
      const seers = judgeStore(eventsOf(mutant.operations)).filter((verdict) => verdict.valid === false);
      for (const { checker } of seers) grade.by[checker] = (grade.by[checker] ?? 0) + 1;
      if (mutant.equivalent !== undefined) grade.equivalent++;
      else if (seers.length > 0) grade.rejected++;
      else grade.survivors.push(next);
    }
  }
  return { grades: [...grades.values()], falseAlarms };
}
