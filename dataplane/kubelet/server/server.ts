import { rmSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { type Clock, Failure, type Log } from "../../../base/mod.ts";
import type { Pod } from "../../../controlplane/api/mod.ts";
import { refuseUpgrade } from "../../../streaming/mod.ts";
import type { StatsAnswer } from "../stats/stats-paths.ts";
import { readLog } from "./log-reader.ts";
import { Refusal } from "./refusal.ts";
import type { Sessions } from "./sessions.ts";

/** Where the kubelet listens: any number of places at once. */
export type Listen =
  | { readonly host: string; readonly port: number }
  /** A listening socket somebody else has opened, e.g. a supervisor in another network namespace. */
  | { readonly fd: number }
  | { readonly path: string };

export interface ServerOptions {
  readonly listen: readonly Listen[];
  /** PEM. */
  readonly tls: { readonly cert: string | Buffer; readonly key: string | Buffer; readonly clientCa: string | Buffer };
  readonly clock: Clock;
  readonly log: Log;
  readonly pods: () => readonly Pod[];
  readonly sessions: Sessions;
  /** What /stats/summary and /metrics/… say; undefined: no such path. */
  readonly stats: (path: string) => Promise<StatsAnswer | undefined>;
  /** The log file of a container (of the instance before, with `previous`), or why there is none. */
  readonly containerLog: (
    namespace: string,
    pod: string,
    container: string,
    previous: boolean,
  ) => Promise<{ readonly path: string; readonly isRunning: () => Promise<boolean> } | Refusal>;
}

/** Groups whose members may read pods and logs. Other certificates of the cluster's CA, e.g. of nodes, may only ask for health. */
const administrators = "system:masters";

/** The kubelet's HTTPS door, for the API server. Every client shows a certificate of the cluster. */
export async function startServer(
  options: ServerOptions,
): Promise<{ port: number | undefined; stop(): Promise<void> }> {
  const { cert, key, clientCa } = options.tls;
  const servers: Server[] = [];
  /** Connections that left HTTP: they are no longer the servers' to close. */
  const sessions = new Set<Duplex>();
  let port: number | undefined;
  for (const place of options.listen) {
    const server = createServer(
      { cert, key, ca: clientCa, requestCert: true, rejectUnauthorized: true },
      (request, response) => {
        handle(options, request, response).catch((error: Error) => {
          options.log("error", "a request failed", { url: request.url, error: error.message });
          if (response.headersSent) response.destroy(error);
          else answer(response, 500, error.message);
        });
      },
    );
    server.on("upgrade", (request, socket, head) => {
      const upgrade = { request, socket, head };
      sessions.add(socket);
      socket.on("close", () => sessions.delete(socket));
      if (isAdministrator(socket as TLSSocket)) void options.sessions.serve(upgrade);
      else refuseUpgrade(upgrade, 403, forbidden(socket as TLSSocket));
    });
    if ("path" in place) rmSync(place.path, { force: true });
    await listen(server, place);
    const address = server.address();
    if (typeof address === "object" && address !== null) port ??= address.port;
    servers.push(server);
  }
  return {
    port,
    async stop() {
      for (const session of sessions) session.destroy();
      await Promise.all(
        servers.map((server) => {
          server.closeAllConnections();
          return new Promise<void>((resolve) => server.close(() => resolve()));
        }),
      );
    },
  };
}

function listen(server: Server, place: Listen): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", (error: NodeJS.ErrnoException) => {
    const where =
      "path" in place ? place.path : "fd" in place ? `descriptor ${place.fd}` : `${place.host}:${place.port}`;
    reject(
      new Failure(
        "KubeletCannotListen",
        `the kubelet cannot listen on ${where}: ${error.message}`,
        "Choose another address or port",
        error,
      ),
    );
  });
  server.listen(place, resolve);
  return promise;
}

