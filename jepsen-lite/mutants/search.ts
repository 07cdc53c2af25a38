import type { Parameters, Violation } from "../simulation/mod.ts";
import { adjusted, type Caught, type Search, type SeededBug, type Trial } from "./bug.ts";

/** One seed of a search, in this process: with the bug if its patches are installed. */
export type Attempt = (seed: number) => Promise<readonly Caught[]>;

/** Loads what the search runs. Patches must be installed before. */
export async function attemptsOf(search: Search): Promise<Attempt> {
  switch (search.kind) {
    case "trial": {
      const { trial } = (await import(new URL(search.module, import.meta.url).href)) as { readonly trial: Trial };
      return trial;
    }
    case "schedules":
      return schedules(search.steps);
    case "simulation": {
      const { run, violationsIn } = await import("../simulation/mod.ts");
      const { seconds, forced } = search;
      return async (seed) => {
        const adjust = (drawn: Parameters) => adjusted(drawn, forced);
        const { violation, parameters, history } = await run({ seed, seconds, adjust });
        if (violation === undefined) return [];
        // What broke the run off need not be all that can be told of it.
        return [violation, ...violationsIn(parameters, history)].map(caughtBy);
      };
    }
  }
}

/** Raft's own schedules are no part of its room's door: nothing but proofs needs them. */
async function schedules(steps: number): Promise<Attempt> {
  const module = new URL("../../raft/simulation/run.ts", import.meta.url).href;
  const { runSchedule } = (await import(module)) as {
    readonly runSchedule: (options: { readonly seed: number; readonly steps: number }) => unknown;
  };
  return async (seed) => {
    try {
      runSchedule({ seed, steps });
      return [];
    } catch (error) {
      const { message: what } = (error as { readonly cause?: Error }).cause ?? (error as Error);
      return [{ by: what.split(":")[0] as string, what }];
    }
  };
}

function caughtBy({ property, message }: Violation): Caught {
  return { by: property, what: message, kinds: kindsIn(message) };
}

/** A verdict's summary counts its anomalies: "Invalid: 2 × lost-write, resurrected. …". */
function kindsIn(what: string): readonly string[] {
  const counted = /: Invalid: ([^.]*)\. /.exec(what)?.[1];
  return counted?.split(", ").map((one) => one.replace(/^\d+ × /, "")) ?? [];
}

/** Who of those that are named for the bug reported it. */
export function namedIn({ caughtBy }: SeededBug, reports: readonly Caught[]): string | undefined {
  const told = reports.flatMap(({ by, kinds = [] }) => [by, ...kinds.map((kind) => `${by}: ${kind}`)]);
  return caughtBy.find((name) => told.includes(name));
}
