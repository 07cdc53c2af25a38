import { mkdtempSync, rmSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "vitest";
import { Deferred, fromUtf8, toUtf8 } from "../../../base/mod.ts";
import {
  Connection,
  type ConnectionEvents,
  type Init,
  KVService,
  MaintenanceService,
  type Method,
  prefixBytes,
  type RangeResponse,
  RpcError,
  Status,
  WatchService,
} from "../../../proto/mod.ts";
import { machineClock } from "../../server/machine-clock.ts";
import { makeCertificates } from "./certificates.testing.ts";
import { createGrpcServer, implement } from "./mod.ts";
import type { Call, GrpcServerOptions, Handlers, StreamCall, TlsOptions, UnaryCall } from "./types.ts";

const { range } = KVService.methods;
const endings: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

type KvHandlers = Handlers<typeof KVService>;

async function serve(kv: KvHandlers, options: Partial<GrpcServerOptions> = {}, tls?: TlsOptions) {
  const logged: string[] = [];
  const server = createGrpcServer({
    services: [implement(KVService, kv)],
    clock: machineClock,
    log: (level, message) => void (level === "debug" || logged.push(message)),
    ...options,
  });
  const { port } = await server.listen({ host: "127.0.0.1", port: 0, ...(tls && { tls }) });
  endings.push(() => server.stop());
  return { server, port, logged };
}

function dial(port: number, creds = credentials.createInsecure()): Client {
  const client = new Client(`127.0.0.1:${port}`, creds, { "grpc.max_receive_message_length": -1 });
  endings.push(() => client.close());
  return client;
}

const codecOf = <A, B>({ path, request, response }: Method<A, B>) =>
  [path, (x: Init<A>) => Buffer.from(request.encode(x)), (x: Buffer) => response.decode(x)] as const;

/** The response, or the error, of a unary call by grpc-js. */
function call<A, B>(
  client: Client,
  method: Method<A, B>,
  request: Init<A>,
  options: { deadline?: number; metadata?: Record<string, string> } = {},
): Promise<{ response?: B; error?: ServiceError }> {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(options.metadata ?? {})) metadata.set(name, value);
  const deadline = options.deadline === undefined ? {} : { deadline: Date.now() + options.deadline };
  return new Promise((resolve) => {
    client.makeUnaryRequest(...codecOf(method), request, metadata, deadline, (error, response) =>
      resolve(error === null ? { response: response as B } : { error }),
    );
  });
}

/** A client that answers nothing by itself but what HTTP/2 demands, or not even that. */
async function rawClient(
  port: number,
  options: { deaf?: boolean; streamWindowBytes?: number; onData?: ConnectionEvents<undefined>["onData"] } = {},
) {
  const over = new Deferred<string>();
  const pong = new Deferred<void>();
  const ignore = () => undefined;
  const events: ConnectionEvents<undefined> = {
    ...{ onHeaders: ignore, onData: ignore, onAbort: ignore, onDrain: ignore, onOutput: ignore },
    ...{ onPing: ignore, onPong: () => pong.resolve(), onSettings: ignore, onError: ignore },
    onGoaway: (_, debug) => over.resolve(debug),
    ...(options.onData && { onData: options.onData }),
  };
  const { streamWindowBytes = 1 << 20 } = options;
  const http2 = new Connection<undefined>({ role: "client", streamWindowBytes }, events);
  const socket = connectTcp({ port, host: "127.0.0.1" });
  endings.push(() => socket.destroy());
  const flush = () => http2.flush((bytes) => !socket.write(Buffer.from(bytes)) || true);
  socket.on("data", (chunk) => {
    http2.receive(chunk, 0);
    if (!options.deaf) flush();
  });
  socket.on("close", () => over.resolve("closed"));
  flush();
  return { http2, socket, flush, over: over.promise, pong: pong.promise };
}

