/** `0 ms`, `350 µs`, `1.2 ms`, `12.5 s`, `3 min 20 s`. */
export function duration(ns: number): string {
  if (ns === 0) return "0 ms";
  if (ns < 1e6) return `${short(ns / 1e3)} µs`;
  if (ns < 1e9) return `${short(ns / 1e6)} ms`;
  if (ns < 120e9) return `${short(ns / 1e9)} s`;
  const seconds = Math.round(ns / 1e9);
  return `${Math.floor(seconds / 60)} min${seconds % 60 === 0 ? "" : ` ${seconds % 60} s`}`;
}

/** A moment of the run: seconds, with the digits that tell it from another `stepNs` later. */
export function moment(ns: number, stepNs = ns < 1e6 ? 1 : 1e6): string {
  return `${(ns / 1e9).toFixed(Math.max(0, Math.min(9, Math.ceil(9 - Math.log10(stepNs) - 1e-9))))} s`;
}

/** Three digits that count. */
function short(value: number): string {
  return String(Number(value.toPrecision(value >= 100 ? Math.ceil(Math.log10(value + 1)) : 3)));
}

/** `12,345`. */
export function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** Values of histories, on one line; strings without quotes where they cannot be mistaken. */
export function valueText(value: unknown): string {
  if (value === undefined || value === null) return "nil";
  if (typeof value === "string") return /^[\w./:-]+$/.test(value) ? value : JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(valueText).join(" ")}]`;
  if (typeof value !== "object") return String(value);
  return `{${Object.entries(value)
    .map(([key, inner]) => `${key} ${valueText(inner)}`)
    .join(", ")}}`;
}

export function clipped(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
