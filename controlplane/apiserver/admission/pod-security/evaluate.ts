import { baseline } from "./baseline.ts";
import type { Check, PodLike, Violation } from "./check.ts";
import type { LevelVersion } from "./policy.ts";
import { restricted } from "./restricted.ts";

/** What a pod does that the level, in that version of the standards, does not allow. `newest`: what "latest" means. */
export function violations(pod: PodLike, { level, version }: LevelVersion, newest: number): Violation[] {
  if (level === "privileged") return [];
  const minor = version === "latest" ? newest : Math.min(version, newest);
  return checksOf(level, minor)
    .map((check) => check.check(pod, minor))
    .filter((violation) => violation !== undefined);
}

function checksOf(level: "baseline" | "restricted", minor: number): Check[] {
  const current = ({ since = 0 }: Check) => since <= minor;
  if (level === "baseline") return baseline.filter(current);
  const strict = restricted.filter(current);
  const replaced = new Set(strict.flatMap(({ replaces = [] }) => replaces));
  return [...baseline.filter((check) => current(check) && !replaced.has(check.id)), ...strict];
}

/** `host namespaces (hostNetwork=true), privileged (container "a" must not set …)` */
export function describe(found: readonly Violation[]): string {
  return found.map(({ reason, detail }) => (detail === "" ? reason : `${reason} (${detail})`)).join(", ");
}
