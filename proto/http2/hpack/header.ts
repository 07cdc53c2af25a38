/** A header field. Bytes beyond ASCII are the characters U+0080 to U+00FF. */
export interface Header {
  readonly name: string;
  readonly value: string;
}

/** What a field counts in a table and against a limit (RFC 7541 §4.1). */
export function headerSize(name: string, value: string): number {
  return name.length + value.length + 32;
}
