import type { Header } from "./header.ts";

/** A decoded header block: pseudo-fields apart, and a verdict on its form (§8.2, §8.3). A connection that sends the same
 * block again gets the same object back, so whoever interprets one may keep the result in `note`. */
export class HeaderBlock {
  readonly method: string | undefined;
  readonly scheme: string | undefined;
  readonly authority: string | undefined;
  readonly path: string | undefined;
  readonly status: string | undefined;
  readonly fields: readonly Header[];
  /** Why the block breaks the rules of HTTP/2, if it does: its stream is to be reset. */
  readonly malformed: string | undefined;
  note: unknown;

  constructor(headers: readonly Header[]) {
    const pseudo: Record<string, string> = {};
    let regular = 0;
    let malformed: string | undefined;
    while (regular < headers.length && isPseudo(headers[regular] as Header)) {
      const { name, value } = headers[regular++] as Header;
      if (name in pseudo) malformed = `${name} occurs twice`;
      if (!pseudoNames.has(name)) malformed = `${name} is unknown`;
      pseudo[name] = value;
    }
    this.fields = regular === 0 ? headers : headers.slice(regular);
    this.malformed = malformed ?? complaint(this.fields);
    this.method = pseudo[":method"];
    this.scheme = pseudo[":scheme"];
    this.authority = pseudo[":authority"];
    this.path = pseudo[":path"];
    this.status = pseudo[":status"];
  }

  /** The first value of a field, by its name in lower case. */
  get(name: string): string | undefined {
    for (const field of this.fields) if (field.name === name) return field.value;
    return undefined;
  }

  /** What is wrong with the block as the head of a request, if anything. */
  get malformedRequest(): string | undefined {
    if (this.malformed !== undefined) return this.malformed;
    if (this.status !== undefined) return "a request has no :status";
    if (this.method === undefined) return ":method is missing";
    if (this.method === "CONNECT") return undefined;
    if (this.scheme === undefined) return ":scheme is missing";
    return this.path === undefined || this.path === "" ? ":path is missing" : undefined;
  }
}

const pseudoNames = new Set([":method", ":scheme", ":authority", ":path", ":status"]);
/** They concern one HTTP/1.1 connection and have no place here (§8.2.2). */
const hopByHop = new Set(["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"]);

function isPseudo({ name }: Header): boolean {
  return name.charCodeAt(0) === 0x3a;
}

function complaint(fields: readonly Header[]): string | undefined {
  for (const { name, value } of fields) {
    if (name === "" || /[^\x21-\x39\x3b-\x40\x5b-\x7e]/.test(name))
      return `${JSON.stringify(name)} is not a field name`;
    if (/[\0\r\n]/.test(value)) return `the value of ${name} has a line break`;
    if (hopByHop.has(name)) return `${name} is of HTTP/1.1`;
    if (name === "te" && value !== "trailers") return `te is ${value}`;
  }
  return undefined;
}