/** An empty request. */
function sendRange(http2: Connection<undefined>): void {
  const stream = http2.open(
    [
      { name: ":method", value: "POST" },
      { name: ":scheme", value: "http" },
      { name: ":path", value: range.path },
      { name: "content-type", value: "application/grpc" },
      { name: "te", value: "trailers" },
    ],
    false,
    undefined,
  );
  http2.sendData(stream, new Uint8Array(prefixBytes));
  http2.end(stream);
}

describe("unary calls", () => {
  test("are answered at once, later, or by a promise", async () => {
    const { port } = await serve({
      range: (request, call) => call.reply({ kvs: [{ key: request.key, value: toUtf8("now") }], count: 1 }),
      put: (_, call) => void setImmediate(() => call.reply({ header: { revision: 7 } })),
      async deleteRange(_, call) {
        await Promise.resolve();
        call.reply({ deleted: 3 });
      },
    });
    const client = dial(port);
    const { response } = await call(client, range, { key: toUtf8("k") });
    expect(response?.kvs.map(({ key, value }) => [fromUtf8(key), fromUtf8(value)])).toEqual([["k", "now"]]);
    expect((await call(client, KVService.methods.put, {})).response?.header?.revision).toBe(7);
    expect((await call(client, KVService.methods.deleteRange, {})).response?.deleted).toBe(3);
  });

  test("fail with code and text, however they fail", async () => {
    const { port, logged } = await serve({
      range: (_, call) => call.fail(Status.OutOfRange, "zu groß: 100%\n"),
      put() {
        throw new RpcError(Status.NotFound, "etcdserver: requested lease not found");
      },
      async deleteRange() {
        throw new Error("a bug");
      },
      txn: (_, call) => call.reply({ header: { revision: 0.5 } }),
    });
    const client = dial(port);
    const errors = [];
    for (const method of [range, KVService.methods.put, KVService.methods.deleteRange, KVService.methods.txn]) {
      const { error } = await call(client, method as typeof range, {});
      errors.push([error?.code, error?.details]);
    }
    expect(errors.slice(0, 3)).toEqual([
      [Status.OutOfRange, "zu groß: 100%\n"],
      [Status.NotFound, "etcdserver: requested lease not found"],
      [Status.Unknown, "a bug"],
    ]);
    expect(errors[3]).toEqual([Status.Unknown, "0.5 is not a whole number below 2^53"]);
    expect(logged).toEqual(["handler failed", "handler failed"]); // those that no client should cause
  });

  test("to nobody are told so in grpc-go's words", async () => {
    const { port } = await serve({});
    const client = dial(port);
    const unhandled = await call(client, range, {});
    expect([unhandled.error?.code, unhandled.error?.details]).toEqual([
      Status.Unimplemented,
      "unknown method Range for service etcdserverpb.KV",
    ]);
    const unknown = await call(client, MaintenanceService.methods.status, {});
    expect(unknown.error?.details).toBe("unknown service etcdserverpb.Maintenance");
  });

  test("see metadata, and may be stopped before their handler", async () => {
    const seen: (string | undefined)[] = [];
    const { port } = await serve(
      { range: (_, call) => call.reply({}) },
      {
        beforeCall(call: Call) {
          seen.push(call.metadata("token"), call.method.name);
          if (call.metadata("hasleader") === "true") throw new RpcError(Status.Unavailable, "etcdserver: no leader");
        },
      },
    );
    const client = dial(port);
    expect((await call(client, range, {}, { metadata: { token: "abc" } })).error).toBeUndefined();
    const { error } = await call(client, range, {}, { metadata: { hasleader: "true" } });
    expect(error?.details).toBe("etcdserver: no leader");
    expect(seen).toEqual(["abc", "Range", undefined, "Range"]);
  });

  test("of any size arrive whole, up to the limit", async () => {
    const { port } = await serve(
      { put: ({ value }, call) => call.reply({ prevKv: { value } }) },
      { maxRequestBytes: 300_000 },
    );
    const client = dial(port);
    for (const size of [0, 16_379, 16_384, 65_536, 290_000]) {
      const value = new Uint8Array(size).map((_, i) => i * 13);
      const { response } = await call(client, KVService.methods.put, { value });
      expect(Buffer.compare(response?.prevKv?.value as Uint8Array, value)).toBe(0);
    }
    const { error } = await call(client, KVService.methods.put, { value: new Uint8Array(300_000) });
    expect(error?.code).toBe(Status.ResourceExhausted);
    expect(error?.details).toMatch(/^grpc: received message larger than max \(300004 vs. 300000\)$/);
  });

  test.each([
    ["that are malformed", Buffer.from([0x0a, 5]), Status.Internal],
    ["of very many operations", Buffer.alloc(200_000, Buffer.from([0x12, 0])), Status.ResourceExhausted],
  ])("%s are refused", async (_, bytes, code) => {
    const { port } = await serve({ txn: (_, call) => call.reply({}) });
    const { error } = await new Promise<{ error?: ServiceError }>((resolve) =>
      dial(port).makeUnaryRequest(
        KVService.methods.txn.path,
        () => bytes,
        (x) => x,
        {},
        (error) => resolve(error === null ? {} : { error }),
      ),
    );
    expect(error?.code).toBe(code);
    expect(error?.details).toMatch(/^grpc: error unmarshalling request: /);
  });

  test("that nobody waits for are cancelled: by the client, by their deadline, by the end of the connection", async () => {
    const calls: UnaryCall<RangeResponse>[] = [];
    let arrived = new Deferred<void>();
    const cancelled: Deferred<void>[] = [];
    const { server, port } = await serve({
      range(_, call) {
        const deferred = new Deferred<void>();
        cancelled.push(deferred);
        call.onCancel = () => deferred.resolve();
        calls.push(call);
        arrived.resolve();
      },
    });
    const client = dial(port);
    const given = client.makeUnaryRequest(...codecOf(range), {}, () => undefined);
    await arrived.promise;
    expect(calls[0]?.timeoutMs).toBeUndefined();
    given.cancel();
    await cancelled[0]?.promise;
    arrived = new Deferred();
    expect((await call(client, range, {}, { deadline: 60 })).error?.code).toBe(Status.DeadlineExceeded);
    expect(calls[1]?.timeoutMs).toBeGreaterThan(0);
    await cancelled[1]?.promise;
    arrived = new Deferred();
    const lost = call(client, range, {});
    await arrived.promise;
    await server.stop();
    await cancelled[2]?.promise;
    for (const call of calls) call.reply({}); // too late, and harmless
    expect(calls.map(({ cancelled }) => cancelled)).toEqual([true, true, true]);
    expect((await lost).error?.code).toBe(Status.Unavailable);
  });
});

