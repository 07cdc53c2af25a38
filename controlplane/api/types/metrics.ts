import { always, atomic, given, list, map, one, packageOf, quantity, string, time } from "../schema/dsl.ts";
import type { Infer } from "../schema/field.ts";
import { ObjectMeta } from "./meta/object-meta.ts";

const { kind, message } = packageOf("io.k8s.metrics.pkg.apis.metrics.v1beta1", "metrics.k8s.io", "v1beta1");

export const ContainerMetrics = message("ContainerMetrics", {
  name: string(1),
  usage: map(2, quantity),
});
export interface ContainerMetrics extends Infer<typeof ContainerMetrics> {}

export const NodeMetrics = kind("NodeMetrics", "What a node used in the window before its timestamp.", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  timestamp: time(2),
  window: string(3),
  usage: map(4, quantity),
});
export interface NodeMetrics extends Infer<typeof NodeMetrics> {}

export const PodMetrics = kind("PodMetrics", "What each container of a pod used in the window before its timestamp.", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  timestamp: time(2),
  window: string(3),
  containers: list<ContainerMetrics>(4, ContainerMetrics, atomic),
});
export interface PodMetrics extends Infer<typeof PodMetrics> {}
