/**
 * Whether a program said what was promised. `...` (or more dots) in a line stands for any text, alone on its line for any lines; spaces count as one, since columns are as
 * wide as what happens to be in them.
 */
export function isKept(promise: readonly string[], output: string): boolean {
  return keptFrom(promise.map(toPattern), output.replace(/\s+$/, "").split("\n").map(oneSpace));
}

const anyLines = Symbol("any lines");

function toPattern(line: string): RegExp | typeof anyLines {
  if (line.trim() === "...") return anyLines;
  const literal = oneSpace(line)
    .split(/\.{3,}/)
    .map(RegExp.escape);
  return new RegExp(`^${literal.join(".*")}$`);
}

function oneSpace(line: string): string {
  return line.replace(/\s+/g, " ").trim();
}

function keptFrom(patterns: readonly (RegExp | typeof anyLines)[], lines: readonly string[]): boolean {
  const [first, ...rest] = patterns;
  if (first === undefined) return lines.length === 0;
  if (first === anyLines) return lines.some((_, skip) => keptFrom(rest, lines.slice(skip))) || keptFrom(rest, []);
  return lines[0] !== undefined && first.test(lines[0]) && keptFrom(rest, lines.slice(1));
}

/** Commands that only look are asked again until what was promised is there, as a reader would; all others run once. */
export function onlyLooks(command: string): boolean {
  return /^(kubectl (-n \S+ |--\S+ )*(get|describe|logs|events|top|exec|auth)|bin\/flotilla (explain|status|logs|image list)|curl|etcdctl get)\b/.test(
    command,
  );
}
