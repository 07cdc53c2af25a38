import fc from "fast-check";
import type { LabelSelector } from "../../../api/mod.ts";

export const zone = "topology.kubernetes.io/zone";
export const region = "topology.kubernetes.io/region";
export const hostname = "kubernetes.io/hostname";
export const gpu = "example.com/gpu";

/** Present once in so many runs. */
export function rarely<T>(value: fc.Arbitrary<T>, oneIn = 4): fc.Arbitrary<T | undefined> {
  return fc.oneof({ arbitrary: fc.constant(undefined), weight: oneIn - 1 }, { arbitrary: value, weight: 1 });
}

export const few = <T>(value: fc.Arbitrary<T>, maxLength: number): fc.Arbitrary<T[]> =>
  fc.array(value, { maxLength, size: "max" });
export const some = <T>(value: fc.Arbitrary<T>, maxLength: number): fc.Arbitrary<T[]> =>
  fc.array(value, { minLength: 1, maxLength, size: "max" });

export function present<T extends object>(object: T): Partial<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Partial<T>;
}

/** Each label with one of its values, or not at all. */
export function labels(values: Readonly<Record<string, fc.Arbitrary<string | undefined>>>) {
  return fc.record(values).map((all) => present(all) as Record<string, string>);
}

export const podLabels = labels({
  app: fc.constantFrom("web", "db", undefined),
  tier: fc.constantFrom("front", "back", undefined),
  version: fc.constantFrom("1", "2", undefined),
});

export const selector: fc.Arbitrary<LabelSelector> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom("web", "db").map((app) => ({ matchLabels: { app } })) },
  {
    weight: 2,
    arbitrary: fc.constantFrom<LabelSelector>(
      { matchExpressions: [{ key: "tier", operator: "Exists" }] },
      { matchExpressions: [{ key: "tier", operator: "DoesNotExist" }] },
      { matchExpressions: [{ key: "app", operator: "NotIn", values: ["db"] }] },
      { matchLabels: { app: "web" }, matchExpressions: [{ key: "tier", operator: "In", values: ["front", "back"] }] },
    ),
  },
  { weight: 1, arbitrary: fc.constant({}) },
);
