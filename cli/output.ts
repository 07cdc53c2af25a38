import { styleText } from "node:util";

type Style = Parameters<typeof styleText>[0];

/** Colour on a terminal that wants it, plain text elsewhere. */
function paint(style: Style, text: string): string {
  return process.stdout.isTTY && process.env.NO_COLOR === undefined ? styleText(style, text) : text;
}

export function say(text = ""): void {
  process.stdout.write(`${text}\n`);
}

/** One step of a longer work: `  ✓ apiserver            https://127.0.0.1:6443          1.2 s`. */
export function step(mark: "done" | "failed" | "note", what: string, detail = "", afterMs?: number): void {
  const marks = { done: paint("green", "✓"), failed: paint("red", "✗"), note: paint("yellow", "•") };
  const time = afterMs === undefined ? "" : `${(afterMs / 1000).toFixed(1)} s`;
  say(`  ${marks[mark]} ${what.padEnd(20)} ${detail.padEnd(40)} ${paint("dim", time.padStart(7))}`.trimEnd());
}

export function hint(label: string, command: string): void {
  say(`${label} ${paint("bold", command)}`);
}

/** Columns as wide as their widest cell, three spaces apart: the shape of kubectl's tables. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): void {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => (row[column] ?? "").length)));
  for (const row of all)
    say(
      row
        .map((cell, column) => cell.padEnd(widths[column] as number))
        .join("   ")
        .trimEnd(),
    );
}
