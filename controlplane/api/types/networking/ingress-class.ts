import { always, explicit, given, one, packageOf, required, string } from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";
import { listOf } from "../meta/list.ts";
import { ObjectMeta } from "../meta/object-meta.ts";

const { kind, message } = packageOf("io.k8s.api.networking.v1", "networking.k8s.io", "v1");

export const IngressClassParametersReference = message("IngressClassParametersReference", {
  apiGroup: string(1, explicit),
  kind: required(string(2)),
  name: required(string(3)),
  scope: string(4, explicit),
  namespace: string(5, explicit),
});
export interface IngressClassParametersReference extends Infer<typeof IngressClassParametersReference> {}

export const IngressClassSpec = message("IngressClassSpec", {
  controller: string(1),
  parameters: one<IngressClassParametersReference>(2, IngressClassParametersReference),
});
export interface IngressClassSpec extends Infer<typeof IngressClassSpec> {}

export const IngressClass = kind("IngressClass", "Names the controller that carries out Ingresses of this class.", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  spec: given(one<IngressClassSpec>(2, IngressClassSpec, always)),
});
export interface IngressClass extends Infer<typeof IngressClass> {}

export const IngressClassList = listOf<IngressClass>(IngressClass);
export interface IngressClassList extends Infer<typeof IngressClassList> {}
