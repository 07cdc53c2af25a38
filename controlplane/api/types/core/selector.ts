import { atomic, list, oneOf, packageOf, required, string } from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";

const { message } = packageOf("io.k8s.api.core.v1", "", "v1");

export const NodeSelectorRequirement = message("NodeSelectorRequirement", {
  key: required(string(1)),
  operator: required(oneOf(2, ["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"])),
  values: list(3, string, atomic),
});
export interface NodeSelectorRequirement extends Infer<typeof NodeSelectorRequirement> {}

export const NodeSelectorTerm = message(
  "NodeSelectorTerm",
  {
    matchExpressions: list<NodeSelectorRequirement>(1, NodeSelectorRequirement, atomic),
    matchFields: list<NodeSelectorRequirement>(2, NodeSelectorRequirement, atomic),
  },
  { atomic: true },
);
export interface NodeSelectorTerm extends Infer<typeof NodeSelectorTerm> {}

export const NodeSelector = message(
  "NodeSelector",
  {
    nodeSelectorTerms: required(list<NodeSelectorTerm>(1, NodeSelectorTerm, atomic)),
  },
  { atomic: true },
);
export interface NodeSelector extends Infer<typeof NodeSelector> {}

export const ScopedResourceSelectorRequirement = message("ScopedResourceSelectorRequirement", {
  scopeName: required(string(1)),
  operator: required(string(2)),
  values: list(3, string, atomic),
});
export interface ScopedResourceSelectorRequirement extends Infer<typeof ScopedResourceSelectorRequirement> {}

export const ScopeSelector = message(
  "ScopeSelector",
  {
    matchExpressions: list<ScopedResourceSelectorRequirement>(1, ScopedResourceSelectorRequirement, atomic),
  },
  { atomic: true },
);
export interface ScopeSelector extends Infer<typeof ScopeSelector> {}

export const TopologySelectorLabelRequirement = message("TopologySelectorLabelRequirement", {
  key: required(string(1)),
  values: required(list(2, string, atomic)),
});
export interface TopologySelectorLabelRequirement extends Infer<typeof TopologySelectorLabelRequirement> {}

export const TopologySelectorTerm = message(
  "TopologySelectorTerm",
  {
    matchLabelExpressions: list<TopologySelectorLabelRequirement>(1, TopologySelectorLabelRequirement, atomic),
  },
  { atomic: true },
);
export interface TopologySelectorTerm extends Infer<typeof TopologySelectorTerm> {}
