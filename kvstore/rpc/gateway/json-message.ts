import { type Field, type MessageSchema, protoNameOf } from "../../../proto/mod.ts";
import { isDefault, JsonError, NumberLiteral, readScalar, shorten, writeScalar } from "./json-scalar.ts";

// Messages as JSON, by protobuf's mapping (protobuf.dev, "ProtoJSON Format") with the options of etcd's gateway: fields named as in
// the .proto file, those at their default left out, those of a request that nobody knows ignored.

interface JsonField {
  readonly name: string;
  readonly protoName: string;
  readonly field: Field<unknown>;
}

interface JsonFields {
  /** In the order of their numbers, which is that of the output. */
  readonly ordered: readonly JsonField[];
  /** A request may use the name of the .proto file or the same in lowerCamelCase. */
  readonly byName: ReadonlyMap<string, JsonField>;
}

type Fields = Record<string, unknown>;

/** The JSON value of a decoded message. */
export function toJson<T>(type: MessageSchema<T>, message: T): Fields {
  const json: Fields = {};
  for (const { name, protoName, field } of fieldsOf(type).ordered) {
    const value = (message as Fields)[name];
    if (field.repeated) {
      const values = value as readonly unknown[];
      if (values.length > 0) json[protoName] = values.map((one) => writeOne(field, one));
    } else if (value !== undefined && (field.presence === "optional" || !isDefault(value))) {
      json[protoName] = writeOne(field, value);
    }
  }
  return json;
}

/** The message that a JSON value (of `parseJson`) stands for. Throws `JsonError`. */
export function fromJson<T>(type: MessageSchema<T>, json: unknown): T {
  return type.create(readMessage(type, json) as never);
}

function readMessage(type: MessageSchema<unknown>, json: unknown): Fields {
  if (typeof json !== "object" || json === null || Array.isArray(json) || json instanceof NumberLiteral) {
    throw new JsonError(`unexpected token ${shorten(json)}`);
  }
  const { byName } = fieldsOf(type);
  const message: Fields = {};
  const chosen = new Map<object, string>();
  for (const [key, value] of Object.entries(json)) {
    const known = byName.get(key);
    // An unknown field may be one of a later version; `null` is the default.
    if (known === undefined || value === null) continue;
    const { name, field } = known;
    if (name in message) throw new JsonError(`duplicate field ${JSON.stringify(key)}`);
    const other = field.oneof === undefined ? undefined : chosen.get(field.oneof);
    if (other !== undefined) throw new JsonError(`${JSON.stringify(key)} excludes ${JSON.stringify(other)}`);
    if (field.oneof !== undefined) chosen.set(field.oneof, key);
    const read = field.repeated ? readList(field, key, value) : readOne(field, key, value);
    if (read !== undefined) message[name] = read;
  }
  return message;
}

function readList(field: Field<unknown>, key: string, json: unknown): unknown[] {
  if (!Array.isArray(json)) throw new JsonError(`unexpected token ${shorten(json)}: ${key} is a list`);
  return json.map((one) => readOne(field, key, one)).filter((one) => one !== undefined);
}

/** Undefined for a name that an enum does not have: ignored, like an unknown field. */
function readOne(field: Field<unknown>, key: string, json: unknown): unknown {
  return field.type === undefined ? readScalar(field, key, json) : readMessage(field.type(), json);
}

function writeOne(field: Field<unknown>, value: unknown): unknown {
  return field.type === undefined ? writeScalar(field, value) : toJson(field.type(), value);
}

const described = new WeakMap<MessageSchema<unknown>, JsonFields>();

function fieldsOf(type: MessageSchema<unknown>): JsonFields {
  const known = described.get(type);
  if (known !== undefined) return known;
  const ordered = Object.entries(type.fields)
    .map(([name, field]) => ({ name, protoName: protoNameOf(name, field), field }))
    .sort((a, b) => a.field.number - b.field.number);
  const byName = new Map<string, JsonField>();
  for (const one of ordered) byName.set(one.protoName, one).set(lowerCamelCase(one.protoName), one);
  const fields = { ordered, byName };
  described.set(type, fields);
  return fields;
}

function lowerCamelCase(protoName: string): string {
  return protoName.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
