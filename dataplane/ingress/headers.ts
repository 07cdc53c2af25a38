import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";

/** Of one connection and not of the message (RFC 9110 §7.6.1), with what proxies of old added to the list. */
const hopByHop = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
]);

const none: ReadonlySet<string> = new Set();

function namedBy(connection: string | undefined): ReadonlySet<string> {
  // What nearly every message says; both are of the connection anyway.
  if (connection === undefined || connection === "keep-alive" || connection === "close") return none;
  return new Set(connection.split(",").map((name) => name.trim().toLowerCase()));
}

/** What goes on to the other side: without the connection's own headers, those that `Connection` names, and HTTP/2's pseudo headers. */
export function endToEnd(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  const named = namedBy(headers.connection);
  const kept: OutgoingHttpHeaders = {};
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined && name[0] !== ":" && !hopByHop.has(name) && !named.has(name)) kept[name] = value;
  }
  return kept;
}

export interface Origin {
  readonly address: string;
  readonly proto: "http" | "https";
  /** As the client wrote it, with its port. */
  readonly authority: string;
}

/** A request's headers for an endpoint. Where it came from is appended to what the client says of it; how and whereto is replaced. */
export function forwardedHeaders(headers: IncomingHttpHeaders, origin: Origin): OutgoingHttpHeaders {
  const kept = endToEnd(headers);
  // Answered here: the server behind gets the body at once.
  delete kept.expect;
  kept.host = origin.authority;
  const before = headers["x-forwarded-for"];
  kept["x-forwarded-for"] = before === undefined ? origin.address : `${before}, ${origin.address}`;
  kept["x-forwarded-proto"] = origin.proto;
  kept["x-forwarded-host"] = origin.authority;
  return kept;
}
