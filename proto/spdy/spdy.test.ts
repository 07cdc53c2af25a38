import { deflateRawSync, inflateRawSync, constants as zlib } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concatBytes, equalBytes } from "../../base/mod.ts";
import { headerDictionary } from "./dictionary.ts";
import { encodeFrame } from "./encode-frame.ts";
import { initialWindowSetting, RstStatus, SpdyError, type SpdyFrame, type SpdyHeader } from "./frame.ts";
import { SpdyFrameReader } from "./frame-reader.ts";
import { decodeHeaders, encodeHeaders } from "./header-block.ts";
import { type HeaderCompression, SpdySession } from "./session.ts";
import type { SpdyStream } from "./stream.ts";

const bytes = (maxLength = 200) => fc.uint8Array({ maxLength });
const streamId = fc.integer({ min: 1, max: 0x7fff_ffff });
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const uint31 = fc.integer({ min: 0, max: 0x7fff_ffff });
const fin = fc.boolean();
const anyFrame: fc.Arbitrary<SpdyFrame> = fc.oneof(
  fc.record({
    type: fc.constant("SYN_STREAM" as const),
    streamId,
    associatedTo: uint31,
    priority: fc.integer({ min: 0, max: 7 }),
    fin,
    unidirectional: fc.boolean(),
    block: bytes(),
  }),
  fc.record({ type: fc.constantFrom("SYN_REPLY" as const, "HEADERS" as const), streamId, fin, block: bytes() }),
  fc.record({ type: fc.constant("DATA" as const), streamId, fin, data: bytes(2000) }),
  fc.record({ type: fc.constant("RST_STREAM" as const), streamId, status: uint32 }),
  fc.record({
    type: fc.constant("SETTINGS" as const),
    settings: fc.array(
      fc.record({
        id: fc.integer({ min: 0, max: 0xff_ffff }),
        flags: fc.integer({ min: 0, max: 255 }),
        value: uint32,
      }),
      { maxLength: 5 },
    ),
  }),
  fc.record({ type: fc.constant("PING" as const), id: uint32 }),
  fc.record({ type: fc.constant("GOAWAY" as const), lastGoodStreamId: uint31, status: uint32 }),
  fc.record({ type: fc.constant("WINDOW_UPDATE" as const), streamId: uint31, delta: uint31 }),
);

/** Cuts `whole` at random places. */
function cut(whole: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = [...new Set([0, ...places.map((place) => place % (whole.length + 1)), whole.length])].sort(
    (a, b) => a - b,
  );
  return at.slice(1).map((end, i) => whole.slice(at[i], end));
}

describe("frames", () => {
  test("survive encoding and decoding, in whatever chunks they come", () => {
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 30 }), (frames, places) => {
        const reader = new SpdyFrameReader();
        const read = cut(concatBytes(frames.map(encodeFrame)), places).flatMap((chunk) => [...reader.push(chunk)]);
        expect(plain(read)).toEqual(plain(frames));
      }),
    );
  });

  test("as Go's library writes them", () => {
    const hex = (frame: SpdyFrame) => Buffer.from(encodeFrame(frame)).toString("hex");
    expect(hex({ type: "PING", id: 1 })).toBe("800300060000000400000001");
    expect(hex({ type: "DATA", streamId: 3, fin: true, data: Uint8Array.of(0x61) })).toBe("000000030100000161");
    expect(hex({ type: "RST_STREAM", streamId: 5, status: RstStatus.CANCEL })).toBe(
      "8003000300000008" + "0000000500000005",
    );
  });

  test.each([
    ["another version", "800200060000000400000001"],
    ["stream 0", "000000000000000161"],
    ["a PING of five bytes", "80030006000000050000000100"],
    ["settings fewer than they say", "80030004000000040000000a"],
    ["a frame above the limit", "0000000100ffffff"],
  ])("%s is refused", (_what, hex) => {
    const reader = new SpdyFrameReader(1 << 20);
    expect(() => [...reader.push(Buffer.from(hex, "hex"))]).toThrow(SpdyError);
  });

  test("a control frame of an unknown type is skipped", () => {
    const reader = new SpdyFrameReader();
    const frames = [...reader.push(Buffer.from("8003006300000002aaaa" + "800300060000000400000001", "hex"))];
    expect(frames).toEqual([{ type: "PING", id: 1 }]);
  });

  test("random bytes are frames or refused, never anything else", () => {
    fc.assert(
      fc.property(bytes(400), (noise) => {
        try {
          [...new SpdyFrameReader().push(noise)];
        } catch (error) {
          expect(error).toBeInstanceOf(SpdyError);
        }
      }),
    );
  });
});

