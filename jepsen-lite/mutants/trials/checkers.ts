import { BudgetExceeded, canary, checker, gradeMutants, overall, registers } from "../../checkers/mod.ts";
import type { Caught } from "../bug.ts";

const mutants = 30;

/** Checkers of which it is known what they must say. */
export async function trial(seed: number): Promise<readonly Caught[]> {
  const caught: Caught[] = [];
  const expect = (by: string, isSo: boolean, what: string) => {
    if (!isSo) caught.push({ by, what });
  };
  expect("canary", canary([], {}).valid === false, "the canary was not found invalid");
  const failing = checker<unknown>("failing", () => {
    throw new Error("a bug of the checker");
  });
  expect("checkers' own test", failing([], {}).valid === false, "a checker that failed was not found invalid");
  const slow = checker<unknown>("slow", () => {
    throw new BudgetExceeded("a million steps were not enough");
  });
  expect(
    "checkers' own test",
    slow([], {}).valid === "unknown",
    "a checker that gave up did not say that it cannot tell",
  );
  expect("checkers' own test", registers([], {}).valid !== true, "an empty history was found valid");
  expect("checkers' own test", overall([]) !== true, "what nobody judged was found valid");
  const { grades } = gradeMutants(mutants, seed);
  const accepted = grades.reduce((sum, { survivors }) => sum + survivors.length, 0);
  expect("history mutants", accepted <= mutants / 4, `${accepted} of ${mutants} mutants of histories were accepted`);
  return caught;
}
