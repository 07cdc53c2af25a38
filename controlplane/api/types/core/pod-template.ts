import { always, given, one, packageOf } from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";
import { listOf } from "../meta/list.ts";
import { ObjectMeta, TemplateMeta } from "../meta/object-meta.ts";
import { PodSpec } from "./pod-spec.ts";

const { kind, message } = packageOf("io.k8s.api.core.v1", "", "v1");

export const PodTemplateSpec = message(
  "PodTemplateSpec",
  {
    metadata: one<TemplateMeta>(1, TemplateMeta, always),
    spec: one<PodSpec>(2, PodSpec, always),
  },
  { doc: "What pods made from a template look like." },
);
export interface PodTemplateSpec extends Infer<typeof PodTemplateSpec> {}

export const PodTemplate = kind("PodTemplate", "A description from which pods are made.", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  template: one<PodTemplateSpec>(2, PodTemplateSpec, always),
});
export interface PodTemplate extends Infer<typeof PodTemplate> {}

export const PodTemplateList = listOf<PodTemplate>(PodTemplate);
export interface PodTemplateList extends Infer<typeof PodTemplateList> {}
