// Turns the description of a message into JavaScript made for it: no field table is consulted at run time, and every
// decoded value of a type has the same hidden class. What the result looks like: `sourceOf(PutRequest)`.
import { assert } from "../../base/mod.ts";
import type { Codec } from "./codec.ts";
import type { Field } from "./field.ts";
import type { MessageSchema } from "./message.ts";
import * as runtime from "./runtime.ts";

type NamedField = readonly [name: string, field: Field<unknown>];

const wireTypes = { varint: 0, delimited: 2 } as const;

/** How a kind is tested for zero, sized, written, read; `x` is the value, `bytes`, `at` and `end` the buffer. */
interface KindCode {
  readonly wireType: 0 | 2;
  readonly zero: string;
  readonly isSet: string;
  readonly size: string;
  readonly write: string;
  /** Reads a varint longer than one byte, leaving `cursor.pos`; a single byte `b` becomes `short`. */
  readonly long?: string;
  readonly short?: string;
}

function varint(zero: string, isSet: string, size: string, write: string, long: string, short: string): KindCode {
  return { wireType: wireTypes.varint, zero, isSet, size, write, long, short };
}

const number = "at = writeVarint(bytes, at, x)";
const bigint = "at = writeBigVarint(bytes, at, x)";

const kinds: Readonly<Record<Field<unknown>["kind"], KindCode>> = {
  bool: varint("false", "x === true", "1", "bytes[at++] = x ? 1 : 0", "readBool", "b !== 0"),
  enum: varint("0", "x !== 0", "int32Size(x)", number, "readInt32", "b"),
  uint32: varint("0", "x !== 0", "uint32Size(x)", number, "readUint32", "b"),
  int64: varint("0", "x !== 0", "checkedInt64Size(x)", number, "readInt64", "b"),
  uint64: varint("0", "x !== 0", "checkedUint64Size(x)", number, "readUint64", "b"),
  clampedInt64: varint("0", "x !== 0", "checkedInt64Size(x)", number, "readClampedInt64", "b"),
  bigInt64: varint("0n", "x !== 0n", "bigVarintSize(x)", bigint, "readBigInt64", "smallBigInts[b]"),
  bigUint64: varint("0n", "x !== 0n", "bigVarintSize(x)", bigint, "readBigUint64", "smallBigInts[b]"),
  bytes: {
    wireType: wireTypes.delimited,
    zero: "noBytes",
    isSet: "x.length !== 0",
    size: "delimitedSize(x.length)",
    write: "at = writeBytes(bytes, at, x)",
  },
  string: {
    wireType: wireTypes.delimited,
    zero: '""',
    isSet: 'x !== ""',
    size: "delimitedSize(utf8Size(x))",
    write: "at = writeString(bytes, at, x)",
  },
  message: { wireType: wireTypes.delimited, zero: "undefined", isSet: "true", size: "", write: "" },
};

export function compile<T>(type: MessageSchema<T>): Codec<T> {
  const make = new Function("runtime", "types", sourceOf(type));
  return make(runtime, embeddedTypes(type));
}

/** The code of a codec: the body of a function of `runtime` and of the embedded `types`, by field name. */
export function sourceOf(type: MessageSchema<unknown>): string {
  const fields = Object.entries(type.fields).sort(([, a], [, b]) => a.number - b.number);
  return [
    `"use strict"; // ${type.name}`,
    `const { ${Object.keys(runtime).join(", ")} } = runtime;`,
    ...fields.filter(isMessage).map(([name]) => `const $${name} = types.${name};`),
    "return {",
    sizeSource(fields),
    writeSource(fields),
    decodeSource(fields),
    createSource(fields),
    "};",
  ].join("\n");
}

function embeddedTypes(type: MessageSchema<unknown>): Record<string, MessageSchema<unknown>> {
  const types: Record<string, MessageSchema<unknown>> = {};
  for (const [name, { type: embedded }] of Object.entries(type.fields)) if (embedded) types[name] = embedded();
  return types;
}

function isMessage([, field]: NamedField): boolean {
  return field.kind === "message";
}

function tagOf(field: Field<unknown>): number {
  const wireType = field.repeated && field.packed ? wireTypes.delimited : kinds[field.kind].wireType;
  return field.number * 8 + wireType;
}

function sizeSource(fields: readonly NamedField[]): string {
  const lines = fields.map((named) => {
    const [name, field] = named;
    const tagSize = runtime.varintSize(tagOf(field));
    if (field.repeated && field.packed)
      return `x = v.${name}; if (x !== undefined && x.length !== 0) { const s = packedSize(x, ${sizeFunction(field)}); n += ${tagSize} + delimitedSize(s); }`;
    const one = isMessage(named) ? `embeddedSize($${name}, x)` : kinds[field.kind].size;
    return eachValue(named, `n += ${tagSize} + ${one};`);
  });
  return `size(v) {\nlet n = 0, x;\n${lines.join("\n")}\nreturn n;\n},`;
}

function writeSource(fields: readonly NamedField[]): string {
  const lines = fields.map((named) => {
    const [name, field] = named;
    const tag = tagBytes(tagOf(field));
    if (field.repeated && field.packed)
      return `x = v.${name}; if (x !== undefined && x.length !== 0) { ${tag} at = writePacked(bytes, at, x, ${writeFunction(field)}); }`;
    const one = isMessage(named) ? `at = writeEmbedded($${name}, x, bytes, at)` : kinds[field.kind].write;
    return eachValue(named, `${tag} ${one};`);
  });
  return `write(v, bytes, at) {\nlet x;\n${lines.join("\n")}\nreturn at;\n},`;
}

