import type { IncomingMessage, ServerResponse } from "node:http";
import { peerOf } from "../grpc/mod.ts";
import { reply } from "./reply.ts";

export interface AccessOptions {
  /** Origins whose pages may ask; empty, or with "*": all. */
  readonly cors?: readonly string[];
  /** Names by which clients without TLS may call this server; empty, or with "*": all. */
  readonly hostWhitelist?: readonly string[];
}

/** Whether a request over HTTP may go on. If not, it has been answered. */
export function admit(options: AccessOptions, request: IncomingMessage, response: ServerResponse): boolean {
  if (!hostAllowed(options, request)) {
    reply(response, 421, rebinding(hostOf(request)));
    return false;
  }
  const { cors } = options;
  const { origin = "" } = request.headers;
  if (allows(cors, "*")) allow(response, "*");
  else if (allows(cors, origin)) allow(response, origin);
  if (request.method !== "OPTIONS") return true;
  response.writeHead(200).end();
  return false;
}

/** With TLS the certificate says who is called. */
export function hostAllowed({ hostWhitelist }: AccessOptions, request: IncomingMessage): boolean {
  return peerOf(request.socket).encrypted || allows(hostWhitelist, hostOf(request));
}

function allow(response: ServerResponse, origin: string): void {
  response.setHeader("access-control-allow-methods", "POST, GET, OPTIONS, PUT, DELETE");
  response.setHeader("access-control-allow-origin", origin);
  response.setHeader("access-control-allow-headers", "accept, content-type, authorization");
}

function allows(list: readonly string[] | undefined, value: string): boolean {
  return list === undefined || list.length === 0 || list.includes("*") || list.includes(value);
}

/** Without the port; brackets of an IPv6 address go too. */
function hostOf({ headers: { host = "" } }: IncomingMessage): string {
  const match = /^\[([^\]]*)\](?::\d*)?$/.exec(host) ?? /^([^:]*)(?::\d*)?$/.exec(host);
  return match?.[1] ?? host;
}

/** A page in a browser can make its own name point to this machine (CVE-2018-5702): the name it uses gives it away. */
function rebinding(host: string): string {
  return `
etcd received your request, but the Host header was unrecognized.

To fix this, choose one of the following options:
- Enable TLS, then any HTTPS request will be allowed.
- Add the hostname you want to use to the whitelist in settings.
  - e.g. etcd --host-whitelist ${JSON.stringify(host)}

This requirement has been added to help prevent "DNS Rebinding" attacks (CVE-2018-5702).

`;
}
