import { say } from "./output.ts";

export const outputFormats = ["simple", "table", "json", "fields"] as const;
export type OutputFormat = (typeof outputFormats)[number];

/** One thing to print, in every way in which etcdutl prints it. */
export interface Printable {
  /** As `json` has it. */
  readonly object: object;
  /** As `fields` has it, line by line. */
  readonly fields: readonly (readonly [name: string, value: string | number])[];
  readonly header: readonly string[];
  readonly cells: readonly string[];
}

export function print({ object, fields, header, cells }: Printable, format: OutputFormat): void {
  if (format === "json") say(JSON.stringify(object));
  else if (format === "simple") say(cells.join(", "));
  else if (format === "table") say(drawTable(header, cells));
  else for (const [name, value] of fields) say(`"${name}" : ${value}`);
}

/** As etcdctl draws its tables: names in capitals and centred, values to the right. */
export function drawTable(header: readonly string[], cells: readonly string[]): string {
  const widths = header.map((name, column) => Math.max(name.length, cells[column]?.length ?? 0));
  const line = `+${widths.map((width) => "-".repeat(width + 2)).join("+")}+`;
  const row = (texts: readonly string[]) => `|${texts.map((text) => ` ${text} `).join("|")}|`;
  const centred = header.map((name, column) => {
    const space = (widths[column] as number) - name.length;
    return " ".repeat(Math.floor(space / 2)) + name.toUpperCase() + " ".repeat(Math.ceil(space / 2));
  });
  const right = cells.map((cell, column) => cell.padStart(widths[column] as number));
  return [line, row(centred), line, row(right), line].join("\n");
}

const units = ["B", "kB", "MB", "GB", "TB", "PB"] as const;

/** `20 kB`, `1.2 MB`: thousands, one digit behind the point below ten. */
export function humanBytes(bytes: number): string {
  if (bytes < 10) return `${bytes} B`;
  const power = Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1);
  const value = Math.floor((bytes / 1000 ** power) * 10 + 0.5) / 10;
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ${units[power]}`;
}
