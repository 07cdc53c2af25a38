/** A header field. Bytes beyond ASCII are the characters U+0080 to U+00FF. */
export interface Header {
  readonly name: string;
  readonly value: string;
  /** Of a received field: why it has no place in HTTP/2 (§8.2), if it has none. Found out once, when it enters a table. */
  readonly fault?: string | undefined;
}

/** They concern one HTTP/1.1 connection and have no place here (§8.2.2). */
const hopByHop = new Set(["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"]);

/** A field as it was received. */
export function receivedHeader(name: string, value: string): Header {
  return { name, value, fault: faultOf(name, value) };
}

function faultOf(name: string, value: string): string | undefined {
  // A colon can only come first: pseudo-fields are judged where they stand.
  if (!/^:?[\x21-\x39\x3b-\x40\x5b-\x7e]+$/.test(name)) return `${JSON.stringify(name)} is not a field name`;
  if (/[\0\r\n]/.test(value)) return `the value of ${name} has a line break`;
  if (hopByHop.has(name)) return `${name} is of HTTP/1.1`;
  return name === "te" && value !== "trailers" ? `te is ${value}` : undefined;
}

/** What a field counts in a table and against a limit (RFC 7541 §4.1). */
export function headerSize(name: string, value: string): number {
  return name.length + value.length + 32;
}
