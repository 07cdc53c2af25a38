import {
  always,
  atomic,
  given,
  keyed,
  list,
  mergeBy,
  one,
  oneOf,
  packageOf,
  required,
  string,
  time,
} from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";
import { listOf } from "../meta/list.ts";
import { ObjectMeta } from "../meta/object-meta.ts";

const { kind, message } = packageOf("io.k8s.api.core.v1", "", "v1");

export const NamespaceSpec = message("NamespaceSpec", {
  finalizers: list(1, string, atomic),
});
export interface NamespaceSpec extends Infer<typeof NamespaceSpec> {}

export const NamespaceCondition = message("NamespaceCondition", {
  type: required(string(1)),
  status: required(oneOf(2, ["True", "False", "Unknown"])),
  lastTransitionTime: time(4),
  reason: string(5),
  message: string(6),
});
export interface NamespaceCondition extends Infer<typeof NamespaceCondition> {}

export const NamespaceStatus = message("NamespaceStatus", {
  phase: oneOf(1, ["Active", "Terminating"]),
  conditions: list<NamespaceCondition>(2, NamespaceCondition, keyed("type"), mergeBy("type")),
});
export interface NamespaceStatus extends Infer<typeof NamespaceStatus> {}

export const Namespace = kind(
  "Namespace",
  "A scope for names: objects of different namespaces may have the same name.",
  {
    metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
    spec: one<NamespaceSpec>(2, NamespaceSpec, always),
    status: one<NamespaceStatus>(3, NamespaceStatus, always),
  },
);
export interface Namespace extends Infer<typeof Namespace> {}

export const NamespaceList = listOf<Namespace>(Namespace);
export interface NamespaceList extends Infer<typeof NamespaceList> {}
