import { atomic, list, map, oneOf, packageOf, required, string } from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";

const { message } = packageOf("io.k8s.apimachinery.pkg.apis.meta.v1", "", "v1");

export const FieldSelectorRequirement = message("FieldSelectorRequirement", {
  key: required(string(1)),
  operator: required(string(2)),
  values: list(3, string, atomic),
});
export interface FieldSelectorRequirement extends Infer<typeof FieldSelectorRequirement> {}

export const LabelSelectorRequirement = message("LabelSelectorRequirement", {
  key: required(string(1)),
  operator: required(oneOf(2, ["In", "NotIn", "Exists", "DoesNotExist"])),
  values: list(3, string, atomic),
});
export interface LabelSelectorRequirement extends Infer<typeof LabelSelectorRequirement> {}

export const LabelSelector = message(
  "LabelSelector",
  {
    matchLabels: map(1, string),
    matchExpressions: list<LabelSelectorRequirement>(2, LabelSelectorRequirement, atomic),
  },
  {
    atomic: true,
    doc: "Chooses objects by their labels; all requirements must hold. An empty selector chooses everything.",
  },
);
export interface LabelSelector extends Infer<typeof LabelSelector> {}
