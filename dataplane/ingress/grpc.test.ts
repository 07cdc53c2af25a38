import { connect, constants, createServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import {
  Client,
  credentials,
  type Metadata,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FakeApiServer } from "../../controlplane/client/fake.testing.ts";
import { systemClock } from "../../controlplane/client/mod.ts";
import { selfSigned } from "../../controlplane/client/tls.testing.ts";
import { startIngress } from "./mod.ts";

const bytes = { serialize: (it: Buffer) => it, deserialize: (it: Buffer) => it };
const method = (name: string, requestStream: boolean, responseStream: boolean) => ({
  ...{ path: `/shop.Echo/${name}`, requestStream, responseStream },
  ...{ requestSerialize: bytes.serialize, requestDeserialize: bytes.deserialize },
  ...{ responseSerialize: bytes.serialize, responseDeserialize: bytes.deserialize },
});
const echo = { unary: method("Unary", false, false), chat: method("Chat", true, true) } satisfies ServiceDefinition;

const cleanups: (() => Promise<unknown> | unknown)[] = [];
let client: Client;
/** One without TLS. */
let plain: Client;
let cancelled: Promise<void>;

/** Connections that the server got, as seen by what stands before it. */
const connections = new Set<ServerHttp2Session>();
/** How many of the next streams are refused there. */
let refuse = 0;

/** Stands before a server of HTTP/2, and can say goodbye and refuse as it could. Resolves with its port. */
async function before(port: number): Promise<number> {
  const session = connect(`http://127.0.0.1:${port}`);
  const server = createServer();
  server.on("session", (it) => connections.add(it.once("close", () => connections.delete(it))));
  server.on("stream", (stream, headers) => {
    stream.on("error", () => undefined); // the other side hears of it
    if (refuse > 0) {
      refuse--;
      stream.close(constants.NGHTTP2_REFUSED_STREAM);
      return;
    }
    const onward = session.request(headers, { endStream: false });
    stream.on("aborted", () => onward.close(constants.NGHTTP2_CANCEL));
    onward.on("error", () => undefined);
    onward.on("response", (answer, flags) => {
      if ((flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0) stream.respond(answer, { endStream: true });
      else {
        stream.respond(answer, { waitForTrailers: true });
        let trailers = {};
        onward.on("trailers", (given) => {
          trailers = given;
        });
        stream.on("wantTrailers", () => stream.sendTrailers(trailers));
        onward.pipe(stream);
      }
    });
    stream.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => {
    session.destroy();
    server.close();
    for (const it of connections) it.destroy();
  });
  return (server.address() as AddressInfo).port;
}

/** A server of gRPC without TLS behind a Service, and a client of gRPC that comes through the Ingress. */
beforeEach(async () => {
  const server = new Server();
  const told = Promise.withResolvers<void>();
  cancelled = told.promise;
  server.addService(echo, {
    unary: (call: { request: Buffer; metadata: Metadata }, done: (error: unknown, value?: Buffer) => void) => {
      if (call.request.length === 0) done({ code: status.FAILED_PRECONDITION, details: "nothing said" });
      else done(null, Buffer.concat([call.request, Buffer.from(` for ${call.metadata.get("x-forwarded-host")[0]}`)]));
    },
    chat: (call: NodeJS.ReadWriteStream & { on(event: "cancelled", then: () => void): void }) => {
      call.on("cancelled", told.resolve);
      call.on("data", (message: Buffer) => call.write(message));
      call.on("end", () => call.end());
    },
  } as never);
  const grpcPort = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  cleanups.push(() => server.forceShutdown());
  const port = await before(grpcPort);

  const api = new FakeApiServer(systemClock).client();
  const metadata = { name: "echo", namespace: "shop" };
  await api.services.create({
    ...{ apiVersion: "v1", kind: "Service", metadata },
    spec: { ports: [{ port: 80, protocol: "TCP", appProtocol: "kubernetes.io/h2c" }] },
  });
  await api.endpointSlices.create({
    ...{ apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", addressType: "IPv4" },
    metadata: { ...metadata, labels: { "kubernetes.io/service-name": "echo" } },
    endpoints: [{ addresses: ["127.0.0.1"], conditions: { ready: true } }],
    ports: [{ name: "", port, protocol: "TCP" }],
  });
  await api
    .resource({ group: "networking.k8s.io", version: "v1", plural: "ingresses", kind: "Ingress", namespaced: true })
    .create({
      ...{ apiVersion: "networking.k8s.io/v1", kind: "Ingress", metadata },
      spec: {
        tls: [{ hosts: ["echo.example.com"], secretName: "echo" }],
        defaultBackend: { service: { name: "echo", port: { number: 80 } } },
      },
    } as never);
  const { cert, key } = await selfSigned("echo.example.com");
  const base64 = (pem: string) => Buffer.from(pem).toString("base64");
  await api.secrets.create({
    ...{ apiVersion: "v1", kind: "Secret", type: "kubernetes.io/tls", metadata },
    data: { "tls.crt": base64(cert), "tls.key": base64(key) },
  });
  const ingress = await startIngress({
    ...{ client: api, log: () => undefined, statusAddress: "127.0.0.1", graceMs: 0 },
    ...{ http: [{ host: "127.0.0.1", port: 0 }], https: [{ host: "127.0.0.1", port: 0 }] },
  });
  cleanups.push(() => ingress.stop());
  client = new Client(
    `127.0.0.1:${ingress.httpsPorts[0]}`,
    credentials.createSsl(Buffer.from(cert), null, null, { checkServerIdentity: () => undefined }),
    { "grpc.ssl_target_name_override": "echo.example.com", "grpc.default_authority": "echo.example.com" },
  );
  cleanups.push(() => client.close());
  plain = new Client(`127.0.0.1:${ingress.httpPorts[0]}`, credentials.createInsecure(), {
    "grpc.default_authority": "plain.example.com",
  });
  cleanups.push(() => plain.close());
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function unary(message: string, by = client): Promise<string> {
  const { path, requestSerialize, responseDeserialize } = echo.unary;
  return new Promise((resolve, reject) =>
    by.makeUnaryRequest(path, requestSerialize, responseDeserialize, Buffer.from(message), (error, value) =>
      error === null ? resolve(String(value)) : reject(error),
    ),
  );
}

const chat = () =>
  client.makeBidiStreamRequest(echo.chat.path, echo.chat.requestSerialize, echo.chat.responseDeserialize);

describe("a gRPC client reaches a gRPC server through an Ingress", () => {
  it("with a call and its answer", async () => {
    expect(await unary("hello")).toBe("hello for echo.example.com");
    expect(await unary("hello", plain)).toBe("hello for plain.example.com");
  });

  it("which may say no, with a code and a reason", async () => {
    const error = (await unary("").catch((it) => it)) as ServiceError;
    expect([error.code, error.details]).toEqual([status.FAILED_PRECONDITION, "nothing said"]);
    const { path, requestSerialize, responseDeserialize } = echo.unary;
    const unknown = await new Promise<ServiceError | null>((resolve) =>
      client.makeUnaryRequest(`${path}s`, requestSerialize, responseDeserialize, Buffer.from("x"), resolve),
    );
    expect(unknown?.code).toBe(status.UNIMPLEMENTED);
  });

  it("with a stream each way, at the same time", async () => {
    const call = chat();
    const answers = call[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    for (const word of ["one", "two", "three"]) {
      call.write(Buffer.from(word));
      expect(String((await answers.next()).value)).toBe(word);
    }
    call.end();
    expect((await answers.next()).done).toBe(true);
  });

  it("whose connection says goodbye between calls, and whose streams are refused, without noticing", async () => {
    expect(await unary("before")).toBe("before for echo.example.com");
    for (const connection of connections) connection.goaway();
    expect(await unary("after")).toBe("after for echo.example.com");
    refuse = 2;
    expect(await unary("again")).toBe("again for echo.example.com");
    expect(refuse).toBe(0);
  });

  it("which hears when the client gives up", async () => {
    const call = chat();
    call.on("error", () => undefined);
    call.write(Buffer.from("hello"));
    await new Promise((resolve) => call.once("data", resolve));
    call.cancel();
    await cancelled;
  });
});