describe("streams", () => {
  test("of answers come in order and end", async () => {
    const { port } = await serve({
      rangeStream(_, call) {
        for (let count = 1; count <= 1000; count++) call.write({ rangeResponse: { count } });
        call.end();
      },
    });
    const stream = dial(port).makeServerStreamRequest(...codecOf(KVService.methods.rangeStream), {});
    const counts = [];
    for await (const { rangeResponse } of stream) counts.push(rangeResponse.count);
    expect(counts).toEqual(Array.from({ length: 1000 }, (_, i) => i + 1));
  });

  test("to a slow client fill up, and tell when they are empty again", async () => {
    const started = new Deferred<StreamCall<unknown>>();
    const drained = new Deferred<void>();
    let written = 0;
    const { port } = await serve({
      rangeStream(_, call) {
        const kvs = [{ value: new Uint8Array(30_000) }];
        call.onDrain = () => {
          call.end();
          drained.resolve();
        };
        do written++;
        while (call.write({ rangeResponse: { kvs } }));
        started.resolve(call);
      },
    });
    const stream = dial(port).makeServerStreamRequest(...codecOf(KVService.methods.rangeStream), {});
    const slow = await started.promise;
    expect(slow.bufferedBytes).toBeGreaterThan(65_536);
    let received = 0;
    for await (const _ of stream) received++;
    await drained.promise;
    expect(received).toBe(written);
  });

  test("of both directions are each other's echo until the client ends", async () => {
    const { port } = await serve(
      {},
      {
        services: [
          implement(WatchService, {
            watch: (call) => ({
              message: ({ cancelRequest }) => void call.write({ watchId: cancelRequest?.watchId as number }),
              end: () => call.end(),
            }),
          }),
        ],
      },
    );
    const stream = dial(port).makeBidiStreamRequest(...codecOf(WatchService.methods.watch));
    for (let watchId = 1; watchId <= 100; watchId++) stream.write({ cancelRequest: { watchId } });
    stream.end();
    const ids = [];
    for await (const { watchId } of stream) ids.push(watchId);
    expect(ids).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
  });
});

