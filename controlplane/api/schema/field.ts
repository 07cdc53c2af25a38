/**
 * The vocabulary schemas are written in. A message is a value; its TypeScript type is inferred from it (`Infer`), so the two
 * cannot drift. Every walk over objects (decode, prune, default, merge, protobuf, OpenAPI) reads that same value.
 */

/** How server-side apply sees a list: one value, a set of scalars, or items told apart by `keys`. */
export type ListTopology =
  | { readonly kind: "atomic" }
  | { readonly kind: "set" }
  | { readonly kind: "map"; readonly keys: readonly string[] };

/** What a strategic merge patch does with a field, beyond the default (replace lists, merge objects). */
export interface PatchStrategy {
  /** Lists: merge items instead of replacing the list; lists of objects tell them apart by `mergeKey`. */
  readonly merge?: true;
  readonly mergeKey?: string;
  /** Unions: the patch may carry `$retainKeys`, the only keys to survive. */
  readonly retainKeys?: true;
}

export type Scalar =
  | "string"
  | "boolean"
  | "int32"
  /** A safe integer here and in JSON, 64 bits in protobuf. */
  | "int64"
  | "double"
  /** Base64 in JSON. */
  | "bytes"
  /** RFC 3339, whole seconds, UTC. */
  | "time"
  /** RFC 3339 with six decimals, UTC. */
  | "microTime"
  /** A number with a unit suffix, such as `250m` or `64Mi`. */
  | "quantity"
  | "intOrString"
  /** Any JSON value (RawExtension, FieldsV1). Never pruned. */
  | "json";

export type FieldType =
  | { readonly kind: "scalar"; readonly scalar: Scalar }
  | { readonly kind: "message"; readonly message: AnyMessage }
  | { readonly kind: "list"; readonly items: FieldType }
  | { readonly kind: "map"; readonly values: FieldType };

/** What a declaration may say about a field beside its number and type. */
export interface Traits {
  /** Documented as required. Its TypeScript property is not optional, and it is emitted even when zero. */
  readonly required?: true;
  /** A nested object that is part of everything emitted, be it empty (Go: a struct, not a pointer). */
  readonly always?: true;
  /** Zero differs from absent (Go: a pointer). Without this trait a zero is not kept. */
  readonly explicit?: true;
  /** The known values. Not enforced when decoding: validation answers for each kind in its own words. */
  readonly values?: readonly string[];
  /** Declared in the published OpenAPI, so that merging knows it too. */
  readonly default?: string | number;
  readonly topology?: ListTopology;
  readonly patch?: PatchStrategy;
  /** Server-side apply owns the whole map or object as one value. */
  readonly atomic?: true;
  /** In protobuf the field lives one message deeper, in the field of this number (Go: an embedded struct). */
  readonly inside?: number;
  /** One sentence for `kubectl explain`. */
  readonly doc?: string;
}

export interface Field extends Traits {
  /** Its number in protobuf; 0 when it exists in JSON only. */
  readonly number: number;
  readonly type: FieldType;
}

/** A field that knows its TypeScript type. `typed` has no value: it carries the type for the checker alone. */
export interface TypedField<T, Required extends boolean = false> extends Field {
  readonly typed?: { readonly value: T; readonly required: Required };
}

export interface GroupVersionKind {
  /** "" is the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export interface AnyMessage {
  /** Its name in Go and protobuf, such as `PodSpec`: unique within a group version. */
  readonly name: string;
  /** Its name in OpenAPI, such as `io.k8s.api.core.v1.PodSpec`: unique. */
  readonly fullName: string;
  /** In the order in which they are emitted. */
  readonly fields: Readonly<Record<string, Field>>;
  /** Only objects of their own have one: Pod, PodList, DeleteOptions. */
  readonly gvk?: GroupVersionKind;
  /** Server-side apply owns the message as one value. */
  readonly atomic?: true;
  readonly doc?: string;
}

export type Fields = Readonly<Record<string, Field>>;

/** A message that knows its TypeScript type. */
export interface Message<T> extends AnyMessage {
  readonly typed?: (value: T) => void;
}

/** Optional: items of a list come without it. */
export interface TypeMeta {
  apiVersion?: string;
  kind?: string;
}

/** A message that is an object of its own. */
export interface KindMessage<T> extends Message<T> {
  readonly gvk: GroupVersionKind;
}

type ValueOf<F> = F extends { readonly typed?: { readonly value: infer T } } ? T : never;
type RequiredKeys<F> = {
  [K in keyof F]: F[K] extends { readonly typed?: { readonly required: infer R } }
    ? R extends true
      ? K
      : never
    : never;
}[keyof F];

/** The object that fields describe. */
export type ObjectOf<F> = { -readonly [K in RequiredKeys<F>]: ValueOf<F[K]> } & {
  -readonly [K in Exclude<keyof F, RequiredKeys<F>>]?: ValueOf<F[K]>;
};

/** The TypeScript type of a message; written `interface Pod extends Infer<typeof Pod> {}` so that it has a name. */
export type Infer<M> = M extends Message<infer T> ? T : never;
