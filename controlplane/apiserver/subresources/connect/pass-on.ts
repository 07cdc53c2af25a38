import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest, type RequestOptions } from "node:https";
import type { Duplex, Readable } from "node:stream";
import { connect as connectTls } from "node:tls";
import { assert } from "../../../../base/mod.ts";
import { StatusError, status } from "../../../api/mod.ts";
import type { Call } from "../../http/call.ts";
import type { Reply } from "../../http/reply.ts";
import type { ClusterDialer } from "./cluster-dialer.ts";
import type { Location } from "./locations.ts";
import { headersToPass, passAnswer, passUpgrade } from "./pass-upgrade.ts";

/** Passes a request on to an address of the cluster, and the answer back. */
export async function passOn(call: Call, location: Location, dialer: ClusterDialer): Promise<Reply> {
  const { scheme, address, port } = location;
  const host = `${address}:${port}`;
  if (restOf(call) === undefined) return toDirectory(call);
  let socket: Duplex;
  try {
    socket = await dialer.dial(location, call.signal);
  } catch (error) {
    throw new StatusError(status.serviceUnavailable(`error trying to reach service: ${(error as Error).message}`));
  }
  socket.on("error", () => socket.destroy()); // the request on it tells
  // Nobody can say which authority such a server's certificate should be of.
  const connection = scheme === "https" ? connectTls({ socket, rejectUnauthorized: false }) : socket;
  return passTo(call, { createConnection: () => connection as never, secure: false }, host, scheme);
}

/** The same on a connection of the given options. */
export async function passTo(
  call: Call,
  target: RequestOptions & { readonly secure: boolean },
  host: string,
  scheme = "https",
): Promise<Reply> {
  const rest = restOf(call);
  if (rest === undefined) return toDirectory(call);
  const { connection } = call;
  assert(connection !== undefined, "what is passed on came on a connection");
  const { request, upgrade } = connection;
  const search = (request.url ?? "").split("?").slice(1).join("?");
  const path = search === "" ? rest : `${rest}?${search}`;
  const headers = {
    ...headersToPass(request.headers),
    host,
    "x-forwarded-uri": call.info.path,
    "x-forwarded-host": String(request.headers.host ?? request.headers[":authority"] ?? ""),
    "x-forwarded-proto": "https",
  };
  if (upgrade !== undefined) return passUpgrade(call, { ...target, path, headers });
  const { secure, ...options } = target;
  const answer = await ask(
    request,
    (secure ? httpsRequest : httpRequest)({ ...options, path, headers, method: request.method, signal: call.signal }),
  );
  const reply = passAnswer(answer);
  assert(reply.kind === "passed", "an answer in HTTP is passed on as one");
  const { location } = reply.headers;
  if (typeof location !== "string") return reply;
  return { ...reply, headers: { ...reply.headers, location: rewrite(location, call, `${scheme}://${host}`, rest) } };
}

function ask(from: Readable, request: ReturnType<typeof httpRequest>): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  request.on("response", resolve);
  request.on("error", (error) => {
    // Who does not want the rest of a body has most likely said why before.
    reject(new StatusError(status.serviceUnavailable(`error trying to reach service: ${error.message}`)));
  });
  from.pipe(request);
  from.on("aborted", () => request.destroy());
  return promise;
}

const proxyPath = /^(\/api\/v1\/(?:namespaces\/[^/]+\/)?[a-z]+\/[^/]+\/proxy)(\/.*)?$/;

/** What follows `proxy` in the path, as the client wrote it; undefined: the client asks for a page, and forgot the slash behind `proxy`. */
function restOf({ info, connection }: Call): string | undefined {
  const isPage = connection?.request.method === "GET" || connection?.request.method === "HEAD";
  return proxyPath.exec(info.path)?.[2] ?? (isPage ? undefined : "/");
}

/** Links in what is answered are relative to a directory, so the client is sent to one. */
function toDirectory(call: Call): Reply {
  const [, search] = (call.connection?.request.url ?? "").split("?", 2);
  const location = `${call.info.path}/${search === undefined ? "" : `?${search}`}`;
  return { kind: "body", code: 301, contentType: "text/plain", body: "", headers: { Location: location } };
}

/** A redirection to the server itself leads through the proxy again; to others it leads away. */
function rewrite(location: string, call: Call, origin: string, rest: string): string {
  const prefix = proxyPath.exec(call.info.path)?.[1] ?? "";
  const url = new URL(location, `${origin}${rest}`);
  if (url.origin !== new URL(origin).origin) return location;
  return `${prefix}${url.pathname}${url.search}${url.hash}`;
}
