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
export interface CronField {
  readonly values: ReadonlySet<number>;
  readonly any: boolean;
}

export type CronFields = Readonly<Record<keyof typeof bounds, CronField>>;

export type CronExpression =
  | { readonly kind: "fields"; readonly fields: CronFields; readonly zone?: string }
  /** Counted from the last time. */
  | { readonly kind: "every"; readonly everyMs: number; readonly zone?: string };

export type CronResult =
  | { readonly ok: true; readonly expression: CronExpression }
  | { readonly ok: false; readonly error: string };

class Invalid extends Error {}

/**
 * Reads a cron expression as robfig/cron's standard parser does: five fields, names, lists, ranges, steps, `@macros`, `@every`, and a
 * zone by `CRON_TZ=` or `TZ=` before it all.
 */
export function parseCron(text: string): CronResult {
  try {
    const prefix = /^(?:CRON_)?TZ=(\S+)\s+/.exec(text);
    const zone = prefix?.[1];
    if (zone !== undefined && !isTimeZone(zone)) {
      throw new Invalid(`provided bad location ${zone}: unknown time zone ${zone}`);
    }
    const expression = text.slice(prefix?.[0].length ?? 0).trim();
    if (expression === "") throw new Invalid("empty spec string");
    return { ok: true, expression: { ...bodyOf(expression), ...(zone !== undefined && { zone }) } };
  } catch (error) {
    if (error instanceof Invalid) return { ok: false, error: error.message };
    throw error;
  }
}

/** A zone of the IANA database. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en-US", { timeZone: name });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function bodyOf(expression: string): CronExpression {
  if (expression.startsWith("@every ")) return { kind: "every", everyMs: durationOf(expression.slice(7)) };
  const macro = macros[expression];
  if (expression.startsWith("@") && macro === undefined) throw new Invalid(`unrecognized descriptor: ${expression}`);
  const fields = (macro ?? expression).split(/\s+/);
  if (fields.length !== 5) {
    throw new Invalid(`expected exactly 5 fields, found ${fields.length}: [${fields.join(" ")}]`);
  }
  const [minute = "", hour = "", dayOfMonth = "", month = "", dayOfWeek = ""] = fields;
  return {
    kind: "fields",
    fields: {
      minute: parseField(minute, bounds.minute),
      hour: parseField(hour, bounds.hour),
      dayOfMonth: parseField(dayOfMonth, bounds.dayOfMonth),
      month: parseField(month, bounds.month),
      dayOfWeek: parseField(dayOfWeek, bounds.dayOfWeek),
    },
  };
}

const unitsMs: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

/** A duration of Go, in whole seconds, at least one. */
function durationOf(text: string): number {
  if (!/^(\d+(\.\d+)?(h|ms|m|s))+$/.test(text)) throw new Invalid(`failed to parse duration @every ${text}`);
  let totalMs = 0;
  for (const [, count, unit] of text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s)/g))
    totalMs += Number(count) * (unitsMs[unit ?? ""] ?? 0);
  return Math.max(1000, Math.floor(totalMs / 1000) * 1000);
}

function parseField(text: string, limits: Bounds): CronField {
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
