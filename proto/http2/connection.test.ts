import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concatBytes } from "../../base/mod.ts";
import { ErrorCode, Flag, FrameType, preface } from "./constants.ts";
import { connected, End, frame, frames, greeted, request, requestBlock, response } from "./wire.testing.ts";

const { END_STREAM, END_HEADERS } = Flag;
const bytes = (length: number, seed = 0) => Uint8Array.from({ length }, (_, i) => (i * 31 + seed) & 0xff);

describe("an exchange", () => {
  test("a request and its response, with trailers", () => {
    const { client, server, talk } = connected();
    const stream = client.http2.open(request, false, "call");
    client.http2.sendData(stream, bytes(10));
    client.http2.end(stream);
    talk();
    expect(server.happened).toEqual([
      { kind: "headers", id: 1, status: undefined, path: "/service/method", end: false },
      { kind: "data", id: 1, bytes: bytes(10), end: false },
      { kind: "data", id: 1, bytes: bytes(0), end: true },
    ]);
    server.http2.sendHeaders(server.stream(1), response, false);
    server.http2.sendData(server.stream(1), bytes(3));
    server.http2.end(server.stream(1), [{ name: "grpc-status", value: "0" }]);
    talk();
    expect(client.happened).toEqual([
      { kind: "headers", id: 1, status: "200", path: undefined, end: false },
      { kind: "data", id: 1, bytes: bytes(3), end: false },
      { kind: "headers", id: 1, status: undefined, path: undefined, end: true },
    ]);
    expect([client.http2.streamCount, server.http2.streamCount]).toEqual([0, 0]);
  });

  test("what fits is written in place, in one frame with the end", () => {
    const { client, server, talk } = connected();
    const stream = client.http2.open(request, false, "call");
    const at = client.http2.reserveData(stream, 4, true);
    client.http2.output.bytes.set([1, 2, 3, 4], at);
    talk();
    expect(server.of("data")).toEqual([{ kind: "data", id: 1, bytes: Uint8Array.of(1, 2, 3, 4), end: true }]);
  });

  test("headers larger than a frame are continued", () => {
    const { client, server } = connected();
    client.http2.open([...request, { name: "large", value: "x".repeat(40_000), varies: true }], true, "call");
    const said = client.take();
    const { HEADERS, CONTINUATION } = FrameType;
    expect(frames(said).map(({ type }) => type)).toEqual([HEADERS, CONTINUATION, CONTINUATION]);
    server.receive(said);
    expect(server.of("headers")).toMatchObject([{ path: "/service/method", end: true }]);
  });

  test("a server that answers early tells the client to stop sending", () => {
    const { client, server, talk } = connected();
    const stream = client.http2.open(request, false, "call");
    talk();
    server.http2.sendHeaders(server.stream(1), response, true);
    talk();
    expect(client.of("headers")).toHaveLength(1);
    expect(client.of("abort")).toEqual([{ kind: "abort", id: 1, code: ErrorCode.NO_ERROR }]);
    expect(stream.aborted).toBe(true);
  });

  test("however the bytes are cut, the same happens", () => {
    const { client } = connected();
    const fresh = new End({ role: "client" });
    for (const size of [0, 5, 20_000]) {
      const stream = fresh.http2.open(request, false, "call");
      fresh.http2.sendData(stream, bytes(size, size));
      fresh.http2.end(stream);
    }
    expect(client.happened).toEqual([]);
    const said = fresh.take();
    const whole = new End({ role: "server" });
    whole.receive(said);
    fc.assert(
      fc.property(fc.array(fc.nat({ max: said.length }), { maxLength: 20 }), (cuts) => {
        const server = new End({ role: "server" });
        const at = [0, ...cuts.sort((a, b) => a - b), said.length];
        for (let i = 1; i < at.length; i++) server.receive(said.slice(at[i - 1], at[i]));
        expect(server.happened).toEqual(whole.happened);
      }),
    );
  });
});

