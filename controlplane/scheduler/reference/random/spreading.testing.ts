import fc from "fast-check";
import type { TopologySpreadConstraint } from "../../../api/mod.ts";
import { hostname, present, rarely, selector, zone } from "./parts.testing.ts";

const constraint: fc.Arbitrary<TopologySpreadConstraint> = fc
  .record({
    topologyKey: fc.constantFrom(zone, hostname, "disk"),
    maxSkew: fc.integer({ min: 1, max: 3 }),
    whenUnsatisfiable: fc.constantFrom("DoNotSchedule" as const, "ScheduleAnyway" as const),
    labelSelector: fc.oneof({ weight: 12, arbitrary: selector }, { weight: 1, arbitrary: fc.constant(undefined) }),
    minDomains: rarely(fc.integer({ min: 1, max: 4 }), 3),
    nodeAffinityPolicy: rarely(fc.constantFrom("Honor" as const, "Ignore" as const), 3),
    nodeTaintsPolicy: rarely(fc.constantFrom("Honor" as const, "Ignore" as const), 3),
    matchLabelKeys: rarely(fc.constant(["version"]), 4),
  })
  .map(({ minDomains, matchLabelKeys, ...rest }) => ({
    ...rest,
    minDomains: rest.whenUnsatisfiable === "DoNotSchedule" ? minDomains : undefined,
    matchLabelKeys: rest.labelSelector === undefined ? undefined : matchLabelKeys,
  }))
  .map((one) => present(one) as TopologySpreadConstraint);

/** As validation has it: no two of a kind for one key. */
export const constraints = fc.uniqueArray(constraint, {
  minLength: 1,
  maxLength: 3,
  selector: (one) => `${one.topologyKey} ${one.whenUnsatisfiable}`,
});
