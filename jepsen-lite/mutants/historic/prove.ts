import { hunt, isCaught } from "../hunt.ts";
import type { HistoricBug } from "./bug.ts";
import { searchOf } from "./table.ts";
import { runTest } from "./tests.ts";

/** What a scenario said with the bug in and without it. */
export interface Proof {
  readonly bug: HistoricBug;
  /** Without the bug it passes. */
  readonly passesWithout: boolean;
  /** With the bug it fails, and who reported it says so. */
  readonly failsWith: boolean;
  /** Of a test the assertion, of the simulation the checker and the seed. */
  readonly by: string;
  /** What was wrong with the proof itself. */
  readonly trouble?: string;
}

export function holds({ passesWithout, failsWith }: Proof): boolean {
  return passesWithout && failsWith;
}

/** Runs a scenario in both directions. */
export async function prove(bug: HistoricBug): Promise<Proof> {
  try {
    return await (bug.scenario.kind === "test" ? proveByTest(bug, bug.scenario) : proveBySimulation(bug));
  } catch (error) {
    const trouble = error instanceof Error ? error.message : String(error);
    return { bug, passesWithout: false, failsWith: false, by: "", trouble };
  }
}

async function proveByTest(
  bug: HistoricBug,
  scenario: Extract<HistoricBug["scenario"], { kind: "test" }>,
): Promise<Proof> {
  const { patches, setting = [] } = bug;
  const without = await runTest(scenario, setting);
  const withIt = await runTest(scenario, [...patches, ...setting]);
  return {
    bug,
    passesWithout: without.passed,
    failsWith: !withIt.passed,
    by: withIt.failure ?? "",
    ...(without.passed ? {} : { trouble: without.failure }),
  };
}

/** Seeds from 1 on until one of them finds it; that one once more without it. */
async function proveBySimulation(bug: HistoricBug): Promise<Proof> {
  const search = searchOf(bug)!;
  const seeds = search.budget!;
  const trophy = await hunt(search, { from: 1, seeds, samples: 1, patienceMs: 0 });
  const others = [...trophy.others].map(([name, count]) => `${name} ×${count}`).join(", ");
  return {
    bug,
    passesWithout: trophy.gaps.length > 0 && trophy.falseAlarms.length === 0,
    failsWith: isCaught(trophy),
    by: [...trophy.by.keys()].map((name) => `${name} (seed ${trophy.caughtIn[0]})`).join(),
    ...(isCaught(trophy) ? {} : { trouble: `${trophy.tried} seeds; ${others || "nothing reported"}` }),
  };
}
