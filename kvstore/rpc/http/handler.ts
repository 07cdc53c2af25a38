import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Member } from "../../server/member.ts";
import type { Gateway } from "../gateway/gateway.ts";
import { peerOf } from "../grpc/mod.ts";
import { storageVersion } from "../maintenance.ts";
import { type AccessOptions, admit, hostAllowed } from "./access.ts";
import { debugVars } from "./debug-vars.ts";
import type { Health } from "./health.ts";
import { serveProfile } from "./profiles.ts";
import { isGet, notFound, reply } from "./reply.ts";

export interface HttpParts {
  readonly member: Member;
  readonly health: Health;
  /** All metrics, in Prometheus' text format. */
  readonly metrics: () => string;
  readonly access: AccessOptions;
  /** Absent: the JSON API is switched off. */
  readonly gateway: Gateway | undefined;
  readonly profiles: boolean;
}

type Answer = (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<void> | void;

/** What plain HTTP answers on the client port. */
export function clientHttp(parts: HttpParts): RequestListener {
  const { member, gateway, access, profiles } = parts;
  return guarded(member, async (request, response, url) => {
    if (!admit(access, request, response)) return;
    if (gateway?.serves(url.pathname)) {
      if (isNamedInVain(member, request)) reply(response, 400, namedInVain);
      else gateway.answer(request, response, url.pathname);
      return;
    }
    if (profiles && (await serveProfile(url, response))) return;
    if (url.pathname === "/version") {
      if (isGet(request.method, response)) reply(response, 200, versions(member), "application/json");
    } else if (url.pathname === "/downgrade/enabled") {
      if (isGet(request.method, response)) await downgradeEnabled(member, response);
    } else if (url.pathname === "/debug/vars") {
      if (isGet(request.method, response)) reply(response, 200, debugVars(member), "application/json; charset=utf-8");
    } else return monitor(parts, request, response, url);
  });
}

/** Where certificates say who calls, a client would take it for granted that its own does; through the gateway none does. */
function isNamedInVain({ auth }: Member, { socket }: IncomingMessage): boolean {
  return auth.certificatesName && (peerOf(socket).certificate?.commonName ?? "") !== "";
}

const namedInVain = "CommonName of client sending a request against gateway will be ignored and not used as expected\n";

/** What the URLs for monitoring answer: metrics and health, and nothing that concerns data. */
export function metricsHttp(parts: HttpParts): RequestListener {
  return guarded(parts.member, (request, response, url) => monitor(parts, request, response, url));
}

export type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** WebSockets, which are streams of the gateway. */
export function clientUpgrade({ access, gateway }: HttpParts): Upgrade {
  return (request, socket, head) => {
    const { pathname } = urlOf(request);
    if (!hostAllowed(access, request)) socket.end("HTTP/1.1 421 Misdirected Request\r\nconnection: close\r\n\r\n");
    else if (!gateway?.serves(pathname) || !gateway.upgrade(request, socket, head, pathname)) {
      socket.end("HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n");
    }
  };
}

function monitor({ metrics, health }: HttpParts, ...[request, response, url]: Parameters<Answer>): ReturnType<Answer> {
  if (url.pathname === "/metrics") {
    return reply(response, 200, metrics(), "text/plain; version=0.0.4; charset=utf-8");
  }
  return health.answer(request, response, url) ?? notFound(response);
}

function guarded(member: Member, answer: Answer): RequestListener {
  const failed = (request: IncomingMessage, response: ServerResponse, error: unknown) => {
    const peer = peerOf(request.socket).address;
    member.log("warn", "cannot answer over HTTP", { peer, path: request.url, error: String(error) });
    response.destroy();
  };
  return async (request, response) => {
    try {
      await answer(request, response, urlOf(request));
    } catch (error) {
      failed(request, response, error);
    }
  };
}

function urlOf({ url }: IncomingMessage): URL {
  return new URL(url ?? "/", "http://member");
}

/** Whether members may be restarted with a lower version, as all of the cluster knows it by now. etcd has this at its peer URLs. */
async function downgradeEnabled(member: Member, response: ServerResponse): Promise<void> {
  const failure = await new Promise<string | undefined>((resolve) => member.linearizable(resolve));
  if (failure === undefined) reply(response, 200, String(member.membership.downgrade.enabled), "text/plain");
  else reply(response, 500, `failed linearized read: ${failure}\n`);
}

function versions(member: Member): string {
  return JSON.stringify({
    etcdserver: member.version,
    etcdcluster: member.membership.version ?? "not_decided",
    storage: storageVersion(member),
  });
}
