import type { FieldError } from "../../../api/mod.ts";

export type Level = "privileged" | "baseline" | "restricted";

export interface LevelVersion {
  readonly level: Level;
  /** Minor version of the standards. */
  readonly version: number | "latest";
}

/** What a namespace asks of its pods: `enforce` refuses, `audit` is noted, `warn` is told to the client. */
export interface Policy {
  readonly enforce: LevelVersion;
  readonly audit: LevelVersion;
  readonly warn: LevelVersion;
}

const PREFIX = "pod-security.kubernetes.io/";
const levels: readonly Level[] = ["privileged", "baseline", "restricted"];

/** The policy that the labels of a namespace ask for. Labels that make no sense are errors, and count as the strictest. */
export function policyOf(labels: Readonly<Record<string, string>> = {}): { policy: Policy; errors: FieldError[] } {
  const errors: FieldError[] = [];
  const complain = (label: string, value: string, why: string) => {
    const message = `Invalid value: ${JSON.stringify(value)}: ${why}`;
    errors.push({ type: "FieldValueInvalid", field: `metadata.labels[${label}]`, message });
  };
  /** `otherwise` is what a level that does not exist counts as: what only tells fails open. */
  const levelOf = (mode: string, otherwise: Level): { level: Level; valid: boolean } | undefined => {
    const value = labels[PREFIX + mode];
    if (value === undefined) return undefined;
    const level = levels.find((known) => known === value);
    if (level === undefined) complain(PREFIX + mode, value, `must be one of ${levels.join(", ")}`);
    return { level: level ?? otherwise, valid: level !== undefined };
  };
  const versionOf = (mode: string): number | "latest" | undefined => {
    const label = `${PREFIX}${mode}-version`;
    const value = labels[label];
    if (value === undefined || value === "latest") return value;
    const minor = /^v1\.([0-9]|[1-9][0-9]*)$/.exec(value)?.[1];
    if (minor === undefined) complain(label, value, 'must be "latest" or "v1.x"');
    return minor === undefined ? "latest" : Number(minor);
  };
  const asked = levelOf("enforce", "restricted");
  const enforce: LevelVersion = { level: asked?.level ?? "privileged", version: versionOf("enforce") ?? "latest" };
  const audit: LevelVersion = {
    level: levelOf("audit", "privileged")?.level ?? "privileged",
    version: versionOf("audit") ?? "latest",
  };
  const warned = levelOf("warn", "privileged");
  const warnVersion = versionOf("warn");
  // Who enforces a level and says nothing about warnings wants to see them: workloads are only ever warned about.
  const implied = warned === undefined && asked?.valid && asked.level !== "privileged";
  const warn: LevelVersion = implied
    ? { level: enforce.level, version: warnVersion ?? enforce.version }
    : { level: warned?.level ?? "privileged", version: warnVersion ?? "latest" };
  return { policy: { enforce, audit, warn }, errors };
}

/** `baseline:latest`, `restricted:v1.25` */
export function nameOf({ level, version }: LevelVersion): string {
  return `${level}:${version === "latest" ? version : `v1.${version}`}`;
}

export function sameLevelVersion(a: LevelVersion, b: LevelVersion): boolean {
  return a.level === b.level && a.version === b.version;
}

export function isStricter(a: Level, b: Level): boolean {
  return levels.indexOf(a) > levels.indexOf(b);
}
