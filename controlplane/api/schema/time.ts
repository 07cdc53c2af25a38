/** Instants as Kubernetes writes them: UTC, RFC 3339, whole seconds (Time) or six decimals (MicroTime). */

const pattern = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

export interface Instant {
  /** Whole seconds since 1970, rounded down. */
  readonly seconds: number;
  readonly nanos: number;
}

/** Undefined when the text is not RFC 3339, or names a day that does not exist. */
export function parseInstant(text: string): Instant | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const nanos = Number((match[7] ?? "").slice(0, 9).padEnd(9, "0"));
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return undefined;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const offset = (match[8] === "-" ? -1 : 1) * (Number(match[9] ?? 0) * 3600 + Number(match[10] ?? 0) * 60);
  return { seconds: daysSince1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset, nanos };
}

/** `2026-11-23T06:00:00Z`. */
export function formatTime({ seconds }: Pick<Instant, "seconds">): string {
  return new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, "Z");
}

/** `2026-11-23T06:00:00.000000Z`. */
export function formatMicroTime({ seconds, nanos }: Instant): string {
  const micros = Math.floor(nanos / 1000);
  return formatTime({ seconds }).replace("Z", `.${String(micros).padStart(6, "0")}Z`);
}

/** A clock's milliseconds since 1970 as a Time. */
export function timeAt(milliseconds: number): string {
  return formatTime({ seconds: Math.floor(milliseconds / 1000) });
}

/** A clock's milliseconds since 1970 as a MicroTime. */
export function microTimeAt(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  return formatMicroTime({ seconds, nanos: Math.round((milliseconds - seconds * 1000) * 1e6) });
}

/** Milliseconds since 1970; undefined for an absent or malformed time. */
export function millisecondsOf(time: string | undefined): number | undefined {
  const instant = time === undefined ? undefined : parseInstant(time);
  return instant && instant.seconds * 1000 + instant.nanos / 1e6;
}

function isLeap(year: number): boolean {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return isLeap(year) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

function daysSince1970(year: number, month: number, day: number): number {
  return Date.UTC(year, month - 1, day) / 86_400_000;
}
