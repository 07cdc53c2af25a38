/** JSON with 64-bit numbers, as Go writes it: bigints stand as plain digits, and long digits are read as bigints. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === "bigint" ? exact.rawJSON(String(part)) : part,
  );
}

/** Numbers of 16 digits and more come as bigints. */
export function parseJson(text: string): unknown {
  return exact.parse(text, (_key, value, { source }) =>
    typeof value === "number" && source !== undefined && /^-?\d{16,}$/.test(source) ? BigInt(source) : value,
  );
}

/** ECMAScript's "JSON.parse source text access", which the compiler's library does not know yet. */
const exact = JSON as unknown as {
  rawJSON(text: string): unknown;
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown;
};
