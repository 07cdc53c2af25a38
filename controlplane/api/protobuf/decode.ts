import { unreachable } from "../../../base/mod.ts";
import { toBase64 } from "../schema/base64.ts";
import type { AnyMessage, Field, FieldType, Scalar } from "../schema/field.ts";
import { parseJson, setOwn } from "../schema/json.ts";
import { formatMicroTime, formatTime } from "../schema/time.ts";
import { fixed64, lengthDelimited, ProtobufError, Reader, varint } from "./reader.ts";

/**
 * Reads Kubernetes' protobuf as the JSON value it stands for. The result is raw: Go's protobuf writes zeros of fields that are not
 * pointers, so it has to pass `decode` like any JSON from outside. Unknown fields are skipped. Throws ProtobufError.
 */
export function decodeProtobuf(message: AnyMessage, bytes: Uint8Array): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  readInto(object, layoutOf(message), new Reader(bytes));
  return object;
}

/** What stands under each number: a field, or a message whose fields belong to the same object (Go: an embedded struct). */
type Layout = ReadonlyMap<number, Slot>;
type Slot = { readonly name: string; readonly field: Field } | { readonly embedded: Map<number, Slot> };

const layouts = new WeakMap<AnyMessage, Layout>();

function layoutOf(message: AnyMessage): Layout {
  const known = layouts.get(message);
  if (known !== undefined) return known;
  const layout = new Map<number, Slot>();
  for (const [name, field] of Object.entries(message.fields)) {
    if (field.number === 0) continue;
    const home = field.inside === undefined ? layout : embeddedIn(layout, field.inside);
    home.set(field.number, { name, field });
  }
  layouts.set(message, layout);
  return layout;
}

function embeddedIn(layout: Map<number, Slot>, number: number): Map<number, Slot> {
  const slot = layout.get(number);
  if (slot !== undefined && "embedded" in slot) return slot.embedded;
  const embedded = new Map<number, Slot>();
  layout.set(number, { embedded });
  return embedded;
}

function readInto(object: Record<string, unknown>, layout: Layout, reader: Reader): void {
  while (!reader.done) {
    const { number, wireType } = reader.tag();
    const slot = layout.get(number);
    if (slot === undefined) reader.skip(wireType);
    else if ("embedded" in slot) readInto(object, slot.embedded, new Reader(reader.bytes()));
    else readField(object, slot.name, slot.field.type, wireType, reader);
  }
}

function readField(
  object: Record<string, unknown>,
  name: string,
  type: FieldType,
  wireType: number,
  reader: Reader,
): void {
  if (type.kind === "list") {
    object[name] ??= [];
    const list = object[name] as unknown[];
    if (wireType === lengthDelimited && isNumeric(type.items)) {
      const packed = new Reader(reader.bytes());
      while (!packed.done) list.push(readValue(type.items, packed));
    } else list.push(readTyped(type.items, wireType, reader));
  } else if (type.kind === "map") {
    object[name] ??= {};
    const map = object[name] as Record<string, unknown>;
    const { key, value } = readEntry(type.values, new Reader(reader.bytes()));
    setOwn(map, key, value);
  } else object[name] = readTyped(type, wireType, reader);
}

function readEntry(values: FieldType, reader: Reader): { key: string; value: unknown } {
  let key = "";
  let value: unknown = null;
  while (!reader.done) {
    const { number, wireType } = reader.tag();
    if (number === 1) key = reader.string();
    else if (number === 2) value = readTyped(values, wireType, reader);
    else reader.skip(wireType);
  }
  return { key, value };
}

function readTyped(type: FieldType, wireType: number, reader: Reader): unknown {
  const expected = wireTypeOf(type);
  if (wireType !== expected) throw new ProtobufError(`proto: wrong wireType = ${wireType}, expected ${expected}`);
  return readValue(type, reader);
}

function wireTypeOf(type: FieldType): number {
  if (type.kind !== "scalar") return lengthDelimited;
  if (type.scalar === "double") return fixed64;
  return isNumeric(type) || type.scalar === "boolean" ? varint : lengthDelimited;
}

function isNumeric(type: FieldType): boolean {
  return type.kind === "scalar" && (type.scalar === "int32" || type.scalar === "int64" || type.scalar === "double");
}

function readValue(type: FieldType, reader: Reader): unknown {
  switch (type.kind) {
    case "scalar":
      return readScalar(type.scalar, reader);
    case "message":
      return decodeProtobuf(type.message, reader.bytes());
    case "list":
      // A list as value of a map is wrapped in a message with one field.
      return readWrapped(type.items, new Reader(reader.bytes()));
    case "map":
      throw new ProtobufError("proto: a map cannot be the value of a map");
    default:
      return unreachable(type);
  }
}

function readWrapped(items: FieldType, reader: Reader): unknown[] {
  const list: unknown[] = [];
  while (!reader.done) {
    const { number, wireType } = reader.tag();
    if (number === 1) list.push(readTyped(items, wireType, reader));
    else reader.skip(wireType);
  }
  return list;
}

function readScalar(scalar: Scalar, reader: Reader): unknown {
  switch (scalar) {
    case "string":
      return reader.string();
    case "boolean":
      return reader.varint() !== 0n;
    case "int32":
    case "int64":
      return reader.integer();
    case "double":
      return reader.double();
    case "bytes":
      return toBase64(reader.bytes());
    case "time":
    case "microTime":
      return readTime(scalar, new Reader(reader.bytes()));
    case "quantity":
      return readQuantity(new Reader(reader.bytes()));
    case "intOrString":
      return readIntOrString(new Reader(reader.bytes()));
    case "json":
      return readJson(new Reader(reader.bytes()));
    default:
      return unreachable(scalar);
  }
}

/** Nothing at all is the zero time, which JSON spells null. */
function readTime(scalar: "time" | "microTime", reader: Reader): string | null {
  if (reader.done) return null;
  let seconds = 0;
  let nanos = 0;
  while (!reader.done) {
    const { number, wireType } = reader.tag();
    if (number === 1) seconds = reader.integer();
    else if (number === 2) nanos = reader.integer();
    else reader.skip(wireType);
  }
  return scalar === "time" ? formatTime({ seconds }) : formatMicroTime({ seconds, nanos });
}

function readQuantity(reader: Reader): string {
  let text = "";
  while (!reader.done) {
    const { number, wireType } = reader.tag();
    if (number === 1) text = reader.string();
    else reader.skip(wireType);
  }
  return text === "" ? "0" : text;
}

function readIntOrString(reader: Reader): number | string {
  let isString = false;
  let int = 0;
  let text = "";
  while (!reader.done) {
    const { number, wireType } = reader.tag();
    if (number === 1) isString = reader.varint() === 1n;
    else if (number === 2) int = reader.integer();
    else if (number === 3) text = reader.string();
    else reader.skip(wireType);
  }
  return isString ? text : int;
}

/** RawExtension and FieldsV1 carry JSON as bytes. */
function readJson(reader: Reader): unknown {
  let text: string | undefined;
  while (!reader.done) {
    const { number, wireType } = reader.tag();
    if (number === 1) text = reader.string();
    else reader.skip(wireType);
  }
  if (text === undefined || text === "") return null;
  const parsed = parseJson(text);
  if (!parsed.ok) throw new ProtobufError(`proto: raw JSON: ${parsed.message}`);
  return parsed.value;
}