describe("other protocols on the same port", () => {
  const http1: GrpcServerOptions["http1"] = (request, response) => {
    response.setHeader("content-type", "text/plain").end(`${request.method} ${request.url}`);
  };

  test("HTTP/1.1 goes to its handler", async () => {
    const { port } = await serve({}, { http1 });
    const get = () =>
      new Promise<string>((resolve, reject) => {
        httpRequest({ port, host: "127.0.0.1", path: "/health" }, async (response) => {
          let body = "";
          for await (const chunk of response) body += chunk;
          resolve(body);
        })
          .on("error", reject)
          .end();
      });
    expect(await get()).toBe("GET /health");
  });

  test("even when it comes byte by byte", async () => {
    const { port } = await serve({}, { http1 });
    const socket = connectTcp({ port, host: "127.0.0.1", noDelay: true });
    for (const byte of "PUT /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n") {
      socket.write(byte);
      await new Promise(setImmediate);
    }
    let answer = "";
    for await (const chunk of socket) answer += chunk;
    expect(answer).toMatch(/^HTTP\/1.1 200 OK\r\n.*PUT \/x/s);
  });

  test("plain HTTP/2 goes there too", async () => {
    const { port } = await serve({}, { http1 });
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    endings.push(() => session.close());
    const request = session.request({ ":path": "/metrics" });
    const status = new Promise((resolve) => request.on("response", (headers) => resolve(headers[":status"])));
    let body = "";
    for await (const chunk of request) body += chunk;
    expect([await status, body]).toEqual([200, "GET /metrics"]);
  });
});

describe("TLS", () => {
  const pem = makeCertificates();
  const tls = { ...pem.server, ca: pem.ca.cert };
  const buffers = (...texts: string[]) => texts.map((text) => Buffer.from(text)) as [Buffer, Buffer, Buffer];

  test("shows the handler who the client is", async () => {
    const peers: unknown[] = [];
    const handler: KvHandlers = {
      range(_, call) {
        peers.push([call.peer.encrypted, call.peer.certificate?.commonName, call.peer.certificate?.organizations]);
        call.reply({});
      },
    };
    const { port } = await serve(handler, {}, tls);
    const known = dial(port, credentials.createSsl(...buffers(pem.ca.cert, pem.client.key, pem.client.cert)));
    expect((await call(known, range, {})).error).toBeUndefined();
    const anonymous = dial(port, credentials.createSsl(Buffer.from(pem.ca.cert)));
    expect((await call(anonymous, range, {})).error).toBeUndefined();
    expect(peers).toEqual([
      [true, "alice", ["system:masters"]],
      [true, undefined, undefined],
    ]);
  });

  test("refuses a client without a certificate where one is required, or with one of strangers", async () => {
    const { port } = await serve(
      { range: (_, call) => call.reply({}) },
      {},
      { ...tls, requireClientCertificate: true },
    );
    const stranger = makeCertificates().client;
    for (const creds of [
      credentials.createSsl(Buffer.from(pem.ca.cert)),
      credentials.createSsl(...buffers(pem.ca.cert, stranger.key, stranger.cert)),
    ]) {
      expect((await call(dial(port, creds), range, {}, { deadline: 400 })).error).toBeDefined();
    }
    const optional = await serve({ range: (_, call) => call.reply({}) }, {}, tls);
    const creds = credentials.createSsl(...buffers(pem.ca.cert, stranger.key, stranger.cert));
    expect((await call(dial(optional.port, creds), range, {}, { deadline: 400 })).error).toBeDefined();
  });
});

