import fc from "fast-check";
import type { Affinity, LabelSelector, NodeSelectorTerm, PodAffinityTerm } from "../../../api/mod.ts";
import { hostname, present, rarely, selector, some, zone } from "./parts.testing.ts";

const affinityTerm: fc.Arbitrary<PodAffinityTerm> = fc
  .record({
    topologyKey: fc.constantFrom(zone, hostname, "disk"),
    labelSelector: fc.oneof({ weight: 9, arbitrary: selector }, { weight: 1, arbitrary: fc.constant(undefined) }),
    namespaces: rarely(fc.subarray(["default", "other"], { minLength: 1 }), 5),
    namespaceSelector: rarely(
      fc.constantFrom<LabelSelector>({}, { matchLabels: { team: "a" } }, { matchLabels: { team: "b" } }),
      5,
    ),
    matchLabelKeys: rarely(fc.constant(["version"]), 6),
  })
  .chain((term) =>
    fc.boolean().map((mismatch) => {
      const { matchLabelKeys, ...rest } = term;
      if (matchLabelKeys === undefined || rest.labelSelector === undefined) return rest;
      return mismatch ? { ...rest, mismatchLabelKeys: matchLabelKeys } : { ...rest, matchLabelKeys };
    }),
  )
  .map(present) as fc.Arbitrary<PodAffinityTerm>;

const weight = fc.integer({ min: 1, max: 100 });
const preferredTerm = fc.record({ weight, podAffinityTerm: affinityTerm });

function podAffinity(oneIn: number) {
  return rarely(
    fc
      .record({
        requiredDuringSchedulingIgnoredDuringExecution: rarely(some(affinityTerm, 2), 3),
        preferredDuringSchedulingIgnoredDuringExecution: rarely(some(preferredTerm, 2), 2),
      })
      .map(present),
    oneIn,
  );
}

export const nodeRequirement = fc.constantFrom(
  { key: "disk", operator: "In", values: ["ssd", "nvme"] },
  { key: "disk", operator: "NotIn", values: ["hdd"] },
  { key: "disk", operator: "Exists" },
  { key: zone, operator: "In", values: ["a"] },
  { key: zone, operator: "DoesNotExist" },
  { key: "cores", operator: "Gt", values: ["2"] },
  { key: "cores", operator: "Lt", values: ["4"] },
);

const nodeTerm: fc.Arbitrary<NodeSelectorTerm> = fc
  .record({
    matchExpressions: rarely(some(nodeRequirement, 2), 2),
    matchFields: rarely(
      some(
        fc.record({
          key: fc.constant("metadata.name"),
          operator: fc.constantFrom("In", "In", "NotIn"),
          values: fc.subarray(["n0", "n1", "n2", "n9"], { minLength: 1 }),
        }),
        2,
      ),
      3,
    ),
  })
  .map(present) as fc.Arbitrary<NodeSelectorTerm>;

export const preferredNodes = some(fc.record({ weight, preference: nodeTerm }), 3);

export const nodeAffinity = fc
  .record({
    requiredDuringSchedulingIgnoredDuringExecution: rarely(
      some(nodeTerm, 2).map((nodeSelectorTerms) => ({ nodeSelectorTerms })),
      2,
    ),
    preferredDuringSchedulingIgnoredDuringExecution: rarely(preferredNodes, 2),
  })
  .map(present);

export interface OneIn {
  readonly nodes: number;
  readonly pods: number;
  readonly volumes: number;
}

export const affinity = (oneIn: OneIn): fc.Arbitrary<Affinity> =>
  fc
    .record({
      nodeAffinity: rarely(nodeAffinity, oneIn.nodes),
      podAffinity: podAffinity(oneIn.pods),
      podAntiAffinity: podAffinity(oneIn.pods),
    })
    .map(present) as fc.Arbitrary<Affinity>;
