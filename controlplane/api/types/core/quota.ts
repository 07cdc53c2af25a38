import { always, atomic, given, list, map, one, packageOf, quantity, required, string } from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";
import { listOf } from "../meta/list.ts";
import { ObjectMeta } from "../meta/object-meta.ts";
import { ScopeSelector } from "./selector.ts";

const { kind, message } = packageOf("io.k8s.api.core.v1", "", "v1");

export const LimitRangeItem = message("LimitRangeItem", {
  type: required(string(1)),
  max: map(2, quantity),
  min: map(3, quantity),
  default: map(4, quantity),
  defaultRequest: map(5, quantity),
  maxLimitRequestRatio: map(6, quantity),
});
export interface LimitRangeItem extends Infer<typeof LimitRangeItem> {}

export const LimitRangeSpec = message("LimitRangeSpec", {
  limits: required(list<LimitRangeItem>(1, LimitRangeItem, atomic)),
});
export interface LimitRangeSpec extends Infer<typeof LimitRangeSpec> {}

export const LimitRange = kind("LimitRange", "Bounds and defaults for the resources of pods in a namespace.", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  spec: given(one<LimitRangeSpec>(2, LimitRangeSpec, always)),
});
export interface LimitRange extends Infer<typeof LimitRange> {}

export const LimitRangeList = listOf<LimitRange>(LimitRange);
export interface LimitRangeList extends Infer<typeof LimitRangeList> {}

export const ResourceQuotaSpec = message("ResourceQuotaSpec", {
  hard: map(1, quantity),
  scopes: list(2, string, atomic),
  scopeSelector: one<ScopeSelector>(3, ScopeSelector),
});
export interface ResourceQuotaSpec extends Infer<typeof ResourceQuotaSpec> {}

export const ResourceQuotaStatus = message("ResourceQuotaStatus", {
  hard: map(1, quantity),
  used: map(2, quantity),
});
export interface ResourceQuotaStatus extends Infer<typeof ResourceQuotaStatus> {}

export const ResourceQuota = kind("ResourceQuota", "Limits on what a namespace may use in total.", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  spec: given(one<ResourceQuotaSpec>(2, ResourceQuotaSpec, always)),
  status: one<ResourceQuotaStatus>(3, ResourceQuotaStatus, always),
});
export interface ResourceQuota extends Infer<typeof ResourceQuota> {}

export const ResourceQuotaList = listOf<ResourceQuota>(ResourceQuota);
export interface ResourceQuotaList extends Infer<typeof ResourceQuotaList> {}
