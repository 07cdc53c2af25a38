import type { Field } from "../../../proto/mod.ts";

/** JSON that is not the message it should be: the request is answered with InvalidArgument and this text. */
export class JsonError extends Error {
  override readonly name = "JsonError";
}

type Scalar = Field<unknown>;

/** How a scalar stands in JSON: 64-bit numbers as text, since JavaScript's clients would round them; bytes in base64; enums by
 * name, or by number where this version has no name for it. */
export function writeScalar({ kind, values }: Scalar, value: unknown): unknown {
  switch (kind) {
    case "bytes":
      return base64(value as Uint8Array);
    case "enum":
      return Object.keys(values ?? {}).find((name) => values?.[name] === value) ?? value;
    case "int64":
    case "uint64":
    case "clampedInt64":
    case "bigInt64":
    case "bigUint64":
      return String(value);
    default:
      return value;
  }
}

/** Undefined for an enum's name that does not exist. Throws `JsonError`. */
export function readScalar({ kind, values }: Scalar, key: string, json: unknown): unknown {
  switch (kind) {
    case "bytes":
      return readBase64(key, json);
    case "string":
      if (typeof json === "string") return json;
      break;
    case "bool":
      if (typeof json === "boolean") return json;
      break;
    case "enum":
      if (typeof json === "string" && !isNumeric(json)) return values?.[json];
      return Number(readInteger(key, "int32", json, 32, true));
    case "uint32":
      return Number(readInteger(key, kind, json, 32, false));
    case "uint64":
      return safe(key, readInteger(key, kind, json, 64, false));
    case "int64":
      return safe(key, readInteger(key, kind, json, 64, true));
    case "clampedInt64":
      return clamp(readInteger(key, "int64", json, 64, true));
    case "bigInt64":
      return readInteger(key, "int64", json, 64, true);
    case "bigUint64":
      return readInteger(key, "uint64", json, 64, false);
    case "message":
      break;
  }
  throw invalid(key, kind, json);
}

export function isDefault(value: unknown): boolean {
  if (value instanceof Uint8Array) return value.length === 0;
  return value === 0 || value === 0n || value === false || value === "";
}

/** A value as an error quotes it. */
export function shorten(json: unknown): string {
  const text = json instanceof NumberLiteral ? json.text : JSON.stringify(json);
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

/** A number of JSON as it was written: 64 bits of it do not fit what JavaScript would make of it. */
export class NumberLiteral {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** `JSON.parse` that keeps numbers as they are written. Throws `SyntaxError`. */
export function parseJson(text: string): unknown {
  const keep = (_: string, value: unknown, context?: { readonly source?: string }) =>
    typeof value === "number" ? new NumberLiteral(context?.source ?? String(value)) : value;
  return JSON.parse(text, keep as (key: string, value: unknown) => unknown);
}

function readInteger(key: string, kind: string, json: unknown, bits: number, signed: boolean): bigint {
  const text = json instanceof NumberLiteral ? json.text : json;
  const value = typeof text === "string" ? integerOf(text) : undefined;
  const fits = value !== undefined && (signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value)) === value;
  if (!fits) throw invalid(key, kind, json);
  return value;
}

/** Longer texts are no numbers of 64 bits, and take long to be read as any. */
const maxDigits = 100;

/** Of a whole number in any of JSON's forms: `12`, `12.0`, `1.2e1`. */
function integerOf(text: string): bigint | undefined {
  if (text.length > maxDigits) return undefined;
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = "", fraction = "", exponent = "0"] = match;
  const shift = Number(exponent) - fraction.length;
  if (Math.abs(shift) > 100) return undefined;
  const digits = BigInt(whole + fraction);
  const divisor = 10n ** BigInt(Math.max(0, -shift));
  if (digits % divisor !== 0n) return undefined;
  const value = (digits / divisor) * 10n ** BigInt(Math.max(0, shift));
  return sign === "-" ? -value : value;
}

function isNumeric(text: string): boolean {
  return integerOf(text) !== undefined;
}

function safe(key: string, value: bigint): number {
  if (value > maxSafe || value < -maxSafe) throw new JsonError(`invalid value for field ${key}: ${value} is too large`);
  return Number(value);
}

function clamp(value: bigint): number {
  if (value > maxSafe) return Number.MAX_SAFE_INTEGER;
  return value < -maxSafe ? Number.MIN_SAFE_INTEGER : Number(value);
}

const maxSafe = BigInt(Number.MAX_SAFE_INTEGER);

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
}

/** The usual alphabet or that for URLs, with or without padding. */
function readBase64(key: string, json: unknown): Uint8Array {
  if (typeof json !== "string") throw invalid(key, "bytes", json);
  const text = json.slice(0, endOfBase64(json));
  if (!/^[A-Za-z0-9+/_-]*$/.test(text) || text.length % 4 === 1) throw invalid(key, "bytes", json);
  // Not in Node's pool: the message may keep it.
  return new Uint8Array(Buffer.from(text, "base64"));
}

/** Where the padding begins. A pattern would look for it from each "=" on. */
function endOfBase64(text: string): number {
  let end = text.length;
  while (text[end - 1] === "=") end--;
  return end;
}

function invalid(key: string, kind: string, json: unknown): JsonError {
  return new JsonError(`invalid value for ${kind} field ${key}: ${shorten(json)}`);
}
