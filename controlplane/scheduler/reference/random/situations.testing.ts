/**
 * Random clusters that are small and crowded: two zones, three kinds of disk, two applications, so that rules meet. Each rule is in only
 * some of the runs; with all of them at once no node would ever be left.
 */
import fc from "fast-check";
import type { PersistentVolumeClaim, Pod } from "../../../api/mod.ts";
import type { ClusterObjects, PluginArgs } from "../../mod.ts";
import { nodes } from "./nodes.testing.ts";
import { budgets, namespaces, owners } from "./owners.testing.ts";
import { few, present, rarely } from "./parts.testing.ts";
import { pluginArgs } from "./plugin-args.testing.ts";
import { existingPods, incomingPod, toleration } from "./pods.testing.ts";
import {
  capacities,
  csiNodes,
  ephemeralClaims,
  persistentVolumeClaims,
  persistentVolumes,
  storageClasses,
} from "./storage.testing.ts";

export interface Situation {
  readonly pod: Pod;
  readonly cluster: ClusterObjects;
  readonly args: PluginArgs;
}

const situationOf = (nodeCount: number, pod: fc.Arbitrary<Pod>, pods: fc.Arbitrary<Pod[]>): fc.Arbitrary<Situation> =>
  fc
    .record({
      pod,
      nodes: nodes(nodeCount),
      pods,
      budgets,
      claims: persistentVolumeClaims,
      persistentVolumes,
      csiNodes,
      capacities,
      ephemeral: ephemeralClaims,
      args: rarely(pluginArgs, 2),
    })
    .map(({ pod, nodes, pods, claims, persistentVolumes, csiNodes, capacities, ephemeral, budgets, args = {} }) => {
      const made = (pod.spec?.volumes ?? [])
        .filter((volume) => volume.ephemeral !== undefined && ephemeral !== undefined)
        .map((volume) => ({
          ...(claims[0] as PersistentVolumeClaim),
          metadata: {
            ...claims[0]?.metadata,
            name: `incoming-${volume.name}`,
            namespace: pod.metadata.namespace,
            ownerReferences: [
              { apiVersion: "v1", kind: "Pod", name: "incoming", uid: ephemeral as string, controller: true },
            ],
          },
        }));
      // Claims are where the pod is: elsewhere it would find none.
      const inPlace = claims.map((claim) => ({
        ...claim,
        metadata: { ...claim.metadata, namespace: pod.metadata.namespace },
      }));
      const cluster = {
        nodes,
        pods,
        namespaces,
        ...owners,
        storageClasses,
        persistentVolumes,
        persistentVolumeClaims: [...inPlace, ...made],
        csiNodes,
        podDisruptionBudgets: budgets,
        ...present(capacities),
      };
      return { pod, cluster: cluster as unknown as ClusterObjects, args };
    });

export const situation = situationOf(5, incomingPod({ nodes: 2, pods: 3, volumes: 4 }), existingPods(5, 0, 8));

/** An important pod before nodes that are mostly full. */
export const crowd = situationOf(
  3,
  fc
    .record({
      pod: incomingPod({ nodes: 12, pods: 6, volumes: 12 }),
      cpu: fc.constantFrom("500m", "1", "1500m"),
      spreads: rarely(fc.constant(true), 3),
      tolerations: rarely(few(toleration, 2), 3),
      priority: fc.constantFrom(10, 50, 100, 100),
      never: rarely(fc.constant("Never"), 20),
      nominatedNodeName: rarely(fc.constantFrom("n0", "n1", "n2"), 5),
    })
    .map(({ pod, cpu, spreads, tolerations, priority, never, nominatedNodeName }) => ({
      ...pod,
      spec: {
        ...pod.spec,
        containers: [{ name: "c", image: "i", resources: { requests: { cpu } } }],
        tolerations: tolerations ?? [{ operator: "Exists" }],
        priority,
        ...(spreads ? {} : { topologySpreadConstraints: [] }),
        ...(never ? { preemptionPolicy: never } : {}),
      },
      status: present({ nominatedNodeName }),
    })) as unknown as fc.Arbitrary<Pod>,
  existingPods(3, 6, 14),
);