test("a unix socket serves as well", async () => {
  const dir = mkdtempSync(join(tmpdir(), "grpc-"));
  endings.push(() => rmSync(dir, { recursive: true }));
  const { server } = await serve({ range: (_, call) => call.reply({ count: 5 }) });
  await server.listen({ path: join(dir, "socket") });
  const client = new Client(`unix:${join(dir, "socket")}`, credentials.createInsecure());
  endings.push(() => client.close());
  expect((await call(client, range, {})).response?.count).toBe(5);
});

test("a port that is taken is reported", async () => {
  const { server, port } = await serve({});
  await expect(server.listen({ host: "127.0.0.1", port })).rejects.toMatchObject({ code: "EADDRINUSE" });
});

test("stopping lets calls in progress end and takes no new ones", async () => {
  const arrived = new Deferred<UnaryCall<RangeResponse>>();
  const { server, port } = await serve({ range: (_, call) => arrived.resolve(call) });
  const client = dial(port);
  const answer = call(client, range, {});
  const pending = await arrived.promise;
  expect(server.stats).toMatchObject({ connections: 1, activeCalls: 1 });
  const stopped = server.stop(5000);
  await new Promise(setImmediate);
  pending.reply({ count: 9 });
  expect((await answer).response?.count).toBe(9);
  await stopped;
  expect(server.stats).toMatchObject({ connections: 0, activeCalls: 0, totalCalls: 1 });
  const late = await call(client, range, {}, { deadline: 200 });
  expect(late.error).toBeDefined();
});

test("stopping answers what a client sent before it could hear of it", async () => {
  const { server, port } = await serve({ range: (_, call) => call.reply({ count: 9 }) });
  const answered = new Deferred<string>();
  const { http2, socket, flush, pong } = await rawClient(port, { onData: () => answered.resolve("answered") });
  http2.ping(new Uint8Array(8));
  flush();
  await pong;
  socket.on("close", () => answered.resolve("closed")).pause();
  const stopped = server.stop(5000);
  while (socket.readableLength === 0) await new Promise(setImmediate);
  sendRange(http2);
  flush();
  socket.resume();
  expect(await answered.promise).toBe("answered");
  await stopped;
});

describe("keepalive", () => {
  test("a client that pings without need is sent away", async () => {
    const { port } = await serve({});
    const { http2, flush, over } = await rawClient(port);
    for (let i = 0; i < 4; i++) http2.ping(new Uint8Array(8));
    flush();
    expect(await over).toBe("too_many_pings");
  });

  test("a client that pings while a large message comes, as grpc-go's measure the link, is not", async () => {
    const value = new Uint8Array(1 << 20);
    const { port } = await serve({ range: (_, call) => call.reply({ kvs: [{ key: toUtf8("large"), value }] }) });
    const ended = new Deferred<string>();
    let received = 0;
    const { http2, flush, over } = await rawClient(port, {
      streamWindowBytes: 1 << 16,
      onData: (_stream, _bytes, start, end) => {
        received += end - start;
        http2.ping(new Uint8Array(8));
        if (received > value.length) ended.resolve("received whole");
      },
    });
    sendRange(http2);
    flush();
    expect(await Promise.race([ended.promise, over])).toBe("received whole");
  });

  test("a client that is gone is noticed; one that is only silent is kept", async () => {
    const { port } = await serve({}, { keepalive: { intervalMs: 30, timeoutMs: 30 } });
    const silent = await rawClient(port);
    const gone = await rawClient(port, { deaf: true });
    expect(await gone.over).toBe("closed");
    silent.http2.ping(new Uint8Array(8));
    silent.flush();
    await silent.pong;
  });
});
