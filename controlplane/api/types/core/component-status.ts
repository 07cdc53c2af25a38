import { always, given, keyed, list, mergeBy, one, packageOf, required, string } from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";
import { listOf } from "../meta/list.ts";
import { ObjectMeta } from "../meta/object-meta.ts";

const { kind, message } = packageOf("io.k8s.api.core.v1", "", "v1");

export const ComponentCondition = message("ComponentCondition", {
  type: required(string(1)),
  status: required(string(2)),
  message: string(3),
  error: string(4),
});
export interface ComponentCondition extends Infer<typeof ComponentCondition> {}

export const ComponentStatus = kind("ComponentStatus", "The health of a control plane component (deprecated).", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  conditions: list<ComponentCondition>(2, ComponentCondition, keyed("type"), mergeBy("type")),
});
export interface ComponentStatus extends Infer<typeof ComponentStatus> {}

export const ComponentStatusList = listOf<ComponentStatus>(ComponentStatus);
export interface ComponentStatusList extends Infer<typeof ComponentStatusList> {}
