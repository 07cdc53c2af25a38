import { always, boolean, explicit, given, int32, one, oneOf, packageOf, string } from "../schema/dsl.ts";
import type { Infer } from "../schema/field.ts";
import { listOf } from "./meta/list.ts";
import { ObjectMeta } from "./meta/object-meta.ts";

const { kind } = packageOf("io.k8s.api.scheduling.v1", "scheduling.k8s.io", "v1");

export const PriorityClass = kind("PriorityClass", "A name for a scheduling priority.", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  value: int32(2),
  globalDefault: boolean(3),
  description: string(4),
  preemptionPolicy: oneOf(5, ["Never", "PreemptLowerPriority"], explicit),
});
export interface PriorityClass extends Infer<typeof PriorityClass> {}

export const PriorityClassList = listOf<PriorityClass>(PriorityClass);
export interface PriorityClassList extends Infer<typeof PriorityClassList> {}
