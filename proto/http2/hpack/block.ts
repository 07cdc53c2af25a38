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
      const { name, value, fault } = headers[regular++] as Header;
      if (fault !== undefined) malformed = fault;
      if (name in pseudo) malformed = `${name} occurs twice`;
      if (!pseudoNames.has(name)) malformed = `${name} is unknown`;
      pseudo[name] = value;
    }
    this.fields = regular === 0 ? headers : headers.slice(regular);
    this.malformed = malformed ?? faultAmong(this.fields);
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

function isPseudo({ name }: Header): boolean {
  return name.charCodeAt(0) === 0x3a;
}

function faultAmong(fields: readonly Header[]): string | undefined {
  for (const field of fields) {
    if (field.fault !== undefined) return field.fault;
    if (isPseudo(field)) return `${field.name} comes after other fields`;
  }
  return undefined;
}
