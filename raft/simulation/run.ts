import { InvariantViolation } from "../../base/mod.ts";
import { healAndProgress } from "./heal.ts";
import { BrokenInvariant } from "./ledger.ts";
import { Schedule, type ScheduleOptions } from "./schedule.ts";

export interface ScheduleReport {
  readonly seed: number;
  /** How many entries were committed. */
  readonly committed: number;
  readonly terms: number;
  /** Rounds of ticks until the healed cluster was of use. */
  readonly healedAfter: number;
}

/** Runs one schedule. Throws what it broke, with the seed to repeat it. */
export function runSchedule(options: ScheduleOptions): ScheduleReport {
  const schedule = new Schedule(options);
  try {
    schedule.run();
    const healedAfter = healAndProgress(schedule);
    const terms = Math.max(...schedule.members.map(({ node }) => node?.term ?? 0));
    return { seed: options.seed, committed: schedule.ledger.maxCommitted, terms, healedAfter };
  } catch (error) {
    if (!(error instanceof BrokenInvariant || error instanceof InvariantViolation)) throw error;
    throw new Error(`seed ${options.seed}: ${error.message}`, { cause: error });
  }
}
