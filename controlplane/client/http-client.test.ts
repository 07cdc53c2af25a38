import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import * as http from "node:http";
import * as http2 from "node:http2";
import * as https from "node:https";
import type { AddressInfo, Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { ApiError } from "./api-error.ts";
import { HttpClient } from "./http-client.ts";
import { type Connection, loadKubeconfig } from "./kubeconfig.ts";
import { lines } from "./lines.ts";
import { type Pair, selfSigned } from "./tls.testing.ts";
import { TransportError } from "./transport.ts";

let server: Pair;
let user: Pair;
const cleanUp: (() => unknown)[] = [];

beforeAll(async () => {
  [server, user] = await Promise.all([selfSigned("server"), selfSigned("alice")]);
});

afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

function listen(listener: Server, on: { port?: number; path?: string } = { port: 0 }): Promise<number> {
  return new Promise((resolve) => {
    listener.listen({ host: "path" in on ? undefined : "127.0.0.1", ...on }, () => {
      cleanUp.push(() => listener.close());
      resolve((listener.address() as AddressInfo).port ?? 0);
    });
  });
}

type Handler = (request: http2.Http2ServerRequest, response: http2.Http2ServerResponse) => void;

/** An HTTP/2 server that asks for a client certificate; counts its connections. */
async function serve(handler: Handler, on?: { path: string }) {
  const listener = http2.createSecureServer(
    { ...server, requestCert: true, rejectUnauthorized: false, ca: user.cert },
    handler,
  );
  const state = { sessions: new Set<http2.ServerHttp2Session>(), connections: 0 };
  listener.on("session", (session) => {
    state.connections++;
    state.sessions.add(session);
    session.once("close", () => state.sessions.delete(session));
  });
  cleanUp.push(() => {
    for (const session of state.sessions) session.destroy();
  });
  const port = await listen(listener, on);
  return { state, connect: (more: Partial<Connection> = {}) => connectTo(`https://127.0.0.1:${port || 6443}`, more) };
}

function connectTo(url: string, more: Partial<Connection> = {}): HttpClient {
  const client = new HttpClient({ server: url, ca: server.cert, cert: user.cert, key: user.key, ...more });
  cleanUp.push(() => client.close());
  return client;
}

interface Answer {
  writeHead(code: number, headers: Record<string, string>): unknown;
  end(text: string): unknown;
}

function json(response: Answer, code: number, value: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(code, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(value));
}

const whoAmI: Handler = (request, response) => {
  const name = (request.socket as TLSSocket).getPeerCertificate().subject?.CN;
  json(response, 200, { name, token: request.headers.authorization });
};

test("we are known by our certificate or token, the server by its authority", async () => {
  const { connect } = await serve(whoAmI);
  expect(await connect().json("GET", "/")).toEqual({ name: "alice" });
  const bearer = connect({ cert: undefined, key: undefined, token: "secret" });
  expect(await bearer.json("GET", "/")).toEqual({ token: "Bearer secret" });
  await expect(connect({ ca: user.cert }).json("POST", "/")).rejects.toMatchObject({ sent: false });
});

test("through a unix socket the certificate is still checked against the URL's host", async () => {
  const folder = mkdtempSync(join(tmpdir(), "client-test-"));
  cleanUp.push(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "api.sock");
  const { connect } = await serve(whoAmI, { path });
  expect(await connect({ socketPath: path }).json("GET", "/")).toEqual({ name: "alice" });
  const misnamed = connect({ socketPath: path, serverName: "elsewhere.example" });
  await expect(misnamed.json("POST", "/")).rejects.toBeInstanceOf(TransportError);
});

test("many requests and open watches share one connection", async () => {
  const { state, connect } = await serve((request, response) => {
    if (!request.url.startsWith("/watch")) {
      json(response, 200, { path: request.url });
      return;
    }
    response.writeHead(200);
    response.write('{"n":1}\n');
  });
  const client = connect();
  const aborter = new AbortController();
  const watches = await Promise.all(
    Array.from({ length: 20 }, () => client.stream("GET", "/watch", { signal: aborter.signal })),
  );
  const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => client.json("GET", `/${i}`)));
  expect(answers).toHaveLength(50);
  expect(state.connections).toBe(1);
  const [first] = watches;
  const seen: string[] = [];
  const reading = (async () => {
    for await (const line of lines((first as NonNullable<typeof first>).body)) {
      seen.push(line);
      aborter.abort(new Error("enough"));
    }
  })();
  await expect(reading).rejects.toThrow("enough");
  expect(seen).toEqual(['{"n":1}']);
});

test("more watches than one connection carries open a second one", async () => {
  const { state, connect } = await serve((_, response) => {
    response.writeHead(200);
    response.write("\n");
  });
  const client = connect();
  await Promise.all(Array.from({ length: 120 }, () => client.stream("GET", "/watch")));
  expect(state.connections).toBe(2);
});

test("a body that has arrived as a whole before anybody reads it is read as a whole", async () => {
  const closed: Promise<void>[] = [];
  const { connect } = await serve((request, response) => {
    closed.push(new Promise((resolve) => request.stream.once("close", resolve)));
    json(response, 200, { text: "x".repeat(100_000) });
  });
  const client = connect();
  const response = await client.stream("GET", "/");
  await Promise.all(closed);
  // Another exchange on the same connection: all that was sent before it has arrived.
  await client.json("GET", "/");
  let read = 0;
  for await (const chunk of response.body) read += chunk.length;
  expect(read).toBe(100_011);
});

