import { readFileSync } from "node:fs";

/** Paths at which something is mounted, in the order in which it was. Empty where there is no such table. */
export function mountPoints(): string[] {
  if (process.platform !== "linux") return [];
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .flatMap((line) => {
      const target = line.split(" ")[4];
      return target === undefined ? [] : [unescaped(target)];
    });
}

/** Blanks and the like are written in octal. */
function unescaped(path: string): string {
  return path.replaceAll(/\\(\d{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)));
}

export function isMountPoint(path: string): boolean {
  return mountPoints().includes(path);
}

/** At the directory and below it; innermost first, as they must go. */
export function mountPointsIn(dir: string): string[] {
  return mountPoints()
    .filter((path) => path === dir || path.startsWith(`${dir}/`))
    .reverse();
}