describe("flow control", () => {
  test("a sender stops at the stream's window and goes on when it is given more", () => {
    const { client, server, talk } = connected({ streamWindowBytes: 1000 });
    const stream = client.http2.open(request, false, "call");
    talk();
    server.http2.pause(server.stream(1));
    client.http2.sendData(stream, bytes(2500));
    client.http2.end(stream);
    talk();
    expect(server.payload(1)).toEqual(bytes(2500).subarray(0, 1000));
    expect(stream.queuedBytes).toBe(1500);
    server.http2.resume(server.stream(1));
    talk();
    expect(server.payload(1)).toEqual(bytes(2500));
    expect(server.of("data").at(-1)?.end).toBe(true);
  });

  test("the connection's window holds for all streams together, and they take turns", () => {
    const { client, server } = connected({ connectionWindowBytes: 65_535 });
    client.http2.setWritable(false);
    const ids = [1, 3, 5].map((id) => {
      client.http2.sendData(client.http2.open(request, false, "call"), bytes(60_000, id));
      return id;
    });
    client.http2.setWritable(true);
    server.receive(client.take());
    const sizes = ids.map((id) => server.payload(id).length);
    expect(sizes.reduce((a, b) => a + b)).toBe(65_535);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(16_384);
  });

  test("whoever queues too much is told, and told again when it is less", () => {
    const { client, server, talk } = connected({ streamWindowBytes: 100_000 }, { highWaterBytes: 50_000 });
    const stream = client.http2.open(request, false, "call");
    talk();
    server.http2.pause(server.stream(1));
    expect(client.http2.sendData(stream, bytes(100_000))).toBe(true); // leaves at once
    expect(client.http2.sendData(stream, bytes(60_000))).toBe(false);
    talk();
    expect(client.of("drain")).toEqual([]);
    server.http2.resume(server.stream(1));
    talk();
    expect(client.of("drain")).toEqual([{ kind: "drain", id: 1 }]);
  });

  test("what is sent while much is queued does not take back that room will be announced", () => {
    const { client, server, talk } = connected({ streamWindowBytes: 10_000 }, { highWaterBytes: 50_000 });
    const stream = client.http2.open(request, false, "call");
    talk();
    expect(client.http2.sendData(stream, bytes(100_000))).toBe(false);
    // The queue falls below the high water, but not below half of it.
    while (stream.queuedBytes > 45_000) {
      server.receive(client.take());
      client.receive(server.take());
    }
    expect(client.of("drain")).toEqual([]);
    expect(client.http2.sendData(stream, bytes(1))).toBe(false);
    talk();
    expect(client.of("drain")).toEqual([{ kind: "drain", id: 1 }]);
    expect(client.http2.sendData(stream, bytes(1))).toBe(true);
  });

  test("a socket that takes no more leaves payload in the queue", () => {
    const { client, server, talk } = connected();
    const stream = client.http2.open(request, false, "call");
    client.http2.setWritable(false);
    expect(client.http2.reserveData(stream, 1, false)).toBe(-1);
    client.http2.sendData(stream, bytes(5));
    talk();
    expect(server.of("data")).toEqual([]);
    client.http2.setWritable(true);
    talk();
    expect(server.payload(1)).toEqual(bytes(5));
  });

  test("any amounts arrive whole and in order, whatever the windows", () => {
    const sizes = fc.array(fc.nat({ max: 40_000 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 70_000 }), fc.nat({ max: 100_000 }), (chunks, window, extra) => {
        const { client, server, talk } = connected({
          streamWindowBytes: window,
          connectionWindowBytes: 65_536 + extra,
        });
        const streams = [1, 2].map(() => client.http2.open(request, false, "call"));
        for (const [i, size] of chunks.entries())
          for (const s of streams) client.http2.sendData(s, bytes(size, s.id + i));
        for (const stream of streams) client.http2.end(stream);
        talk();
        for (const { id } of streams) {
          const sent = concatBytes(chunks.map((size, i) => bytes(size, id + i)));
          expect(Buffer.compare(server.payload(id), sent)).toBe(0);
          expect(server.happened.filter((x) => x.kind === "data" && x.id === id && x.end)).toHaveLength(1);
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe("the end of a connection", () => {
  test("draining: calls in progress finish, later ones are refused without being lost", () => {
    const { client, server, talk } = connected();
    client.http2.open(request, true, "first");
    talk();
    server.http2.drain();
    client.http2.open(request, true, "on its way while GOAWAY came");
    const crossing = client.take();
    talk();
    expect(client.of("goaway")).toHaveLength(2);
    expect(client.http2.canOpen).toBe(false);
    server.receive(crossing);
    for (const id of [1]) server.http2.sendHeaders(server.stream(id), response, true);
    talk();
    expect(client.of("headers").map(({ id }) => id)).toEqual([1]);
    expect(client.of("abort")).toEqual([{ kind: "abort", id: 3, code: ErrorCode.REFUSED_STREAM }]);
  });

  test("a lost socket aborts every stream", () => {
    const { client, talk } = connected();
    client.http2.open(request, true, "a");
    client.http2.open(request, true, "b");
    talk();
    client.http2.disconnected();
    expect(client.of("abort").map(({ id, code }) => [id, code])).toEqual([
      [1, ErrorCode.CANCEL],
      [3, ErrorCode.CANCEL],
    ]);
  });

  test("a ping is answered", () => {
    const { client, server, talk } = connected();
    client.http2.ping(bytes(8));
    talk();
    expect([server.of("ping").length, client.of("pong").length]).toEqual([1, 1]);
  });
});

describe("limits", () => {
  test("streams beyond the limit are refused, and one that ends makes room", () => {
    const server = greeted({ maxConcurrentStreams: 1 });
    const open = (id: number) => frame(FrameType.HEADERS, END_HEADERS | END_STREAM, id, requestBlock);
    server.receive(concatBytes([open(1), open(3)]));
    expect(frames(server.take())).toMatchObject([
      { type: FrameType.RST_STREAM, id: 3, payload: { 3: ErrorCode.REFUSED_STREAM } },
    ]);
    server.http2.sendHeaders(server.stream(1), response, true);
    server.receive(open(5));
    expect(server.of("headers").map(({ id }) => id)).toEqual([1, 5]);
  });

  test("a client waits for room", () => {
    const { client, server, talk } = connected({ maxConcurrentStreams: 1 });
    client.http2.open(request, true, "a");
    expect(client.http2.canOpen).toBe(false);
    talk();
    server.http2.sendHeaders(server.stream(1), response, true);
    talk();
    expect(client.http2.canOpen).toBe(true);
  });

  const open = (id: number) => frame(FrameType.HEADERS, END_HEADERS, id, requestBlock);
  const reset = (id: number) => frame(FrameType.RST_STREAM, 0, id, [0, 0, 0, ErrorCode.CANCEL]);
  const floods: [string, (i: number) => Uint8Array][] = [
    ["streams opened and reset at once", (i) => concatBytes([open(2 * i + 1), reset(2 * i + 1)])],
    ["pings", () => frame(FrameType.PING, 0, 0, bytes(8))],
    ["settings", () => frame(FrameType.SETTINGS, 0, 0)],
    ["empty data", (i) => concatBytes([i === 0 ? open(1) : bytes(0), frame(FrameType.DATA, 0, 1)])],
    ["priorities", () => frame(FrameType.PRIORITY, 0, 1, [0, 0, 0, 0, 1])],
    ["unknown frames", () => frame(99, 0, 0)],
  ];
  test.each(floods)("a flood of %s is calmed, a trickle is not", (_, flood) => {
    const server = greeted();
    for (let i = 0; i < 12_000 && !server.http2.failed; i++) server.receive(flood(i), 0);
    expect(server.of("error")).toEqual([{ kind: "error", code: ErrorCode.ENHANCE_YOUR_CALM }]);
    const patient = greeted();
    for (let i = 0; i < 12_000; i++) patient.receive(flood(i), i * 5);
    expect(patient.http2.failed).toBe(false);
  });

  test("a header block without end is cut off", () => {
    const server = greeted({ maxHeaderListBytes: 1000 });
    server.receive(frame(FrameType.HEADERS, 0, 1, requestBlock));
    for (let i = 0; i < 200; i++) server.receive(frame(FrameType.CONTINUATION, 0, 1, bytes(i % 2 === 0 ? 0 : 20)));
    expect(server.of("error")).toEqual([{ kind: "error", code: ErrorCode.ENHANCE_YOUR_CALM }]);
  });
});

describe("malformed frames", () => {
  const headers = (flags: number = END_HEADERS, id = 1, block: number[] = requestBlock) =>
    frame(FrameType.HEADERS, flags, id, block);
  const rst = (id: number) => frame(FrameType.RST_STREAM, 0, id, [0, 0, 0, 8]);
  const increment = (id: number, n: number) => frame(FrameType.WINDOW_UPDATE, 0, id, [n >>> 24, n >> 16, n >> 8, n]);

  const { PROTOCOL_ERROR, FRAME_SIZE_ERROR, FLOW_CONTROL_ERROR, STREAM_CLOSED, COMPRESSION_ERROR } = ErrorCode;
  test.each<[string, number, Uint8Array[]]>([
    ["DATA on stream 0", PROTOCOL_ERROR, [frame(0, 0, 0, [1])]],
    ["DATA on an idle stream", PROTOCOL_ERROR, [frame(0, 0, 1, [1])]],
    ["padding longer than its frame", PROTOCOL_ERROR, [headers(), frame(0, Flag.PADDED, 1, [5, 1])]],
    ["a padded frame without padding", FRAME_SIZE_ERROR, [headers(), frame(0, Flag.PADDED, 1)]],
    ["HEADERS on stream 0", PROTOCOL_ERROR, [headers(END_HEADERS, 0)]],
    ["HEADERS on an even stream", PROTOCOL_ERROR, [headers(END_HEADERS, 2)]],
    ["HEADERS too short for their priority", PROTOCOL_ERROR, [headers(END_HEADERS | Flag.PRIORITY, 1, [1])]],
    ["HEADERS after the end of their stream", STREAM_CLOSED, [headers(END_HEADERS | END_STREAM), headers()]],
    ["a block that is not HPACK", COMPRESSION_ERROR, [headers(END_HEADERS, 1, [0xff])]],
    ["CONTINUATION of nothing", PROTOCOL_ERROR, [frame(9, 0, 1)]],
    ["another frame inside a block", PROTOCOL_ERROR, [headers(0), frame(6, 0, 0, bytes(8))]],
    ["CONTINUATION of another stream", PROTOCOL_ERROR, [headers(0), frame(9, END_HEADERS, 3)]],
    ["RST_STREAM of an idle stream", PROTOCOL_ERROR, [rst(1)]],
    ["RST_STREAM of the wrong size", FRAME_SIZE_ERROR, [headers(), frame(3, 0, 1, [0])]],
    ["SETTINGS on a stream", PROTOCOL_ERROR, [frame(4, 0, 1)]],
    ["SETTINGS of the wrong size", FRAME_SIZE_ERROR, [frame(4, 0, 0, [0])]],
    ["an acknowledgement with settings", FRAME_SIZE_ERROR, [frame(4, Flag.ACK, 0, bytes(6))]],
    ["ENABLE_PUSH of 2", PROTOCOL_ERROR, [frame(4, 0, 0, [0, 2, 0, 0, 0, 2])]],
    ["a window of 2^31", FLOW_CONTROL_ERROR, [frame(4, 0, 0, [0, 4, 0x80, 0, 0, 0])]],
    ["a frame size of 100", PROTOCOL_ERROR, [frame(4, 0, 0, [0, 5, 0, 0, 0, 100])]],
    ["PUSH_PROMISE", PROTOCOL_ERROR, [frame(5, END_HEADERS, 1, [0, 0, 0, 2])]],
    ["PING on a stream", PROTOCOL_ERROR, [frame(6, 0, 1, bytes(8))]],
    ["PING of seven bytes", FRAME_SIZE_ERROR, [frame(6, 0, 0, bytes(7))]],
    ["GOAWAY on a stream", PROTOCOL_ERROR, [frame(7, 0, 1, bytes(8))]],
    ["GOAWAY of seven bytes", FRAME_SIZE_ERROR, [frame(7, 0, 0, bytes(7))]],
    ["a window increment of 0", PROTOCOL_ERROR, [increment(0, 0)]],
    ["a window of more than 2^31", FLOW_CONTROL_ERROR, [increment(0, 0x7fff_ffff)]],
    ["WINDOW_UPDATE on an idle stream", PROTOCOL_ERROR, [increment(1, 1)]],
    ["PRIORITY on stream 0", PROTOCOL_ERROR, [frame(2, 0, 0, bytes(5))]],
    ["a frame of more than 16 KiB", FRAME_SIZE_ERROR, [headers(), frame(0, 0, 1, bytes(16_385))]],
  ])("%s ends the connection", (_, code, said) => {
    const server = greeted();
    server.receive(concatBytes(said));
    expect(server.of("error")).toEqual([{ kind: "error", code }]);
    const last = frames(server.take()).at(-1);
    expect([last?.type, last?.payload[7]]).toEqual([FrameType.GOAWAY, code]);
    server.receive(headers(END_HEADERS, 99));
    expect(server.take()).toHaveLength(0);
  });

  test.each<[string, number, Uint8Array[]]>([
    ["DATA after the end", STREAM_CLOSED, [headers(END_HEADERS | END_STREAM), frame(0, 0, 1, [1])]],
    ["a request without a path", PROTOCOL_ERROR, [headers(END_HEADERS, 1, [0x83, 0x86])]],
    ["a request with a status", PROTOCOL_ERROR, [headers(END_HEADERS, 1, [0x83, 0x86, 0x84, 0x88])]],
    ["trailers that do not end the stream", PROTOCOL_ERROR, [headers(), headers(END_HEADERS, 1, [])]],
    ["a window increment of 0", PROTOCOL_ERROR, [headers(), increment(1, 0)]],
    ["a window of more than 2^31", FLOW_CONTROL_ERROR, [headers(), increment(1, 0x7fff_ffff)]],
    ["PRIORITY of the wrong size", FRAME_SIZE_ERROR, [headers(), frame(2, 0, 1, [0])]],
  ])("%s ends the stream alone", (_, code, said) => {
    const server = greeted();
    server.receive(concatBytes([...said, headers(END_HEADERS, 3)]));
    const resets = frames(server.take()).filter(({ type }) => type === FrameType.RST_STREAM);
    expect(resets.map(({ id, payload }) => [id, payload[3]])).toEqual([[1, code]]);
    expect(server.http2.failed).toBe(false);
    expect(server.of("headers").some(({ id }) => id === 3)).toBe(true);
  });

  test("more data than a stream's window allows ends the stream; what is consumed is given back", () => {
    const server = greeted({ streamWindowBytes: 100 });
    server.receive(concatBytes([headers(), frame(0, 0, 1, bytes(101))]));
    expect(frames(server.take()).map(({ type, payload }) => [type, payload[3]])).toEqual([[3, FLOW_CONTROL_ERROR]]);
    const small = greeted({ connectionWindowBytes: 65_535 });
    small.receive(concatBytes([headers(), ...Array(5).fill(frame(0, 0, 1, bytes(16_384)))]));
    expect(small.http2.failed).toBe(false);
  });

  test("something that is not HTTP/2 is found out at its first byte", () => {
    const server = new End({ role: "server" });
    server.receive(Uint8Array.from("GET / HTTP/1.1\r\n\r\n", (c) => c.charCodeAt(0)));
    expect(server.of("error")).toEqual([{ kind: "error", code: PROTOCOL_ERROR }]);
    const hasty = new End({ role: "server" });
    hasty.receive(concatBytes([preface, headers()]));
    expect(hasty.of("error")).toEqual([{ kind: "error", code: PROTOCOL_ERROR }]);
  });

  test("frames on streams that were reset are ignored, but their headers still count for the table", () => {
    const server = greeted();
    const indexed = [0x83, 0x86, 0x44, 1, 0x79]; // :path y, put into the table
    server.receive(
      concatBytes([headers(), rst(1), frame(0, 0, 1, [1]), increment(1, 1), headers(END_HEADERS, 1, [0x44, 1, 0x7a])]),
    );
    server.receive(concatBytes([headers(END_HEADERS, 3, indexed), headers(END_HEADERS, 5, [0x83, 0x86, 0xbf])]));
    expect(server.of("headers").map(({ path }) => path)).toEqual(["/", "y", "z"]);
    expect(server.http2.failed).toBe(false);
  });

  test("no bytes whatsoever make it throw", () => {
    const anyFrame = fc
      .tuple(fc.nat({ max: 10 }), fc.nat({ max: 255 }), fc.nat({ max: 7 }), fc.uint8Array({ maxLength: 30 }))
      .map(([type, flags, id, payload]) => frame(type, flags, id, payload));
    const noise = fc.oneof(
      { weight: 5, arbitrary: anyFrame },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 30 }) },
    );
    for (const role of ["server", "client"] as const) {
      fc.assert(
        fc.property(fc.array(noise, { maxLength: 12 }), (said) => {
          const end = new End({ role });
          if (role === "client") for (let i = 0; i < 3; i++) end.http2.open(request, i === 0, "call");
          end.receive(concatBytes([role === "server" ? preface : bytes(0), frame(4, 0, 0)]));
          for (const part of said) end.receive(part);
          for (const stream of end.streams.values()) {
            if (!stream.aborted && !stream.localClosed) end.http2.sendData(stream, bytes(3));
          }
          end.take();
          expect(end.http2.streamCount).toBeLessThanOrEqual(8);
        }),
        { numRuns: 2000 },
      );
    }
  });
});
