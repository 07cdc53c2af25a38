import { boolean, explicit, inside, map, packageOf, quantity, required, string } from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";

const { message } = packageOf("io.k8s.api.core.v1", "", "v1");

export const ConfigMapKeySelector = message(
  "ConfigMapKeySelector",
  {
    name: string(1, inside(1)),
    key: required(string(2)),
    optional: boolean(3, explicit),
  },
  { atomic: true },
);
export interface ConfigMapKeySelector extends Infer<typeof ConfigMapKeySelector> {}

export const FileKeySelector = message(
  "FileKeySelector",
  {
    volumeName: required(string(1)),
    path: required(string(2)),
    key: required(string(3)),
    optional: boolean(4, explicit),
  },
  { atomic: true },
);
export interface FileKeySelector extends Infer<typeof FileKeySelector> {}

export const LocalObjectReference = message(
  "LocalObjectReference",
  {
    name: string(1),
  },
  { atomic: true },
);
export interface LocalObjectReference extends Infer<typeof LocalObjectReference> {}

export const ObjectFieldSelector = message(
  "ObjectFieldSelector",
  {
    apiVersion: string(1),
    fieldPath: required(string(2)),
  },
  { atomic: true },
);
export interface ObjectFieldSelector extends Infer<typeof ObjectFieldSelector> {}

export const ObjectReference = message(
  "ObjectReference",
  {
    kind: string(1),
    namespace: string(2),
    name: string(3),
    uid: string(4),
    apiVersion: string(5),
    resourceVersion: string(6),
    fieldPath: string(7),
  },
  { atomic: true },
);
export interface ObjectReference extends Infer<typeof ObjectReference> {}

export const ResourceFieldSelector = message(
  "ResourceFieldSelector",
  {
    containerName: string(1),
    resource: required(string(2)),
    divisor: quantity(3),
  },
  { atomic: true },
);
export interface ResourceFieldSelector extends Infer<typeof ResourceFieldSelector> {}

export const SecretKeySelector = message(
  "SecretKeySelector",
  {
    name: string(1, inside(1)),
    key: required(string(2)),
    optional: boolean(3, explicit),
  },
  { atomic: true },
);
export interface SecretKeySelector extends Infer<typeof SecretKeySelector> {}

export const SecretReference = message(
  "SecretReference",
  {
    name: string(1),
    namespace: string(2),
  },
  { atomic: true },
);
export interface SecretReference extends Infer<typeof SecretReference> {}

export const TypedLocalObjectReference = message(
  "TypedLocalObjectReference",
  {
    apiGroup: string(1, explicit),
    kind: required(string(2)),
    name: required(string(3)),
  },
  { atomic: true },
);
export interface TypedLocalObjectReference extends Infer<typeof TypedLocalObjectReference> {}

export const TypedObjectReference = message("TypedObjectReference", {
  apiGroup: string(1, explicit),
  kind: required(string(2)),
  name: required(string(3)),
  namespace: string(4, explicit),
});
export interface TypedObjectReference extends Infer<typeof TypedObjectReference> {}

export const VolumeResourceRequirements = message("VolumeResourceRequirements", {
  limits: map(1, quantity),
  requests: map(2, quantity),
});
export interface VolumeResourceRequirements extends Infer<typeof VolumeResourceRequirements> {}
