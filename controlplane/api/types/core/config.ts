import { always, boolean, bytes, doc, explicit, given, map, one, packageOf, string } from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";
import { listOf } from "../meta/list.ts";
import { ObjectMeta } from "../meta/object-meta.ts";

const { kind } = packageOf("io.k8s.api.core.v1", "", "v1");

export const ConfigMap = kind("ConfigMap", "Configuration that pods read as files or environment variables.", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  immutable: boolean(4, explicit, doc("If true, the data can never change again.")),
  data: map(2, string, doc("Text by key.")),
  binaryData: map(3, bytes, doc("Bytes by key, in base64.")),
});
export interface ConfigMap extends Infer<typeof ConfigMap> {}

export const ConfigMapList = listOf<ConfigMap>(ConfigMap);
export interface ConfigMapList extends Infer<typeof ConfigMapList> {}

export const Secret = kind("Secret", "Sensitive data that pods read as files or environment variables.", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  immutable: boolean(5, explicit, doc("If true, the data can never change again.")),
  data: map(2, bytes, doc("Bytes by key, in base64.")),
  stringData: map(4, string, doc("Text by key; the server stores it in data and never returns it.")),
  type: string(3, doc("What the data is for. Defaults to Opaque.")),
});
export interface Secret extends Infer<typeof Secret> {}

export const SecretList = listOf<Secret>(Secret);
export interface SecretList extends Infer<typeof SecretList> {}
