import { Quantity, quantityError } from "../quantity/quantity.ts";
import type { AnyMessage, Field, FieldType, Scalar } from "./field.ts";
import { setOwn, showPath } from "./json.ts";
import { formatMicroTime, formatTime, parseInstant } from "./time.ts";

export type DecodeResult =
  | {
      readonly ok: true;
      /** A new object in canonical form: see `decode`. */
      readonly object: Record<string, unknown>;
      /** `unknown field "spec.foo"`: what was left out, for fieldValidation Strict and Warn. */
      readonly complaints: readonly string[];
    }
  | { readonly ok: false; readonly message: string };

/**
 * Reads a JSON value as the message it should be. The result is canonical, so that equal objects are deeply equal and print alike:
 * unknown fields are pruned, fields stand in the schema's order and keys of maps in order; zeros are left out unless they differ from
 * absence; structs that are always there are filled in; times, quantities and base64 have one spelling. This is what Go's decoding
 * and encoding do together, errors included: `json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of
 * type int32`.
 */
export function decode(message: AnyMessage, value: unknown): DecodeResult {
  const decoder = new Decoder();
  try {
    return { ok: true, object: decoder.message(message, value), complaints: decoder.complaints };
  } catch (error) {
    if (error instanceof Mismatch) return { ok: false, message: error.message };
    throw error;
  }
}

/** What fieldValidation=Strict answers with. */
export function strictDecodingError(complaints: readonly string[]): string {
  return `strict decoding error: ${complaints.join(", ")}`;
}

class Mismatch extends Error {}

/** A field's name, an index of a list, or a key of a map. */
type Step = string | number | { readonly key: string };

class Decoder {
  readonly complaints: string[] = [];
  readonly #path: Step[] = [];
  /** The message whose field is being read: Go names it in errors. */
  #struct = "";

  message(message: AnyMessage, value: unknown): Record<string, unknown> {
    const source = this.#asObject(value, `${versionOf(message)}.${message.name}`);
    const enclosing = this.#struct;
    this.#struct = message.name;
    this.#complainOfUnknown(message, source);
    const object: Record<string, unknown> = {};
    // The busiest loop of the API server: for…in spares an array of pairs for every message of every object.
    for (const name in message.fields) {
      const field = message.fields[name] as Field;
      const given = Object.hasOwn(source, name) ? source[name] : undefined;
      this.#path.push(name);
      const kept =
        given === undefined || given === null ? zeroOf(field) : this.#keep(field, this.#value(field.type, given));
      this.#path.pop();
      if (kept !== undefined) object[name] = kept;
    }
    this.#struct = enclosing;
    return object;
  }

  #complainOfUnknown(message: AnyMessage, source: Record<string, unknown>): void {
    for (const name of Object.keys(source)) {
      if (!Object.hasOwn(message.fields, name)) {
        this.complaints.push(
          `unknown field ${JSON.stringify(showPath([...this.#path, name].map((step) => (typeof step === "object" ? step.key : step))))}`,
        );
      }
    }
  }

  /** Undefined where the value says no more than its absence would. */
  #keep(field: Field, value: unknown): unknown {
    if (field.explicit || field.required || field.type.kind === "message") return value;
    return isZero(field.type, value) ? undefined : value;
  }

  #value(type: FieldType, value: unknown): unknown {
    switch (type.kind) {
      case "scalar":
        return this.#scalar(type.scalar, value);
      case "message":
        return this.message(type.message, value);
      case "list":
        return this.#list(type.items, value);
      case "map":
        return this.#map(type.values, value);
    }
  }

  #list(items: FieldType, value: unknown): unknown[] {
    if (!Array.isArray(value)) throw this.#mismatch(value, `[]${goType(items)}`);
    return value.map((item: unknown, index) => {
      this.#path.push(index);
      // Go reads null as the zero of whatever it stands for.
      const read = item === null ? zeroItem(items) : this.#value(items, item);
      this.#path.pop();
      return read;
    });
  }

  #map(values: FieldType, value: unknown): Record<string, unknown> {
    const source = this.#asObject(value, `map[string]${goType(values)}`);
    const map: Record<string, unknown> = {};
    for (const key of Object.keys(source).sort()) {
      this.#path.push({ key });
      const entry = source[key];
      setOwn(map, key, entry === null ? zeroItem(values) : this.#value(values, entry));
      this.#path.pop();
    }
    return map;
  }

  #scalar(scalar: Scalar, value: unknown): unknown {
    switch (scalar) {
      case "string":
        if (typeof value !== "string") throw this.#mismatch(value, "string");
        return value;
      case "boolean":
        if (typeof value !== "boolean") throw this.#mismatch(value, "bool");
        return value;
      case "int32":
        return this.#integer(value, "int32", 2 ** 31);
      case "int64":
        return this.#integer(value, "int64", Number.MAX_SAFE_INTEGER + 1);
      case "double":
        if (typeof value !== "number") throw this.#mismatch(value, "float64");
        return value;
      case "intOrString":
        return typeof value === "string" ? value : this.#integer(value, "int32", 2 ** 31);
      case "bytes":
        return this.#bytes(value);
      case "quantity":
        return this.#quantity(value);
      case "time":
      case "microTime":
        return this.#time(value, scalar);
      case "json":
        return value;
    }
  }

  #integer(value: unknown, type: string, bound: number): number {
    if (typeof value !== "number") throw this.#mismatch(value, type);
    if (!Number.isInteger(value) || value >= bound || value < -bound)
      throw this.#mismatch(value, type, `number ${value}`);
    return value;
  }

  #bytes(value: unknown): string {
    if (typeof value !== "string") throw this.#mismatch(value, "[]uint8");
    const text = value.replace(/[\r\n]/g, "");
    const wrong = misfitInBase64(text);
    if (wrong !== undefined) throw new Mismatch(`illegal base64 data at input byte ${wrong}`);
    return text;
  }

  #quantity(value: unknown): string {
    const text = typeof value === "number" ? String(value) : value;
    const quantity = typeof text === "string" ? Quantity.parse(text) : undefined;
    if (quantity === undefined) throw new Mismatch(quantityError);
    return quantity.toString();
  }

  #time(value: unknown, scalar: "time" | "microTime"): string {
    if (typeof value !== "string")
      throw new Mismatch(`json: cannot unmarshal ${nameOf(value)} into Go value of type string`);
    const instant = parseInstant(value);
    if (instant === undefined) {
      const layout = scalar === "time" ? "2006-01-02T15:04:05Z07:00" : "2006-01-02T15:04:05.000000Z07:00";
      const quoted = JSON.stringify(value);
      throw new Mismatch(`parsing time ${quoted} as ${JSON.stringify(layout)}: cannot parse ${quoted} as "2006"`);
    }
    return scalar === "time" ? formatTime(instant) : formatMicroTime(instant);
  }

  #asObject(value: unknown, type: string): Record<string, unknown> {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw this.#mismatch(value, type);
    return value as Record<string, unknown>;
  }

  #mismatch(value: unknown, type: string, shown = nameOf(value)): Mismatch {
    // Indexes of lists and keys of maps are not struct fields, so Go leaves them out: what is left is a path of names.
    const names = this.#path.filter((step) => typeof step === "string");
    const where = names.length === 0 ? "Go value" : `Go struct field ${this.#struct}.${names.join(".")}`;
    return new Mismatch(`json: cannot unmarshal ${shown} into ${where} of type ${type}`);
  }
}

function nameOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return typeof value === "boolean" ? "bool" : typeof value;
}

/** `io.k8s.api.apps.v1.DeploymentSpec` has version v1, which is also the name of its Go package. */
function versionOf(message: AnyMessage): string {
  return message.fullName.split(".").at(-2) ?? "v1";
}

function goType(type: FieldType): string {
  switch (type.kind) {
    case "scalar":
      return goScalars[type.scalar];
    case "message":
      return `${versionOf(type.message)}.${type.message.name}`;
    case "list":
      return `[]${goType(type.items)}`;
    case "map":
      return `map[string]${goType(type.values)}`;
  }
}

const goScalars: Readonly<Record<Scalar, string>> = {
  string: "string",
  boolean: "bool",
  int32: "int32",
  int64: "int64",
  double: "float64",
  bytes: "[]uint8",
  time: "v1.Time",
  microTime: "v1.MicroTime",
  quantity: "resource.Quantity",
  intOrString: "intstr.IntOrString",
  json: "runtime.RawExtension",
};

/** What an absent field is emitted as; undefined: not at all. */
function zeroOf(field: Field): unknown {
  const { type } = field;
  if (type.kind === "message") return field.always ? emptyMessage(type.message) : undefined;
  if (!field.required || field.explicit) return undefined;
  // Go emits null here; an empty list spares every reader a question.
  if (type.kind === "list") return [];
  if (type.kind === "map") return {};
  switch (type.scalar) {
    case "string":
      return "";
    case "boolean":
      return false;
    case "int32":
    case "int64":
    case "double":
      return 0;
    default:
      return undefined;
  }
}

function zeroItem(type: FieldType): unknown {
  if (type.kind === "message") return emptyMessage(type.message);
  if (type.kind === "list") return [];
  if (type.kind === "map") return {};
  const zeros: Partial<Record<Scalar, unknown>> = {
    boolean: false,
    int32: 0,
    int64: 0,
    double: 0,
    quantity: "0",
    json: null,
  };
  return type.scalar in zeros ? zeros[type.scalar] : "";
}

function emptyMessage(message: AnyMessage): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(message.fields)) {
    const zero = zeroOf(field);
    if (zero !== undefined) object[name] = zero;
  }
  return object;
}

function isZero(type: FieldType, value: unknown): boolean {
  switch (type.kind) {
    case "list":
      return (value as unknown[]).length === 0;
    case "map":
      return Object.keys(value as object).length === 0;
    case "message":
      return false;
    case "scalar":
      // Quantities, times and intOrString are pointers or structs wherever their zero could be meant.
      return value === "" || value === false || (value === 0 && type.scalar !== "intOrString");
  }
}

/** Index of the first byte that does not belong, as Go reports it; undefined for well-formed base64. */
function misfitInBase64(text: string): number | undefined {
  const body = /^[A-Za-z0-9+/]*/.exec(text)?.[0] ?? "";
  const padding = text.slice(body.length);
  if (!/^={0,2}$/.test(padding)) return body.length;
  if (text.length % 4 !== 0) return padding === "" ? Math.floor(text.length / 4) * 4 : body.length;
  return body.length % 4 === 1 ? body.length : undefined;
}