describe("a failure", () => {
  test("is the Status that the server sent, or one made from what it sent", async () => {
    const { connect } = await serve((request, response) => {
      if (request.url === "/text") {
        response.writeHead(502);
        response.end("bad gateway");
      } else json(response, 404, { kind: "Status", code: 404, reason: "NotFound", message: 'pods "a" not found' });
    });
    const client = connect();
    await expect(client.json("GET", "/")).rejects.toMatchObject({ code: 404, reason: "NotFound" });
    await expect(client.json("GET", "/text")).rejects.toMatchObject({ code: 502, message: "bad gateway" });
  });

  test("that names a time to come back is tried again then", async () => {
    let asked = 0;
    const { connect } = await serve((_, response) => {
      if (++asked < 3)
        json(response, 429, { kind: "Status", code: 429, reason: "TooManyRequests" }, { "retry-after": "0" });
      else json(response, 200, { asked });
    });
    expect(await connect().json("POST", "/")).toEqual({ asked: 3 });
  });

  test("of the connection while a write is under way is not tried again: the server may have done it", async () => {
    let asked = 0;
    const { connect } = await serve((request) => {
      asked++;
      request.stream.session?.destroy();
    });
    await expect(connect().json("POST", "/", { body: {} })).rejects.toMatchObject({ sent: true });
    expect(asked).toBe(1);
  });

  test("of the connection while reading is tried again", async () => {
    let asked = 0;
    const { connect } = await serve((request, response) => {
      if (++asked === 1) request.stream.session?.destroy();
      else json(response, 200, { asked });
    });
    expect(await connect().json("GET", "/")).toEqual({ asked: 2 });
  });

  test("nobody listening: tried again until somebody does", async () => {
    const probe = http.createServer();
    const port = await listen(probe);
    await new Promise((resolve) => probe.close(resolve));
    const answer = connectTo(`https://127.0.0.1:${port}`).json("POST", "/", { body: {} });
    const late = http2.createSecureServer(server, (_, response) => json(response, 200, { late: true }));
    const sessions = new Set<http2.ServerHttp2Session>();
    late.on("session", (session) => sessions.add(session));
    cleanUp.push(() => {
      for (const session of sessions) session.destroy();
    });
    await listen(late, { port });
    expect(await answer).toEqual({ late: true });
  });

  test("no answer in time", async () => {
    const { connect } = await serve(() => undefined);
    const asking = connect().json("GET", "/", { timeoutMs: 50 });
    await expect(asking).rejects.toMatchObject({ code: "ETIMEDOUT" });
  });
});

test("a server that lost us is dialled anew", async () => {
  const { state, connect } = await serve((_, response) => json(response, 200, {}));
  const client = connect();
  await client.json("GET", "/");
  for (const session of state.sessions) session.destroy();
  await client.json("GET", "/");
  expect(state.connections).toBe(2);
});

test("servers that speak HTTP/1.1 only, with and without TLS, are spoken to in it", async () => {
  const handler = (request: http.IncomingMessage, response: http.ServerResponse) =>
    json(response, 200, { version: request.httpVersion });
  const secure = https.createServer(server, handler);
  const plain = http.createServer(handler);
  cleanUp.push(() => secure.closeAllConnections());
  cleanUp.push(() => plain.closeAllConnections());
  const [securePort, plainPort] = await Promise.all([listen(secure), listen(plain)]);
  expect(await connectTo(`https://127.0.0.1:${securePort}`).json("GET", "/")).toEqual({ version: "1.1" });
  expect(await connectTo(`http://127.0.0.1:${plainPort}`).json("GET", "/")).toEqual({ version: "1.1" });
});

describe("a kubeconfig", () => {
  function write(text: string): string {
    const folder = mkdtempSync(join(tmpdir(), "client-test-"));
    cleanUp.push(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, "ca.pem"), "CA");
    writeFileSync(join(folder, "config"), text);
    return join(folder, "config");
  }
  const config = (userFields: string) => `
apiVersion: v1
kind: Config
current-context: here
contexts: [{ name: here, context: { cluster: c, user: u, namespace: team } }]
clusters: [{ name: c, cluster: { server: "https://127.0.0.1:6443", certificate-authority: ca.pem } }]
users: [{ name: u, user: ${userFields} }]
`;

  test("names server, authority, identity and namespace, inline or in files beside it", async () => {
    const data = Buffer.from("CERT").toString("base64");
    const connection = await loadKubeconfig(write(config(`{ client-certificate-data: ${data}, token: t }`)));
    expect(connection).toMatchObject({ server: "https://127.0.0.1:6443", token: "t", namespace: "team" });
    expect(Buffer.from(connection.ca as Uint8Array).toString()).toBe("CA");
    expect(Buffer.from(connection.cert as Uint8Array).toString()).toBe("CERT");
  });

  test("that cannot be used says why, with a stable code", async () => {
    await expect(loadKubeconfig("/nowhere")).rejects.toMatchObject({ code: "KubeconfigNotFound" });
    await expect(loadKubeconfig(write("[1, 2"))).rejects.toMatchObject({ code: "InvalidKubeconfig" });
    await expect(loadKubeconfig(write(config("{}")), { context: "other" })).rejects.toThrow('no context named "other"');
    await expect(loadKubeconfig(write(config("{ exec: {} }")))).rejects.toThrow("not supported");
    await expect(loadKubeconfig(write(config("{ client-key: gone.pem }")))).rejects.toMatchObject({
      code: "UnreadableCredential",
    });
  });
});

test("an ApiError shows what kubectl would show", () => {
  const error = new ApiError({ metadata: {}, code: 409, reason: "Conflict", message: "changed" });
  expect(error.message).toBe("changed");
});
