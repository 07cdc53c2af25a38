import { always, given, one, packageOf, required } from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";
import { ObjectMeta } from "../meta/object-meta.ts";
import { ObjectReference } from "./reference.ts";

const { kind } = packageOf("io.k8s.api.core.v1", "", "v1");

export const Binding = kind("Binding", "Assigns a pod to a node.", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  target: required(one<ObjectReference>(2, ObjectReference, always)),
});
export interface Binding extends Infer<typeof Binding> {}
