import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Failure } from "../../base/mod.ts";
import type { Failpoints } from "./failpoints.ts";

/** The environment's part: `GOFAIL_FAILPOINTS=name=terms;name=terms` sets, `GOFAIL_HTTP=host:port` serves. */
export async function failpointsOfEnvironment(
  failpoints: Failpoints,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<{ readonly port: number; stop(): void } | undefined> {
  const { GOFAIL_FAILPOINTS: settings = "", GOFAIL_HTTP: address = "" } = environment;
  // As the original: one that this program does not have is not worth failing for.
  for (const [name, terms] of assignments(settings)) failpoints.set(name, terms);
  if (address === "") return undefined;
  const server = await listen(failpoints, address);
  return { port: (server.address() as AddressInfo).port, stop: () => void server.close() };
}

async function listen(failpoints: Failpoints, address: string): Promise<Server> {
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon).replace(/^\[|\]$/g, "");
  const server = createServer((request, response) => {
    answer(failpoints, request, response).catch((error: Error) => reply(response, 400, error.message));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => {
      const why = `cannot serve failpoints at ${address}: ${error.message}`;
      reject(new Failure("FailpointsUnserved", why, "Give GOFAIL_HTTP a free host:port", error));
    });
    server.listen(Number(address.slice(colon + 1)), host === "" ? undefined : host, resolve);
  });
  server.unref();
  return server;
}

/** gofail's protocol: the path is the name; several at once are put to `/` or `/failpoints`. */
async function answer(failpoints: Failpoints, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const name = decodeURIComponent((request.url ?? "/").slice(1));
  switch (request.method) {
    case "PUT": {
      const body = (await bodyOf(request)).trim();
      const all: Iterable<readonly [string, string]> =
        name === "" || name === "failpoints" ? assignments(body) : [[name, body]];
      for (const [one, terms] of all) {
        if (!failpoints.set(one, terms)) return reply(response, 400, `fail to set failpoint: ${one}=${terms}`);
      }
      return reply(response, 204, "");
    }
    case "GET":
      return reply(response, ...shown(failpoints, name));
    case "DELETE":
      if (failpoints.clear(name)) return reply(response, 204, "");
      return reply(response, 400, `failed to delete failpoint ${name}: it is not set`);
    default:
      response.setHeader("allow", "DELETE, GET, PUT");
      return reply(response, 405, "Method not allowed");
  }
}

function shown(failpoints: Failpoints, name: string): [number, string] {
  const all = failpoints.list();
  if (name === "") return [200, all.map((one) => `${one.name}=${one.terms}\n`).join("")];
  const wantsCount = name.endsWith("/count");
  const found = all.find((one) => one.name === (wantsCount ? name.slice(0, -"/count".length) : name));
  if (found === undefined || found.terms === "") return [404, `failed to GET: ${name} is not set`];
  return [200, wantsCount ? String(found.count) : `${found.terms}\n`];
}

/** `name=terms`, one a line or behind a semicolon. */
function* assignments(text: string): Generator<readonly [string, string]> {
  for (const part of text.split(/[;\n]/)) {
    const equals = part.indexOf("=");
    if (equals > 0) yield [part.slice(0, equals).trim(), part.slice(equals + 1).trim()];
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function reply(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" });
  response.end(text === "" || status === 200 ? text : `${text}\n`);
}
