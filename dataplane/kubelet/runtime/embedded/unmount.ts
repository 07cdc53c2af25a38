import { readFileSync } from "node:fs";
import { run } from "./spawn.ts";

/** Unmounts what is mounted below a directory, innermost first. Removing files is safe only when none is left. */
export async function unmountBelow(dir: string): Promise<void> {
  if (process.platform !== "linux") return;
  const below = () =>
    readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .map((line) =>
        (line.split(" ")[4] ?? "").replaceAll(/\\(\d{3})/g, (_, octal) =>
          String.fromCharCode(Number.parseInt(octal, 8)),
        ),
      )
      .filter((target) => target.startsWith(`${dir}/`))
      .reverse();
  for (let targets = below(); targets.length > 0; targets = below()) await run(["umount", "-l", ...targets]);
}
