import fc from "fast-check";
import type { PluginArgs } from "../../mod.ts";
import { nodeRequirement, preferredNodes } from "./affinity.testing.ts";
import { gpu, present, rarely } from "./parts.testing.ts";
import { constraints } from "./spreading.testing.ts";

const resourceWeights = fc.constantFrom(
  undefined,
  [
    { name: "cpu", weight: 3 },
    { name: "memory", weight: 1 },
  ],
  [
    { name: "cpu", weight: 1 },
    { name: "memory", weight: 2 },
    { name: gpu, weight: 5 },
  ],
  [
    { name: gpu, weight: 1 },
    { name: "ephemeral-storage", weight: 1 },
    { name: "memory", weight: 1 },
  ],
);

const shape = fc.constantFrom(
  [
    { utilization: 0, score: 0 },
    { utilization: 100, score: 10 },
  ],
  [
    { utilization: 10, score: 10 },
    { utilization: 70, score: 3 },
    { utilization: 90, score: 0 },
  ],
);

export const pluginArgs: fc.Arbitrary<PluginArgs> = fc
  .record({
    NodeResourcesFit: rarely(
      fc
        .record({
          ignored: rarely(fc.constantFrom({ ignoredResources: [gpu] }, { ignoredResourceGroups: ["example.com"] })),
          type: fc.constantFrom(
            "LeastAllocated" as const,
            "MostAllocated" as const,
            "RequestedToCapacityRatio" as const,
          ),
          resources: resourceWeights,
          shape,
        })
        .map(({ ignored, type, resources, shape }) => ({
          ...ignored,
          scoringStrategy: { type, ...present({ resources }), requestedToCapacityRatio: { shape } },
        })),
      2,
    ),
    NodeResourcesBalancedAllocation: rarely(
      resourceWeights.map((resources) => present({ resources })),
      3,
    ),
    NodeAffinity: rarely(
      fc
        .record({
          requiredDuringSchedulingIgnoredDuringExecution: rarely(
            nodeRequirement.map((one) => ({ nodeSelectorTerms: [{ matchExpressions: [one] }] })),
            2,
          ),
          preferredDuringSchedulingIgnoredDuringExecution: rarely(preferredNodes, 2),
        })
        .map((addedAffinity) => ({ addedAffinity: present(addedAffinity) })),
      10,
    ),
    PodTopologySpread: rarely(
      constraints.map((all) => ({
        defaultingType: "List" as const,
        // As validation has it: whom they are about is found, not said.
        defaultConstraints: all.map(({ topologyKey, maxSkew, whenUnsatisfiable }) => ({
          topologyKey,
          maxSkew,
          whenUnsatisfiable,
        })),
      })),
      4,
    ),
    InterPodAffinity: rarely(
      fc.record({
        hardPodAffinityWeight: fc.constantFrom(0, 1, 50),
        ignorePreferredTermsOfExistingPods: fc.boolean(),
      }),
      4,
    ),
  })
  .map(present) as fc.Arbitrary<PluginArgs>;
