import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Container, HTTPGetAction } from "../../../controlplane/api/mod.ts";

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

const maxBodyBytes = 10 * 1024;
const maxRedirects = 10;

/** A port by number or by a container's name for it. Throws when there is none of that name. */
export function resolvePort(port: number | string, container: Container): number {
  if (typeof port === "number") return port;
  const named = container.ports?.find(({ name }) => name === port);
  if (named !== undefined) return named.containerPort;
  if (/^\d+$/.test(port)) return Number(port);
  throw new Error(`couldn't find port: ${JSON.stringify(port)} in container ${container.name}`);
}

export function urlOf(action: HTTPGetAction, container: Container, podIP: string): URL {
  const host = action.host === undefined || action.host === "" ? podIP : action.host;
  const scheme = (action.scheme ?? "HTTP").toLowerCase();
  const path = action.path === undefined || action.path === "" ? "/" : action.path;
  const authority = `${host.includes(":") ? `[${host}]` : host}:${resolvePort(action.port, container)}`;
  return new URL(`${scheme}://${authority}${path.startsWith("/") ? path : `/${path}`}`);
}

/** GET as the kubelet does it: certificates are not checked, redirects are followed on the same host. Rejects with the original's wording. */
export async function httpGet(url: URL, action: HTTPGetAction, timeoutMs: number): Promise<HttpAnswer> {
  const headers: Record<string, string> = { "user-agent": "kube-probe/1.33", accept: "*/*", connection: "close" };
  for (const { name, value } of action.httpHeaders ?? []) headers[name.toLowerCase()] = value;
  const deadline = AbortSignal.timeout(timeoutMs);
  for (let target = url, redirects = 0; ; redirects++) {
    const { location, ...answer } = await once(target, headers, deadline);
    if (location === undefined) return answer;
    const next = new URL(location, target);
    // Elsewhere is somebody else's health: the redirect itself is the answer.
    if (next.hostname !== url.hostname)
      return { status: answer.status, body: `Probe terminated redirects, Response body: ${answer.body}` };
    if (redirects === maxRedirects) throw new Error(`Get "${url}": stopped after ${maxRedirects} redirects`);
    target = next;
  }
}

function once(
  url: URL,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<HttpAnswer & { location: string | undefined }> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer & { location: string | undefined }>();
  const send = url.protocol === "https:" ? httpsRequest : httpRequest;
  const outgoing = send(url, { headers, signal, agent: false, rejectUnauthorized: false }, (response) => {
    const chunks: Buffer[] = [];
    let size = 0;
    response.on("data", (chunk: Buffer) => {
      if (size < maxBodyBytes) chunks.push(chunk.subarray(0, maxBodyBytes - size));
      size += chunk.length;
    });
    response.on("error", fail);
    response.on("end", () => {
      const status = response.statusCode ?? 0;
      const location = status >= 300 && status < 400 ? response.headers.location : undefined;
      resolve({ status, body: Buffer.concat(chunks).toString("utf8"), location });
    });
  });
  function fail(error: Error): void {
    reject(new Error(`Get "${url}": ${describe(error, url)}`, { cause: error }));
  }
  outgoing.on("error", fail);
  outgoing.end();
  return promise;
}

function describe(error: Error, url: URL): string {
  const port = url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port;
  if (error.name === "AbortError" || error.name === "TimeoutError") {
    return "context deadline exceeded (Client.Timeout exceeded while awaiting headers)";
  }
  return dialError(error, url.hostname, Number(port));
}

/** A failed connection in Go's words. */
export function dialError(error: Error, host: string, port: number): string {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  const reasons: Readonly<Record<string, string>> = {
    ECONNREFUSED: "connect: connection refused",
    EHOSTUNREACH: "connect: no route to host",
    ENETUNREACH: "connect: network is unreachable",
    ETIMEDOUT: "i/o timeout",
  };
  if (code === "ECONNRESET") return "EOF";
  const reason = reasons[code];
  return reason === undefined ? error.message : `dial tcp ${host}:${port}: ${reason}`;
}
