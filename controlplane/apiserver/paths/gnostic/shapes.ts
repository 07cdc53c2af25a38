// The words in which document.ts says how gnostic casts JSON into protobuf. Maps become lists of names and values, alternatives
// become messages with one field set, free values become text in YAML, `x-…` becomes a list of its own.
import { assert } from "../../../../base/mod.ts";
import type { ProtobufWriter } from "./writer.ts";

/** Writes a JSON value as a field. */
export type Shape = (writer: ProtobufWriter, field: number, value: unknown) => void;

export interface MessageShape {
  /** Fields by their name in JSON. A function, since messages contain themselves. */
  readonly fields?: () => Readonly<Record<string, readonly [field: number, shape: Shape]>>;
  /** Where members with any other name go, as pairs of name and value. */
  readonly others?: readonly [field: number, shape: Shape];
  /** Where members go whose name starts with `x-`. undefined: such a name is like any other. */
  readonly extensions?: number;
}

export const text: Shape = (writer, field, value) => {
  assert(typeof value === "string", "a text in the document is a string");
  writer.string(field, value);
};

export const flag: Shape = (writer, field, value) => {
  assert(typeof value === "boolean", "a flag in the document is a boolean");
  writer.bool(field, value);
};

export const count: Shape = (writer, field, value) => {
  assert(typeof value === "number", "a count in the document is a number");
  writer.int64(field, value);
};

export const double: Shape = (writer, field, value) => {
  assert(typeof value === "number", "a bound in the document is a number");
  writer.double(field, value);
};

const yamlOfAny = 2;

/** A value of any form: as YAML, of which JSON is a part. */
export const any: Shape = (writer, field, value) => {
  writer.message(field, () => writer.string(yamlOfAny, JSON.stringify(value)));
};

/** A list, or one value in place of a list of one. */
export function each(shape: Shape): Shape {
  return (writer, field, value) => {
    for (const item of Array.isArray(value) ? value : [value]) shape(writer, field, item);
  };
}

/** A message with nothing but this field. */
export function within(inner: number, shape: Shape): Shape {
  return (writer, field, value) => writer.message(field, () => shape(writer, inner, value));
}

/** One of several shapes, by what the value looks like. */
export function choice(choose: (value: unknown) => Shape): Shape {
  return (writer, field, value) => choose(value)(writer, field, value);
}

/** A map whose names are free, as a message of pairs. */
export function map(inner: number, shape: () => Shape): Shape {
  return message({ others: [inner, (writer, field, value) => shape()(writer, field, value)] });
}

export function message(shape: MessageShape): Shape {
  const write = members(shape);
  return (writer, field, value) => writer.message(field, () => write(writer, value));
}

/** Writes a message without a field around it, such as the document itself. */
export function members({
  fields,
  others,
  extensions,
}: MessageShape): (writer: ProtobufWriter, value: unknown) => void {
  let known: ReturnType<NonNullable<typeof fields>> | undefined;
  return (writer, value) => {
    assert(isObject(value), "a message in the document is an object");
    known ??= fields?.() ?? {};
    for (const [name, member] of Object.entries(value)) {
      if (Object.hasOwn(known, name)) {
        const [field, shape] = known[name] as readonly [number, Shape];
        shape(writer, field, member);
      } else if (extensions !== undefined && name.startsWith("x-")) writePair(writer, extensions, any, name, member);
      else {
        assert(others !== undefined, `every member of the document has its place: ${name}`);
        writePair(writer, others[0], others[1], name, member);
      }
    }
  };
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function writePair(writer: ProtobufWriter, field: number, shape: Shape, name: string, value: unknown): void {
  writer.message(field, () => {
    writer.string(1, name);
    shape(writer, 2, value);
  });
}