const plain = (frames: readonly SpdyFrame[]) =>
  frames.map((frame) =>
    JSON.parse(JSON.stringify(frame, (_key, value) => (value instanceof Uint8Array ? [...value] : value))),
  );

describe("headers", () => {
  test("the dictionary is the one of the protocol", () => {
    let [a, b] = [1, 0];
    for (const byte of headerDictionary) {
      a = (a + byte) % 65_521;
      b = (b + a) % 65_521;
    }
    expect(headerDictionary.length).toBe(1423);
    expect((b * 65_536 + a).toString(16)).toBe("e3c6a7c2");
  });

  test("come back in lower case, several values of one name as several", () => {
    const headers: SpdyHeader[] = [
      ["streamType", "data"],
      ["Port", "80"],
      ["port", "81"],
    ];
    expect(decodeHeaders(encodeHeaders(headers))).toEqual([
      ["streamtype", "data"],
      ["port", "80"],
      ["port", "81"],
    ]);
  });

  test("a block that lies about its lengths is refused", () => {
    fc.assert(
      fc.property(bytes(60), (noise) => {
        try {
          decodeHeaders(noise);
        } catch (error) {
          expect(error).toBeInstanceOf(SpdyError);
        }
      }),
    );
  });
});

/** Each block for itself, with the dictionary and without the window before: what streams of one peer need for a test. */
const compression: HeaderCompression = {
  deflate: (block) => deflateRawSync(block, { dictionary: headerDictionary, finishFlush: zlib.Z_SYNC_FLUSH }),
  inflate: (block) => inflateRawSync(block, { dictionary: headerDictionary, finishFlush: zlib.Z_SYNC_FLUSH }),
};

/** One end, and all that it was told. */
class Peer {
  readonly log: string[] = [];
  readonly received = new Map<number, Uint8Array[]>();
  readonly session: SpdySession;
  output: Uint8Array[] = [];
  readonly opened: SpdyStream[] = [];

  constructor(role: "client" | "server", flowControl: boolean, maxStreams?: number) {
    const say = (text: string) => void this.log.push(text);
    this.session = new SpdySession({
      role,
      flowControl,
      compression,
      maxStreams,
      events: {
        onStream: (stream, headers) => {
          say(`stream ${stream.id} ${headers.map((header) => header.join("=")).join(" ")}`);
          this.opened.push(stream);
        },
        onReply: (stream) => say(`reply ${stream.id}`),
        onData: (stream, data) => {
          const all = this.received.get(stream.id) ?? [];
          this.received.set(stream.id, [...all, data.slice()]);
        },
        onEnd: (stream) => say(`end ${stream.id}`),
        onReset: (stream, status) => say(`reset ${stream.id} ${status}`),
        onDrain: (stream) => say(`drain ${stream.id}`),
        onGoaway: () => say("goaway"),
        onOutput: (chunk) => void this.output.push(chunk),
      },
    });
  }

  take(): Uint8Array {
    const all = concatBytes(this.output);
    this.output = [];
    return all;
  }

  text(id: number): Uint8Array {
    return concatBytes(this.received.get(id) ?? []);
  }
}

function pair(flowControl: boolean, maxStreams?: number) {
  const [client, server] = [new Peer("client", flowControl), new Peer("server", flowControl, maxStreams)];
  const settle = () => {
    for (let rounds = 0; client.output.length + server.output.length > 0; rounds++) {
      expect(rounds).toBeLessThan(1000);
      server.session.receive(client.take());
      client.session.receive(server.take());
    }
  };
  return { client, server, settle };
}

