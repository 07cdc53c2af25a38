import { always, given, int64, json, one, packageOf, required } from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";
import { listOf } from "../meta/list.ts";
import { ObjectMeta } from "../meta/object-meta.ts";

const { kind } = packageOf("io.k8s.api.apps.v1", "apps", "v1");

export const ControllerRevision = kind(
  "ControllerRevision",
  "An immutable snapshot of a workload's template, kept so that the workload can be rolled back.",
  {
    metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
    data: json(2),
    revision: required(int64(3)),
  },
);
export interface ControllerRevision extends Infer<typeof ControllerRevision> {}

export const ControllerRevisionList = listOf<ControllerRevision>(ControllerRevision);
export interface ControllerRevisionList extends Infer<typeof ControllerRevisionList> {}
