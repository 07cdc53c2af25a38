/**
 * The Kubernetes object model: schemas and the types inferred from them, and everything one can do to an object without a
 * server. Objects are plain JSON values; nothing here reads a clock, the network or chance.
 */
export type {
  AnyMessage,
  Field,
  FieldType,
  GroupVersionKind,
  Infer,
  KindMessage,
  Message,
  Traits,
  TypeMeta,
} from "./schema/field.ts";
export * from "./types/mod.ts";
