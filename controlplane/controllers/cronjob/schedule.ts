import { type CronFields, isTimeZone, parseCron } from "../../api/mod.ts";
import { TimeZone } from "./time-zone.ts";

/** When something is to happen, again and again. */
export interface Schedule {
  /** The first time after `afterMs`; undefined when there is none within five years. */
  next(afterMs: number): number | undefined;
}

export type ScheduleResult =
  | { readonly ok: true; readonly schedule: Schedule; readonly zone: TimeZone }
  | { readonly ok: false; readonly error: string };

/** The schedule that a cron expression describes. `zoneName` is the zone that is meant where it names none. */
export function parseSchedule(text: string, zoneName: string): ScheduleResult {
  const parsed = parseCron(text);
  if (!parsed.ok) return parsed;
  const { expression } = parsed;
  const named = expression.zone ?? zoneName;
  if (!isTimeZone(named)) return { ok: false, error: `provided bad location ${named}: unknown time zone ${named}` };
  const zone = new TimeZone(named);
  if (expression.kind === "fields") return { ok: true, schedule: new CronSchedule(zone, expression.fields), zone };
  const { everyMs } = expression;
  return { ok: true, schedule: { next: (afterMs) => Math.floor(afterMs / 1000) * 1000 + everyMs }, zone };
}

const hourMs = 3_600_000;

/**
 * Walks from the largest field to the smallest, and from the start again when one of them overflows. Hours and minutes are steps of real
 * time, which decides what a change of the clock means: a time that is skipped does not happen that day, one that comes twice happens
 * twice.
 */
class CronSchedule implements Schedule {
  readonly #zone: TimeZone;
  readonly #fields: CronFields;

  constructor(zone: TimeZone, fields: CronFields) {
    this.#zone = zone;
    this.#fields = fields;
  }

  next(afterMs: number): number | undefined {
    const { minute, hour, month } = this.#fields;
    const zone = this.#zone;
    let at = Math.floor(afterMs / 1000) * 1000 + 1000;
    const lastYear = zone.civil(at).getUTCFullYear() + 5;
    // Once a field was moved, all smaller ones begin at their lowest.
    let moved = false;
    wrap: while (true) {
      let now = zone.civil(at);
      if (now.getUTCFullYear() > lastYear) return undefined;
      while (!month.values.has(now.getUTCMonth() + 1)) {
        if (!moved) at = zone.instant(now.getUTCFullYear(), now.getUTCMonth(), 1);
        moved = true;
        now = zone.civil(at);
        at = zone.instant(now.getUTCFullYear(), now.getUTCMonth() + 1, 1);
        now = zone.civil(at);
        if (now.getUTCMonth() === 0) continue wrap;
      }
      while (!this.#dayMatches(now)) {
        if (!moved) at = zone.instant(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate());
        moved = true;
        now = zone.civil(at);
        at = zone.instant(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() + 1, now.getUTCHours());
        // Where the clock changes at midnight, a day may begin at 1, and its predecessor's 24 h end at 23.
        const offMidnight = zone.civil(at).getUTCHours();
        if (offMidnight > 12) at += (24 - offMidnight) * hourMs;
        else at -= offMidnight * hourMs;
        now = zone.civil(at);
        if (now.getUTCDate() === 1) continue wrap;
      }
      while (!hour.values.has(now.getUTCHours())) {
        if (!moved) at -= (now.getUTCMinutes() * 60 + now.getUTCSeconds()) * 1000;
        moved = true;
        at += hourMs;
        now = zone.civil(at);
        if (now.getUTCHours() === 0) continue wrap;
      }
      while (!minute.values.has(now.getUTCMinutes()) || now.getUTCSeconds() !== 0) {
        at += 60_000 - now.getUTCSeconds() * 1000;
        moved = true;
        now = zone.civil(at);
        if (now.getUTCMinutes() === 0) continue wrap;
      }
      return at;
    }
  }

  /** Both day fields must match if one of them is a star, else one is enough. */
  #dayMatches(now: Date): boolean {
    const { dayOfMonth, dayOfWeek } = this.#fields;
    const byMonth = dayOfMonth.values.has(now.getUTCDate());
    const byWeek = dayOfWeek.values.has(now.getUTCDay());
    return dayOfMonth.any || dayOfWeek.any ? byMonth && byWeek : byMonth || byWeek;
  }
}
