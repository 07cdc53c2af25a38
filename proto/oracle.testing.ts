// protobufjs, reading the .proto files, as a second opinion on our codecs.
import fc from "fast-check";
import type protobuf from "protobufjs";
import { type Field, protoNameOf } from "./wire/field.ts";
import type { MessageSchema } from "./wire/message.ts";

type Value = Readonly<Record<string, unknown>>;

/** The field's name here, from its name in the .proto file. */
function ourName(name: string): string {
  if (name === "ID" || name === "TTL") return name.toLowerCase();
  return name.replace(/^[A-Z]/, (c) => c.toLowerCase()).replace(/_([A-Za-z])/g, (_, c: string) => c.toUpperCase());
}

const kindOf = { bigInt64: "int64", clampedInt64: "int64", bigUint64: "uint64" } as Readonly<Record<string, string>>;

/** Names, number, type and repetition of each field of ours, sorted. */
export function kindsOf(schema: MessageSchema<unknown>): string[] {
  return Object.entries(schema.fields)
    .map(([name, field]) => {
      const { number, kind, type, repeated, oneof, values } = field;
      const typeName = type?.().name ?? kindOf[kind] ?? kind;
      const enumeration = values && JSON.stringify(values);
      return [
        name,
        protoNameOf(name, field),
        number,
        typeName,
        repeated && "repeated",
        oneof && "oneof",
        enumeration,
      ].join(" ");
    })
    .sort();
}

export function fieldNames(type: protobuf.Type): string[] {
  return type.fieldsArray
    .map(({ name, id, type, resolvedType, repeated, partOf }) => {
      const values = resolvedType !== null && "values" in resolvedType ? resolvedType.values : undefined;
      const kind = values ? "enum" : resolvedType === null ? type : resolvedType.fullName.slice(1);
      const enumeration = values && JSON.stringify(values);
      return [ourName(name), name, id, kind, repeated && "repeated", partOf ? "oneof" : undefined, enumeration].join(
        " ",
      );
    })
    .sort();
}

const safe = fc.oneof(
  fc.nat({ max: 300 }),
  fc.maxSafeNat(),
  fc.constantFrom(0, 127, 128, 2 ** 28, 2 ** 32 - 1, 2 ** 35, 2 ** 53 - 1),
);
const signed = fc.oneof(safe, fc.maxSafeInteger(), fc.constantFrom(-1, Number.MIN_SAFE_INTEGER));

const scalars: Readonly<Record<Exclude<Field<unknown>["kind"], "message">, fc.Arbitrary<unknown>>> = {
  bool: fc.boolean(),
  bytes: fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ minLength: 120, maxLength: 140 })),
  string: fc.oneof(fc.string({ unit: "binary" }), fc.string({ minLength: 30, maxLength: 40 })),
  enum: fc.nat({ max: 2 }), // protobufjs drops what a proto2 enum does not name
  uint32: fc.oneof(fc.nat({ max: 2 ** 31 - 1 }), fc.constantFrom(2 ** 31, 2 ** 32 - 1)),
  int64: signed,
  uint64: safe,
  clampedInt64: signed,
  bigInt64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  bigUint64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
};

/** Values of a message with any of its fields missing. */
export function values(schema: MessageSchema<unknown>, depth = 3): fc.Arbitrary<Value> {
  const fields: Record<string, fc.Arbitrary<unknown>> = {};
  const groups = new Map<object, string[]>();
  for (const [name, field] of Object.entries(schema.fields)) {
    if (field.oneof) groups.set(field.oneof, [...(groups.get(field.oneof) ?? []), name]);
    if (field.kind === "message" && depth === 0) continue;
    const one = field.type ? values(field.type(), depth - 1) : scalars[field.kind as "bool"];
    fields[name] = field.repeated ? fc.array(one, { maxLength: 3 }) : one;
  }
  const some = fc.record(fields, { requiredKeys: [] });
  return fc.tuple(some, fc.nat()).map(([value, chosen]) => {
    const kept: Record<string, unknown> = { ...value };
    for (const names of groups.values()) {
      const present = names.filter((name) => kept[name] !== undefined);
      for (const name of present) if (name !== present[chosen % present.length]) delete kept[name];
    }
    return kept;
  });
}

/** Our value as protobufjs wants it: its names, and 64 bits as `Long`. */
export function toOracle(schema: MessageSchema<unknown>, type: protobuf.Type, value: Value): protobuf.Message {
  const object: Record<string, unknown> = {};
  for (const field of type.fieldsArray) {
    const own = schema.fields[ourName(field.name)] as Field<unknown>;
    const convert = (x: unknown): unknown => {
      if (own.type) return toOracle(own.type(), field.resolvedType as protobuf.Type, x as Value);
      return typeof x === "bigint" || /64/.test(own.kind) ? longOf(BigInt(x as bigint)) : x;
    };
    const x = value[ourName(field.name)];
    if (x !== undefined) object[field.name] = own.repeated ? (x as unknown[]).map(convert) : convert(x);
  }
  return type.create(object);
}

function longOf(value: bigint): unknown {
  const bits = BigInt.asUintN(64, value);
  return { low: Number(bits & 0xffff_ffffn) | 0, high: Number(bits >> 32n) | 0, unsigned: value >= 0n };
}

/** What protobufjs decoded, with our names, number types and defaults. */
export function fromOracle(schema: MessageSchema<unknown>, decoded: protobuf.Message): unknown {
  const object: Record<string, unknown> = {};
  for (const field of decoded.$type.fieldsArray) {
    if (!Object.hasOwn(decoded, field.name)) continue;
    const own = schema.fields[ourName(field.name)] as Field<unknown>;
    const convert = (x: unknown): unknown => {
      if (own.type) return fromOracle(own.type(), x as protobuf.Message);
      if (own.kind === "bytes") return new Uint8Array(x as Uint8Array);
      if (!/64/.test(own.kind)) return x;
      return own.kind.startsWith("big") ? BigInt(String(x)) : Number(String(x));
    };
    const x = (decoded as unknown as Value)[field.name];
    object[ourName(field.name)] = own.repeated ? (x as unknown[]).map(convert) : convert(x);
  }
  return schema.create(object as never);
}
