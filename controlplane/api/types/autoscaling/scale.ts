import { always, given, int32, one, packageOf, required, string } from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";
import { ObjectMeta } from "../meta/object-meta.ts";

const { kind, message } = packageOf("io.k8s.api.autoscaling.v1", "autoscaling", "v1");

export const ScaleSpec = message("ScaleSpec", {
  replicas: int32(1),
});
export interface ScaleSpec extends Infer<typeof ScaleSpec> {}

export const ScaleStatus = message("ScaleStatus", {
  replicas: required(int32(1)),
  selector: string(2),
});
export interface ScaleStatus extends Infer<typeof ScaleStatus> {}

export const Scale = kind("Scale", "The number of replicas of a workload, wanted and seen.", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  spec: given(one<ScaleSpec>(2, ScaleSpec, always)),
  status: one<ScaleStatus>(3, ScaleStatus, always),
});
export interface Scale extends Infer<typeof Scale> {}
