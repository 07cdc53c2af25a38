import { attempts, hunt } from "../hunt.ts";
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

/** Seeds from 1 on until one of them finds it; then all of these once more without it. */
async function proveBySimulation(bug: HistoricBug): Promise<Proof> {
  const search = searchOf(bug)!;
  const trophy = await hunt(search, { from: 1, seeds: search.budget!, samples: 1, patienceMs: 0 });
  const [seed] = trophy.caughtIn;
  if (seed === undefined) {
    const others = [...trophy.others].map(([name, count]) => `${name} ×${count}`).join(", ");
    const trouble = `${trophy.tried} seeds; ${others || "nothing reported"}`;
    return { bug, passesWithout: false, failsWith: false, by: "", trouble };
  }
  let passed = 0;
  const alarms: string[] = [];
  for await (const { reports } of attempts([search.number, 1, seed, "control"])) {
    if (reports.length === 0) passed++;
    for (const { by } of reports) alarms.push(by);
  }
  const by = [...trophy.by.keys()].map((name) => `${name} (seed ${seed})`).join();
  const passesWithout = passed === seed;
  const trouble = `without it ${passed} of ${seed} seeds pass; ${alarms.join(", ")}`;
  return { bug, passesWithout, failsWith: true, by, ...(passesWithout ? {} : { trouble }) };
}
