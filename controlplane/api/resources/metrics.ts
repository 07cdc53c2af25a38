import { NodeMetrics, PodMetrics } from "../types/metrics.ts";
import { type Resource, resource } from "./resource.ts";

/** Measured when they are asked for and never stored; in the original another server behind this one answers for them. */
export const metricsResources: readonly Resource[] = [
  resource<NodeMetrics>(NodeMetrics, { plural: "nodes", scope: "Cluster", verbs: ["get", "list"], storage: null }),
  resource<PodMetrics>(PodMetrics, { plural: "pods", scope: "Namespaced", verbs: ["get", "list"], storage: null }),
];
