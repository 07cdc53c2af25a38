import type { Job } from "../../api/mod.ts";
import { parseIndexes } from "./indexes.ts";

/** Which rule of spec.successPolicy the succeeded indexes meet, in the original's words; undefined when none. */
export function successPolicyMet(job: Job, succeeded: ReadonlySet<number>): string | undefined {
  const completions = job.spec.completions ?? 0;
  const rules = job.spec.successPolicy?.rules ?? [];
  const met = rules.findIndex(({ succeededIndexes, succeededCount }) => {
    if (succeededIndexes === undefined) return succeeded.size >= (succeededCount ?? completions);
    const wanted = parseIndexes(succeededIndexes, completions);
    const got = [...wanted].filter((index) => succeeded.has(index)).length;
    return got >= (succeededCount ?? wanted.size);
  });
  return met === -1 ? undefined : `Matched rules at index ${met}`;
}