async function handle(options: ServerOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", "https://kubelet.invalid");
  const parts = url.pathname.split("/").slice(1).map(decodeURIComponent);
  const [verb] = parts as [string, ...string[]];
  if (verb === "healthz") return answer(response, 200, "ok");
  if (!isAdministrator(request.socket as TLSSocket)) {
    return answer(response, 403, forbidden(request.socket as TLSSocket));
  }
  switch (verb) {
    case "pods": {
      const list = { kind: "PodList", apiVersion: "v1", metadata: {}, items: options.pods() };
      return answer(response, 200, JSON.stringify(list), "application/json");
    }
    case "containerLogs":
      return serveLog(options, parts, url.searchParams, request, response);
    case "exec":
    case "attach":
    case "portForward":
      return answer(response, 400, "Upgrade request required");
    case "run":
      return options.sessions.run(request, response);
    case "stats":
    case "metrics": {
      const found = await options.stats(url.pathname);
      if (found === undefined) return answer(response, 404, "404 page not found");
      return answer(response, 200, found.body, found.contentType);
    }
    case "runningpods": {
      const items = options.pods().filter(({ status }) => status?.phase === "Running");
      const list = { kind: "PodList", apiVersion: "v1", metadata: {}, items };
      return answer(response, 200, JSON.stringify(list), "application/json");
    }
    case "checkpoint":
    case "logs":
    case "configz":
      return answer(response, 501, `/${verb} is not supported by this kubelet`);
    default:
      return answer(response, 404, "404 page not found");
  }
}

async function serveLog(
  options: ServerOptions,
  parts: readonly string[],
  query: URLSearchParams,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [, namespace, pod, container] = parts;
  if (namespace === undefined || pod === undefined || container === undefined)
    return answer(response, 400, "/containerLogs/NAMESPACE/POD/CONTAINER");
  const asked = parseLogQuery(query, options.clock);
  if (asked instanceof Error) return answer(response, 400, asked.message);
  const source = await options.containerLog(namespace, pod, container, query.get("previous") === "true");
  if (source instanceof Refusal) return answer(response, source.status, source.message);
  const stop = new AbortController();
  response.on("close", () => stop.abort());
  request.resume();
  response.writeHead(200, { "content-type": "text/plain", "cache-control": "no-store" });
  response.flushHeaders();
  const { path, isRunning } = source;
  for await (const chunk of readLog(path, { ...asked, clock: options.clock, isRunning, signal: stop.signal })) {
    if (!response.write(chunk)) await drained(response);
    if (stop.signal.aborted) return;
  }
  response.end();
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    response.once("drain", resolve);
    response.once("close", resolve);
  });
}

function parseLogQuery(query: URLSearchParams, clock: Clock) {
  const numbers: Record<"tailLines" | "limitBytes" | "sinceSeconds", number | undefined> = {
    tailLines: undefined,
    limitBytes: undefined,
    sinceSeconds: undefined,
  };
  for (const name of ["tailLines", "limitBytes", "sinceSeconds"] as const) {
    const text = query.get(name);
    if (text === null) continue;
    if (!/^\d+$/.test(text)) return new Error(`Invalid value for ${name}: ${JSON.stringify(text)}`);
    numbers[name] = Number(text);
  }
  const sinceTime = query.get("sinceTime");
  const since = sinceTime === null ? undefined : Date.parse(sinceTime);
  if (since !== undefined && Number.isNaN(since))
    return new Error(`Invalid value for sinceTime: ${JSON.stringify(sinceTime)}`);
  const { tailLines, limitBytes, sinceSeconds } = numbers;
  return {
    follow: query.get("follow") === "true",
    timestamps: query.get("timestamps") === "true",
    tailLines,
    limitBytes,
    sinceMs: since ?? (sinceSeconds === undefined ? undefined : clock.now() - sinceSeconds * 1000),
  };
}

function isAdministrator(socket: TLSSocket): boolean {
  const organisations: unknown = socket.getPeerCertificate().subject?.O;
  return Array.isArray(organisations) ? organisations.includes(administrators) : organisations === administrators;
}

function forbidden(socket: TLSSocket): string {
  return `Forbidden (user=${userOf(socket)}, verb=get, resource=nodes, subresource=proxy)`;
}

function userOf(socket: TLSSocket): string {
  return String(socket.getPeerCertificate().subject?.CN ?? "");
}

function answer(response: ServerResponse, status: number, body: string, contentType = "text/plain"): void {
  response.writeHead(status, { "content-type": contentType });
  response.end(body);
}
