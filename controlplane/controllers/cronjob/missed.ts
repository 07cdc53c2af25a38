import type { Schedule } from "./schedule.ts";

export interface Due {
  /** The newest time that has come; undefined when none has. */
  readonly atMs: number | undefined;
  /** More than a hundred times have passed since the last one that was served. */
  readonly tooMany: boolean;
}

const many = 100;

/** The newest time of the schedule in (`earliestMs`, `nowMs`]. Older ones that were missed are not made up for. */
export function lastDue(schedule: Schedule, earliestMs: number, nowMs: number): Due {
  let count = 0;
  let atMs: number | undefined;
  for (let t = schedule.next(earliestMs); t !== undefined && t <= nowMs; t = schedule.next(t)) {
    atMs = t;
    if (++count > many) return { atMs: bisect(schedule, t, nowMs), tooMany: true };
  }
  return { atMs, tooMany: false };
}

/** The last time in [`known`, `nowMs`]: whether any follows an instant can only turn from yes to no as the instant grows. */
function bisect(schedule: Schedule, known: number, nowMs: number): number {
  let [low, high] = [known - 1000, nowMs];
  while (high - low > 1000) {
    const middle = low + Math.floor((high - low) / 2);
    if ((schedule.next(middle) ?? Number.POSITIVE_INFINITY) <= nowMs) low = middle;
    else high = middle;
  }
  return schedule.next(low) as number;
}
