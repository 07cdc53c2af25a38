import type { Container, ObjectMeta, PodSpec } from "../../../api/mod.ts";

/** What a check looks at: a pod, or the template of one. */
export interface PodLike {
  readonly metadata?: Pick<ObjectMeta, "annotations">;
  readonly spec: PodSpec;
}

export interface Violation {
  /** A few words that are always told. */
  readonly reason: string;
  /** Who does it, and what would be right. */
  readonly detail: string;
}

/** One rule of the Pod Security Standards. */
export interface Check {
  /** Violations are told in the order of these. */
  readonly id: string;
  /** First minor version of the policy that has the rule. */
  readonly since?: number;
  /** Rules of the baseline that this one, of the restricted level, contains. */
  readonly replaces?: readonly string[];
  /** `minor`: version 1.MINOR of the policy is asked for. */
  check(pod: PodLike, minor: number): Violation | undefined;
}

/** In the order in which they are told. */
export function containersOf({ spec }: PodLike): readonly Container[] {
  const ephemeral = (spec.ephemeralContainers ?? []) as unknown as readonly Container[];
  return [...(spec.initContainers ?? []), ...spec.containers, ...ephemeral];
}

export const quoted = (items: Iterable<string>) => [...items].map((item) => `"${item}"`).join(", ");

export const sorted = (items: ReadonlySet<string>) => [...items].sort();

export const plural = (count: number, one: string, many = `${one}s`) => (count === 1 ? one : many);

/** `container "a"`, `containers "a", "b"`. */
export const named = (containers: readonly Container[]) =>
  `${plural(containers.length, "container")} ${quoted(containers.map(({ name }) => name))}`;

/** `pod and container "a"`: who of them sets something. */
export function setters(pod: boolean, containers: readonly Container[]): string {
  return [...(pod ? ["pod"] : []), ...(containers.length > 0 ? [named(containers)] : [])].join(" and ");
}
