import { always, doc, given, one, packageOf } from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";
import { listOf } from "../meta/list.ts";
import { ObjectMeta } from "../meta/object-meta.ts";
import { PodSpec } from "./pod-spec.ts";
import { PodStatus } from "./pod-status.ts";

const { kind } = packageOf("io.k8s.api.core.v1", "", "v1");

export const Pod = kind(
  "Pod",
  "Containers that run together on one node and share its network, hostname and volumes.",
  {
    metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
    spec: given(one<PodSpec>(2, PodSpec, always, doc("What is wanted."))),
    status: one<PodStatus>(3, PodStatus, always, doc("What was last seen.")),
  },
);
export interface Pod extends Infer<typeof Pod> {}

export const PodList = listOf<Pod>(Pod);
export interface PodList extends Infer<typeof PodList> {}
