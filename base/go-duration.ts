const unitsMs: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 0.001,
  µs: 0.001,
  ns: 0.000_001,
};

/** Go's form of a time, such as `1m30s`, `1.5h`, `-2ms`, `0`; in milliseconds. Undefined if it is none. */
export function parseGoDuration(text: string): number | undefined {
  const [, sign = "", rest = ""] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  if (rest === "0") return 0;
  const parts = [...rest.matchAll(/(\d+\.?\d*|\.\d+)(ms|us|µs|ns|h|m|s)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== rest) return undefined;
  const sum = parts.reduce((total, [, count, unit = ""]) => total + Number(count) * (unitsMs[unit] as number), 0);
  return sign === "-" ? -sum : sum;
}

/** Go's way of printing a time: `1m30s`, `100ms`, `2h0m0s`, `1.5ms`, `0s`. */
export function goDuration(ms: number): string {
  if (ms === 0) return "0s";
  if (ms < 0) return `-${goDuration(-ms)}`;
  const short = (value: number, unit: string) => `${Number(value.toFixed(6))}${unit}`;
  if (ms < 0.001) return short(ms * 1e6, "ns");
  if (ms < 1) return short(ms * 1000, "µs");
  if (ms < 1000) return short(ms, "ms");
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor((ms % 3_600_000) / 60_000);
  const seconds = short((ms % 60_000) / 1000, "s");
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}