/** Runs `code` for every value of the field that has to be written. */
function eachValue([name, field]: NamedField, code: string): string {
  const { isSet, zero } = kinds[field.kind];
  if (field.repeated)
    return `x = v.${name}; if (x !== undefined) { const xs = x; for (let i = 0; i < xs.length; i++) { x = xs[i]; ${code} } }`;
  switch (field.presence) {
    case "always":
      return `x = v.${name}; if (x === undefined) x = ${isMessage([name, field]) ? "nothing" : zero}; ${code}`;
    case "optional":
      return `x = v.${name}; if (x !== undefined) { ${code} }`;
    case "implicit":
      return `x = v.${name}; if (x !== undefined && ${isSet}) { ${code} }`;
  }
}

function sizeFunction(field: Field<unknown>): string {
  return `(x) => ${kinds[field.kind].size}`;
}

function writeFunction(field: Field<unknown>): string {
  return `(bytes, at, x) => { ${kinds[field.kind].write}; return at; }`;
}

function tagBytes(tag: number): string {
  const bytes = new Uint8Array(runtime.varintSize(tag));
  runtime.writeVarint(bytes, 0, tag);
  return [...bytes].map((byte) => `bytes[at++] = ${byte};`).join(" ");
}

function decodeSource(fields: readonly NamedField[]): string {
  const variables = fields.map((named) => `let _${named[0]} = ${defaultOf(named)};`);
  const object = fields.map(
    ([name, field]) => `${name}: ${field.repeated ? `_${name} ?? noValues` : finished(name, field)}`,
  );
  return `decode(bytes, at, end, depth) {
${variables.join("\n")}
if (depth > maxDepth) throw tooDeep();
if (--allowance.left < 0) throw tooMany();
let b;
while (at < end) {
let tag = bytes[at++];
if (tag > 127) { tag = readLength(bytes, at - 1, end); at = cursor.pos; }
switch (tag) {
${fields.map((named) => readCases(named, fields)).join("\n")}
default: at = skip(bytes, at, end, tag, depth);
}
}
if (at !== end) throw truncated();
return { ${object.join(", ")} };
},`;
}

function finished(name: string, field: Field<unknown>): string {
  return field.kind === "message" && field.presence === "always" ? `_${name} ?? $${name}.create()` : `_${name}`;
}

function readCases(named: NamedField, fields: readonly NamedField[]): string {
  const [name, field] = named;
  const kind = kinds[field.kind];
  const store = field.repeated
    ? `if (_${name} === undefined) _${name} = [x]; else _${name}.push(x);`
    : [...rivals(named, fields).map((rival) => `_${rival} = undefined;`), `_${name} = x;`].join(" ");
  if (kind.wireType === wireTypes.delimited) {
    return `case ${field.number * 8 + wireTypes.delimited}: { ${lengthSource} ${delimitedValue(named)} at += b; ${store} break; }`;
  }
  const value = `let x; b = bytes[at]; if (b < 128) { at++; x = ${kind.short}; } else { x = ${kind.long}(bytes, at, end); at = cursor.pos; } ${store}`;
  const single = `case ${field.number * 8 + wireTypes.varint}: { ${value} break; }`;
  if (!field.repeated) return single;
  const run = `case ${field.number * 8 + wireTypes.delimited}: { ${lengthSource} const stop = at + b; while (at < stop) { ${value} } if (at !== stop) throw truncated(); break; }`;
  return `${single}\n${run}`;
}

const lengthSource =
  "b = bytes[at++]; if (b > 127) { b = readLength(bytes, at - 1, end); at = cursor.pos; } if (!(b <= end - at)) throw truncated();";

function delimitedValue([name, field]: NamedField): string {
  if (field.kind === "bytes") return "const x = view(bytes, at, b);";
  if (field.kind === "string") return "const x = readUtf8(bytes, at, at + b);";
  assert(field.kind === "message", "only bytes, strings and messages carry their length");
  return `const x = $${name}.codec.decode(bytes, at, at + b, depth + 1);`;
}

function rivals([name, field]: NamedField, fields: readonly NamedField[]): string[] {
  if (field.oneof === undefined) return [];
  return fields.filter(([other, { oneof }]) => oneof === field.oneof && other !== name).map(([other]) => other);
}

function defaultOf([, field]: NamedField): string {
  return field.repeated || field.presence === "optional" ? "undefined" : kinds[field.kind].zero;
}

function createSource(fields: readonly NamedField[]): string {
  const object = fields.map((named) => {
    const [name, field] = named;
    if (field.kind !== "message") return `${name}: v.${name} ?? ${field.repeated ? "noValues" : defaultOf(named)}`;
    if (field.repeated) return `${name}: v.${name} === undefined ? noValues : v.${name}.map((x) => whole($${name}, x))`;
    const absent = field.presence === "always" ? `$${name}.create()` : "undefined";
    return `${name}: v.${name} === undefined ? ${absent} : whole($${name}, v.${name})`;
  });
  return `create(v) {\nif (v instanceof Encoded) return this.decode(v.buffer, v.start, v.end, 0);\nreturn { ${object.join(", ")} };\n},`;
}
