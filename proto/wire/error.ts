/** Bytes that are no message of the type they were read as. */
export class WireError extends Error {
  override readonly name = "WireError";
  readonly code: "Truncated" | "InvalidTag" | "InvalidVarint" | "InvalidUtf8" | "TooDeep" | "TooMany" | "UnsafeInteger";

  constructor(code: WireError["code"], message: string) {
    super(message);
    this.code = code;
  }
}
