import type {
  Fields,
  FieldType,
  KindMessage,
  Message,
  ObjectOf,
  Scalar,
  Traits,
  TypedField,
  TypeMeta,
} from "./field.ts";

/** Declares a field of a scalar type; also stands for that type as item of a list or value of a map. */
export interface ScalarType<T> {
  (number: number, ...traits: readonly Traits[]): TypedField<T>;
  readonly scalar: Scalar;
}

function scalarType<T>(scalar: Scalar): ScalarType<T> {
  const declare = (number: number, ...traits: readonly Traits[]): TypedField<T> =>
    Object.assign({ number, type: { kind: "scalar" as const, scalar } }, ...traits);
  return Object.assign(declare, { scalar });
}

export const string = scalarType<string>("string");
export const boolean = scalarType<boolean>("boolean");
export const int32 = scalarType<number>("int32");
export const int64 = scalarType<number>("int64");
export const double = scalarType<number>("double");
export const bytes = scalarType<string>("bytes");
export const time = scalarType<string>("time");
export const microTime = scalarType<string>("microTime");
export const quantity = scalarType<string>("quantity");
export const intOrString = scalarType<number | string>("intOrString");
export const json = scalarType<unknown>("json");

/** As values of a map (of `extra` user attributes): lists of strings. */
export const strings: ListType<string[]> = { items: "string" };

interface ListType<T> {
  readonly items: Scalar;
  readonly typed?: (value: T) => void;
}

/** A string with known values. */
export function oneOf<const V extends string>(
  number: number,
  values: readonly V[],
  ...traits: readonly Traits[]
): TypedField<V> {
  return { ...string(number, ...traits), values } as TypedField<V>;
}

type ElementOf<T> = ScalarType<T> | ListType<T> | Message<T>;

function elementType<T>(element: ElementOf<T>): FieldType {
  if ("items" in element) return { kind: "list", items: { kind: "scalar", scalar: element.items } };
  return "scalar" in element ? { kind: "scalar", scalar: element.scalar } : { kind: "message", message: element };
}

/** A nested message. Name its interface (`one<PodSpec>(2, PodSpec)`), and editors show that name. */
export function one<T>(number: number, message: Message<T>, ...traits: readonly Traits[]): TypedField<T> {
  return Object.assign({ number, type: elementType(message) }, ...traits);
}

export function list<T>(number: number, items: ElementOf<T>, ...traits: readonly Traits[]): TypedField<T[]> {
  return Object.assign({ number, type: { kind: "list", items: elementType(items) } }, ...traits);
}

/** A map from strings. */
export function map<T>(
  number: number,
  values: ElementOf<T>,
  ...traits: readonly Traits[]
): TypedField<Record<string, T>> {
  return Object.assign({ number, type: { kind: "map", values: elementType(values) } }, ...traits);
}

export function required<T>(field: TypedField<T, boolean>): TypedField<T, true> {
  return { ...field, required: true } as TypedField<T, true>;
}

/** Filled in by the server when left out: the TypeScript property is not optional, the API does not demand it. */
export function given<T>(field: TypedField<T, boolean>): TypedField<T, true> {
  return field as TypedField<T, true>;
}

export const always = { always: true } as const satisfies Traits;
export const explicit = { explicit: true } as const satisfies Traits;
export const atomic = { topology: { kind: "atomic" } } as const satisfies Traits;
export const atomicObject = { atomic: true } as const satisfies Traits;
export const set = { topology: { kind: "set" } } as const satisfies Traits;
export const merge = { patch: { merge: true } } as const satisfies Traits;
export const retainKeys = { patch: { retainKeys: true } } as const satisfies Traits;

/** Items are told apart by these keys in server-side apply. */
export function keyed(...keys: readonly string[]): Traits {
  return { topology: { kind: "map", keys } };
}

/** Items are merged by this key in strategic merge patches. */
export function mergeBy(mergeKey: string, ...more: readonly "retainKeys"[]): Traits {
  return { patch: { merge: true, mergeKey, ...(more.length > 0 && { retainKeys: true }) } };
}

export function defaultsTo(value: string | number): Traits {
  return { default: value };
}

export function inside(embedded: number): Traits {
  return { inside: embedded };
}

export function doc(text: string): Traits {
  return { doc: text };
}

/** The messages of one package. The same names exist in several group versions, so declarations start from here. */
export interface Package {
  message<F extends Fields>(name: string, fields: F, traits?: Pick<Traits, "atomic" | "doc">): Message<ObjectOf<F>>;
  /** An object with apiVersion and kind of its own. */
  kind<F extends Fields>(name: string, doc: string, fields: F): KindMessage<ObjectOf<F> & TypeMeta>;
}

/** `definitions` is the package's prefix in OpenAPI, such as `io.k8s.api.apps.v1`. */
export function packageOf(definitions: string, group: string, version: string): Package {
  const fullName = (name: string) => `${definitions}.${name}`;
  return {
    message: (name, fields, traits) => ({ name, fullName: fullName(name), fields, ...traits }),
    kind: (name, doc, fields) => ({
      name,
      fullName: fullName(name),
      fields: { kind: string(0), apiVersion: string(0), ...fields },
      gvk: { group, version, kind: name },
      doc,
    }),
  };
}
