import type { SeededBug } from "../bug.ts";
import { seededBugs } from "../table.ts";
import type { HistoricBug, Scenario } from "./bug.ts";

/** The text of a seeded bug, where that is the historic one. */
export function seeded(number: number): Pick<HistoricBug, "patches" | "setting"> {
  const { patches, setting } = find(number);
  return { patches, ...(setting === undefined ? {} : { setting }) };
}

/** What must look away so that those who are named for it see a seeded bug. */
export function blindedFor(number: number): readonly string[] {
  return find(number).blinded ?? [];
}

/** Where a seeded bug is looked for, and who must report it. */
export function simulationOf(number: number): Omit<Extract<Scenario, { readonly kind: "simulation" }>, "seeds"> {
  const { search, caughtBy, blinded } = find(number);
  if (search.kind !== "simulation") throw new Error(`bug ${number} is not looked for in the simulation`);
  const { seconds, forced } = search;
  return { kind: "simulation", seconds, forced, caughtBy, ...(blinded === undefined ? {} : { blinded }) };
}

function find(number: number): SeededBug {
  const bug = seededBugs.find((one) => one.number === number);
  if (bug === undefined) throw new Error(`no seeded bug has the number ${number}`);
  return bug;
}
