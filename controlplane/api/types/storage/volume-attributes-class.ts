import { always, given, map, one, packageOf, required, string } from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";
import { listOf } from "../meta/list.ts";
import { ObjectMeta } from "../meta/object-meta.ts";

const { kind } = packageOf("io.k8s.api.storage.v1", "storage.k8s.io", "v1");

export const VolumeAttributesClass = kind(
  "VolumeAttributesClass",
  "Attributes of a volume that can be changed while it is in use.",
  {
    metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
    driverName: required(string(2)),
    parameters: map(3, string),
  },
);
export interface VolumeAttributesClass extends Infer<typeof VolumeAttributesClass> {}

export const VolumeAttributesClassList = listOf<VolumeAttributesClass>(VolumeAttributesClass);
export interface VolumeAttributesClassList extends Infer<typeof VolumeAttributesClassList> {}
