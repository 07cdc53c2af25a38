import { Failure } from "../../../base/mod.ts";

const advice = "The file is a KubeSchedulerConfiguration of kubescheduler.config.k8s.io/v1.";

export function refuse(where: string, why: string): never {
  throw new Failure("SchedulerConfig", `${where}: ${why}`, advice);
}

export type Fields = Readonly<Record<string, unknown>>;

/** An object with no other fields than these. */
export function fieldsOf(value: unknown, where: string, known: readonly string[]): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) refuse(where, "must be an object");
  for (const name of Object.keys(value)) if (!known.includes(name)) refuse(`${where}.${name}`, "unknown field");
  return value as Fields;
}

export function listOf(value: unknown, where: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) refuse(where, "must be a list");
  return value;
}

export function text(value: unknown, where: string): string {
  if (typeof value !== "string" || value === "") refuse(where, "must be a text");
  return value;
}

export function flag(value: unknown, where: string): boolean | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== "boolean") refuse(where, "must be true or false");
  return value;
}

export function wholeNumber(value: unknown, where: string, least: number, most: number): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "number" || !Number.isInteger(value) || value < least || value > most) {
    refuse(where, `must be a whole number from ${least} to ${most}`);
  }
  return value;
}

export function oneOf<const T extends string>(value: unknown, where: string, values: readonly T[]): T | undefined {
  if (value === undefined || value === null) return undefined;
  const found = values.find((candidate) => candidate === value);
  if (found === undefined) refuse(where, `must be one of ${values.join(", ")}`);
  return found;
}

/** `15s`, `1m30s`, `500ms`: Go's durations, in milliseconds. */
export function duration(value: unknown, where: string): number | undefined {
  if (value === undefined || value === null) return undefined;
  const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  const written = text(value, where);
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(written)) refuse(where, "must be a time such as 15s");
  let total = 0;
  for (const [, amount, unit] of written.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) {
    total += Number(amount) * (units[unit as string] as number);
  }
  return total;
}
