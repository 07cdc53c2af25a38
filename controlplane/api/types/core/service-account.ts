import { always, atomic, boolean, explicit, given, keyed, list, mergeBy, one, packageOf } from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";
import { listOf } from "../meta/list.ts";
import { ObjectMeta } from "../meta/object-meta.ts";
import { LocalObjectReference, ObjectReference } from "./reference.ts";

const { kind } = packageOf("io.k8s.api.core.v1", "", "v1");

export const ServiceAccount = kind("ServiceAccount", "An identity for processes that run in pods.", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  secrets: list<ObjectReference>(2, ObjectReference, keyed("name"), mergeBy("name")),
  imagePullSecrets: list<LocalObjectReference>(3, LocalObjectReference, atomic),
  automountServiceAccountToken: boolean(4, explicit),
});
export interface ServiceAccount extends Infer<typeof ServiceAccount> {}

export const ServiceAccountList = listOf<ServiceAccount>(ServiceAccount);
export interface ServiceAccountList extends Infer<typeof ServiceAccountList> {}