describe("a session", () => {
  test("opens streams, talks both ways, ends one half after the other", () => {
    const { client, server, settle } = pair(false);
    const stream = client.session.open([["streamType", "stdin"]]);
    client.session.send(stream, Buffer.from("in"));
    settle();
    const [remote] = server.opened as [SpdyStream];
    server.session.reply(remote);
    client.session.end(stream);
    settle();
    server.session.send(remote, Buffer.from("out"));
    server.session.end(remote);
    settle();
    expect(server.log).toEqual(["stream 1 streamtype=stdin", "end 1"]);
    expect(client.log).toEqual(["reply 1", "end 1"]);
    expect([server.text(1), client.text(1)].map(String)).toEqual(
      [Buffer.from("in"), Buffer.from("out")].map((b) => `${[...b]}`),
    );
    expect(server.session.streams.size + client.session.streams.size).toBe(0);
  });

  test("an answered ping comes back, an answer does not", () => {
    const { client, server } = pair(false);
    client.session.ping(1);
    server.session.receive(client.take());
    const answer = server.take();
    client.session.receive(answer);
    expect(Buffer.from(answer).toString("hex")).toBe("800300060000000400000001");
    expect(client.take().length).toBe(0);
  });

  test("data beyond the window waits, and leaves as the peer consumes", () => {
    const { client, server, settle } = pair(true);
    const stream = client.session.open([]);
    expect(client.session.send(stream, new Uint8Array(64 * 1024))).toBe(true);
    expect(client.session.send(stream, new Uint8Array(100))).toBe(false);
    client.session.end(stream);
    settle();
    expect(server.text(1).length).toBe(64 * 1024);
    expect(server.log).toEqual(["stream 1 "]);
    server.session.consumed(server.opened[0] as SpdyStream, 40_000);
    settle();
    expect(server.text(1).length).toBe(64 * 1024 + 100);
    expect(client.log).toEqual(["drain 1"]);
    expect(server.log).toEqual(["stream 1 ", "end 1"]);
  });

  test("a smaller initial window applies to open streams", () => {
    const { client, server, settle } = pair(true);
    const stream = client.session.open([]);
    const settings = [{ id: initialWindowSetting, flags: 0, value: 10 }];
    client.session.receive(encodeFrame({ type: "SETTINGS", settings }));
    expect(client.session.send(stream, new Uint8Array(11))).toBe(false);
    settle();
    expect(server.text(1).length).toBe(10);
  });

  test("who ignores the window has its stream reset", () => {
    const { client, server } = pair(true);
    client.session.open([]);
    server.session.receive(client.take());
    server.session.receive(encodeFrame({ type: "DATA", streamId: 1, fin: false, data: new Uint8Array(64 * 1024 + 1) }));
    expect(server.log).toEqual(["stream 1 ", `reset 1 ${RstStatus.FLOW_CONTROL_ERROR}`]);
  });

  test("more streams than allowed are refused", () => {
    const { client, server, settle } = pair(false, 1);
    client.session.open([]);
    client.session.open([]);
    settle();
    expect(server.log).toEqual(["stream 1 "]);
    expect(client.log).toEqual([`reset 3 ${RstStatus.REFUSED_STREAM}`]);
  });

  test("an id that was used ends the session with GOAWAY", () => {
    const { client, server } = pair(false);
    client.session.open([]);
    const opening = client.take();
    server.session.receive(opening);
    expect(() => server.session.receive(opening)).toThrow(SpdyError);
    client.session.receive(server.take());
    expect(client.log).toEqual(["goaway"]);
  });

  test("whatever is sent arrives whole and in order, in any chunks, with and without windows", () => {
    const script = fc.array(fc.record({ stream: fc.nat({ max: 2 }), data: fc.integer({ min: 1, max: 90_000 }) }), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(fc.boolean(), script, fc.array(fc.nat(), { maxLength: 10 }), (flowControl, sends, places) => {
        const { client, server } = pair(flowControl);
        const streams = [0, 1, 2].map(() => client.session.open([]));
        const sent = new Map(streams.map((stream) => [stream.id, [] as Uint8Array[]]));
        for (const [i, { stream, data }] of sends.entries()) {
          const chunk = new Uint8Array(data).fill(i + 1);
          client.session.send(streams[stream] as SpdyStream, chunk);
          sent.get((streams[stream] as SpdyStream).id)?.push(chunk);
        }
        for (const stream of streams) client.session.end(stream);
        for (let rounds = 0; rounds < 200 && client.output.length > 0; rounds++) {
          const before = new Map([...server.received].map(([id]) => [id, server.text(id).length]));
          for (const chunk of cut(client.take(), places)) server.session.receive(chunk);
          for (const stream of server.opened)
            server.session.consumed(stream, server.text(stream.id).length - (before.get(stream.id) ?? 0));
          client.session.receive(server.take());
        }
        for (const [id, chunks] of sent) expect(equalBytes(server.text(id), concatBytes(chunks))).toBe(true);
        expect(server.log.filter((line) => line.startsWith("end")).length).toBe(3);
      }),
      { numRuns: 60 },
    );
  });
});
