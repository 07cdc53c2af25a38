import { aligned } from "../tell.ts";
import { absentBugs } from "./absent.ts";
import type { AbsentBug } from "./bug.ts";
import { holds, type Proof, prove } from "./prove.ts";
import { historicBugs } from "./table.ts";
import { runTest } from "./tests.ts";

export interface HistoricOptions {
  /** As the table has them, with or without the `#`. Undefined: all. */
  readonly only: readonly string[] | undefined;
  readonly say: (line: string) => void;
}

/** Runs every scenario in both directions, one after the other. True: each passes without its bug and fails with it. */
export async function proveHistoric({ only, say }: HistoricOptions): Promise<boolean> {
  const isMeant = ({ name }: { readonly name: string }) =>
    only === undefined || only.some((wanted) => name === wanted || name.replace("#", "").split(",")[0] === wanted);
  const proofs: Proof[] = [];
  for (const bug of historicBugs.filter(isMeant)) {
    const startMs = performance.now();
    const proof = await prove(bug);
    proofs.push(proof);
    const seconds = Math.round((performance.now() - startMs) / 1000);
    const outcome = holds(proof) ? `found by ${proof.by}` : `NOT PROVEN: ${proof.trouble ?? ""}`;
    say(`${bug.name}  ${bug.title}: ${outcome} (${seconds} s)`);
  }
  const absent: { readonly bug: AbsentBug; readonly passes: boolean }[] = [];
  for (const bug of absentBugs.filter(isMeant)) {
    absent.push({ bug, passes: (await runTest(bug.scenario, [])).passed });
  }
  const proven = proofs.filter(holds).length;
  const watched = absent.filter(({ passes }) => passes).length;
  if (proofs.length > 0) say(`\n${table(proofs)}`);
  if (absent.length > 0) say(`\n${absentTable(absent)}`);
  say(
    `\n${proven} of ${proofs.length} scenarios pass without their bug and fail with it; ${absent.length} bugs cannot be put in, and ${watched} of them are looked for all the same.`,
  );
  return proofs.length + absent.length > 0 && proven === proofs.length && watched === absent.length;
}

function table(proofs: readonly Proof[]): string {
  const rows = proofs.map(({ bug, passesWithout, failsWith, by }) => [
    bug.row === 0 ? "Jepsen" : String(bug.row),
    bug.name,
    bug.title,
    placeOf(bug.scenario),
    passesWithout ? "passes" : "FAILS",
    failsWith ? "fails" : "PASSES",
    by.length > 60 ? `${by.slice(0, 59)}…` : by,
  ]);
  return aligned([["row", "etcd", "bug", "scenario", "without", "with", "reported by"], ...rows]);
}

function absentTable(absent: readonly { readonly bug: AbsentBug; readonly passes: boolean }[]): string {
  const rows = absent.map(({ bug, passes }) => [
    bug.row === 0 ? "Jepsen" : String(bug.row),
    bug.name,
    placeOf(bug.scenario),
    passes ? "passes" : "FAILS",
    bug.why,
  ]);
  return aligned([["row", "etcd", "scenario", "as it is", "why it cannot be put in"], ...rows]);
}

function placeOf(scenario: Proof["bug"]["scenario"]): string {
  if (scenario.kind === "test") return scenario.file.replace(/\.test\.ts$/, "");
  return `simulation: ${scenario.forced.workload ?? "all"}, ${scenario.seconds} s`;
}
