import {
  always,
  atomic,
  boolean,
  explicit,
  given,
  list,
  map,
  one,
  oneOf,
  packageOf,
  required,
  string,
} from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";
import { TopologySelectorTerm } from "../core/selector.ts";
import { listOf } from "../meta/list.ts";
import { ObjectMeta } from "../meta/object-meta.ts";

const { kind } = packageOf("io.k8s.api.storage.v1", "storage.k8s.io", "v1");

export const StorageClass = kind("StorageClass", "A kind of storage that volumes can be made from on demand.", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  provisioner: required(string(2)),
  parameters: map(3, string),
  reclaimPolicy: oneOf(4, ["Retain", "Delete"], explicit),
  mountOptions: list(5, string, atomic),
  allowVolumeExpansion: boolean(6, explicit),
  volumeBindingMode: oneOf(7, ["Immediate", "WaitForFirstConsumer"], explicit),
  allowedTopologies: list<TopologySelectorTerm>(8, TopologySelectorTerm, atomic),
});
export interface StorageClass extends Infer<typeof StorageClass> {}

export const StorageClassList = listOf<StorageClass>(StorageClass);
export interface StorageClassList extends Infer<typeof StorageClassList> {}
