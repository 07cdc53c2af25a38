import {
  always,
  atomic,
  atomicObject,
  given,
  list,
  map,
  one,
  packageOf,
  quantity,
  required,
  string,
} from "../schema/dsl.ts";
import type { Infer } from "../schema/field.ts";
import { Toleration } from "./core/affinity.ts";
import { listOf } from "./meta/list.ts";
import { ObjectMeta } from "./meta/object-meta.ts";

const { kind, message } = packageOf("io.k8s.api.node.v1", "node.k8s.io", "v1");

export const Overhead = message("Overhead", {
  podFixed: map(1, quantity),
});
export interface Overhead extends Infer<typeof Overhead> {}

export const Scheduling = message("Scheduling", {
  nodeSelector: map(1, string, atomicObject),
  tolerations: list<Toleration>(2, Toleration, atomic),
});
export interface Scheduling extends Infer<typeof Scheduling> {}

export const RuntimeClass = kind("RuntimeClass", "Names a container runtime configuration that pods may ask for.", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  handler: required(string(2)),
  overhead: one<Overhead>(3, Overhead),
  scheduling: one<Scheduling>(4, Scheduling),
});
export interface RuntimeClass extends Infer<typeof RuntimeClass> {}

export const RuntimeClassList = listOf<RuntimeClass>(RuntimeClass);
export interface RuntimeClassList extends Infer<typeof RuntimeClassList> {}
