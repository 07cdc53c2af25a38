import { TimeZone } from "./time-zone.ts";

/** When something is to happen, again and again. */
export interface Schedule {
  /** The first time after `afterMs`; undefined when there is none within five years. */
  next(afterMs: number): number | undefined;
}

export type ScheduleResult =
  | { readonly ok: true; readonly schedule: Schedule; readonly zone: TimeZone }
  | { readonly ok: false; readonly error: string };

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly names?: Readonly<Record<string, number>>;
}

const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const bounds = {
  minute: { min: 0, max: 59 },
  hour: { min: 0, max: 23 },
  dayOfMonth: { min: 1, max: 31 },
  month: { min: 1, max: 12, names: Object.fromEntries(months.map((name, i) => [name, i + 1])) },
  dayOfWeek: { min: 0, max: 6, names: Object.fromEntries(days.map((name, i) => [name, i])) },
} satisfies Record<string, Bounds>;

const macros: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};

/** Values of one field, and whether it is a plain `*`. */
interface Field {
  readonly values: ReadonlySet<number>;
  readonly any: boolean;
}

class Invalid extends Error {}

/**
 * Reads a cron expression as robfig/cron's standard parser does: five fields, names, lists, ranges, steps, `@macros`, `@every`, and a
 * zone by `CRON_TZ=` or `TZ=` before it all. `zoneName` is the zone that is meant otherwise.
 */
export function parseSchedule(text: string, zoneName: string): ScheduleResult {
  try {
    const prefix = /^(?:CRON_)?TZ=(\S+)\s+/.exec(text);
    const zone = zoneOf(prefix?.[1] ?? zoneName);
    const expression = text.slice(prefix?.[0].length ?? 0).trim();
    if (expression === "") throw new Invalid("empty spec string");
    return { ok: true, schedule: scheduleOf(expression, zone), zone };
  } catch (error) {
    if (error instanceof Invalid) return { ok: false, error: error.message };
    throw error;
  }
}

function zoneOf(name: string): TimeZone {
  try {
    return new TimeZone(name);
  } catch {
    throw new Invalid(`provided bad location ${name}: unknown time zone ${name}`);
  }
}

function scheduleOf(expression: string, zone: TimeZone): Schedule {
  if (expression.startsWith("@every ")) return everySchedule(expression.slice("@every ".length));
  const macro = macros[expression];
  if (expression.startsWith("@") && macro === undefined) throw new Invalid(`unrecognized descriptor: ${expression}`);
  const fields = (macro ?? expression).split(/\s+/);
  if (fields.length !== 5) {
    throw new Invalid(`expected exactly 5 fields, found ${fields.length}: [${fields.join(" ")}]`);
  }
  const [minute = "", hour = "", dayOfMonth = "", month = "", dayOfWeek = ""] = fields;
  return new CronSchedule(zone, {
    minute: parseField(minute, bounds.minute),
    hour: parseField(hour, bounds.hour),
    dayOfMonth: parseField(dayOfMonth, bounds.dayOfMonth),
    month: parseField(month, bounds.month),
    dayOfWeek: parseField(dayOfWeek, bounds.dayOfWeek),
  });
}

const unitsMs: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

/** A duration of Go, at least a second, counted from the last time. */
function everySchedule(text: string): Schedule {
  if (!/^(\d+(\.\d+)?(h|ms|m|s))+$/.test(text)) throw new Invalid(`failed to parse duration @every ${text}`);
  let totalMs = 0;
  for (const [, count, unit] of text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s)/g))
    totalMs += Number(count) * (unitsMs[unit ?? ""] ?? 0);
  const everyMs = Math.max(1000, Math.floor(totalMs / 1000) * 1000);
  return { next: (afterMs) => Math.floor(afterMs / 1000) * 1000 + everyMs };
}

function parseField(text: string, limits: Bounds): Field {
  const values = new Set<number>();
  let any = false;
  for (const part of text.split(",")) {
    if (part === "") throw new Invalid(`empty part in field: ${text}`);
    any = parseRange(part, limits, values) || any;
  }
  return { values, any };
}

/** `*`, `5`, `1-5`, each with `/step`. `5/10` goes on to the end. Returns whether it is a plain star. */
function parseRange(text: string, { min, max, names = {} }: Bounds, values: Set<number>): boolean {
  const [range = "", stepText, ...more] = text.split("/");
  if (more.length > 0) throw new Invalid(`too many slashes: ${text}`);
  const [from = "", to, ...tooMany] = range.split("-");
  if (tooMany.length > 0) throw new Invalid(`too many hyphens: ${text}`);
  const value = (word: string): number => {
    const named = names[word.toLowerCase()];
    if (named !== undefined) return named;
    if (!/^\d+$/.test(word)) throw new Invalid(`failed to parse int from ${word}: ${text}`);
    return Number(word);
  };
  const star = from === "*" || from === "?";
  if (star && to !== undefined) throw new Invalid(`failed to parse int from ${from}: ${text}`);
  const step = stepText === undefined ? 1 : value(stepText);
  const start = star ? min : value(from);
  const end = star ? max : to !== undefined ? value(to) : stepText === undefined ? start : max;
  if (start < min) throw new Invalid(`beginning of range (${start}) below minimum (${min}): ${text}`);
  if (end > max) throw new Invalid(`end of range (${end}) above maximum (${max}): ${text}`);
  if (start > end) throw new Invalid(`beginning of range (${start}) beyond end of range (${end}): ${text}`);
  if (step === 0) throw new Invalid(`step of range should be a positive number: ${text}`);
  for (let each = start; each <= end; each += step) values.add(each);
  return star && step === 1;
}

interface Fields {
  readonly minute: Field;
  readonly hour: Field;
  readonly dayOfMonth: Field;
  readonly month: Field;
  readonly dayOfWeek: Field;
}

const hourMs = 3_600_000;

/**
 * Walks from the largest field to the smallest, and from the start again when one of them overflows. Hours and minutes are steps of real
 * time, which decides what a change of the clock means: a time that is skipped does not happen that day, one that comes twice happens
 * twice.
 */
class CronSchedule implements Schedule {
  readonly #zone: TimeZone;
  readonly #fields: Fields;

  constructor(zone: TimeZone, fields: Fields) {
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
