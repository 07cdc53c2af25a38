// Two connections that talk to each other, and frames made by hand.
import { concatBytes } from "../../base/mod.ts";
import { Connection } from "./connection.ts";
import { type ErrorCode, preface } from "./constants.ts";
import type { ConnectionEvents } from "./events.ts";
import type { ConnectionOptions } from "./options.ts";
import type { Stream } from "./stream.ts";

export type Happening =
  | { kind: "headers"; id: number; status: string | undefined; path: string | undefined; end: boolean }
  | { kind: "data"; id: number; bytes: Uint8Array; end: boolean }
  | { kind: "abort"; id: number; code: ErrorCode }
  | { kind: "drain"; id: number }
  | { kind: "pong" | "ping" | "goaway" }
  | { kind: "error"; code: ErrorCode };

/** One end of a connection that writes down all that happens to it. */
export class End implements ConnectionEvents<string> {
  readonly http2: Connection<string>;
  readonly happened: Happening[] = [];
  readonly streams = new Map<number, Stream<string>>();

  constructor(options: ConnectionOptions) {
    this.http2 = new Connection(options, this);
  }

  /** What it has to say. */
  take(): Uint8Array {
    const parts: Uint8Array[] = [];
    while (this.http2.output.length > 0) {
      this.http2.flush((bytes) => {
        parts.push(bytes.slice());
        return true;
      });
    }
    return concatBytes(parts);
  }

  receive(bytes: Uint8Array, nowMs = 0): void {
    this.http2.receive(bytes, nowMs);
  }

  stream(id: number): Stream<string> {
    return this.streams.get(id) as Stream<string>;
  }

  of<K extends Happening["kind"]>(kind: K): Extract<Happening, { kind: K }>[] {
    return this.happened.filter((happening) => happening.kind === kind) as Extract<Happening, { kind: K }>[];
  }

  /** All payload received on a stream. */
  payload(id: number): Uint8Array {
    return concatBytes(this.of("data").flatMap((data) => (data.id === id ? [data.bytes] : [])));
  }

  onHeaders(stream: Stream<string>, { status, path }: { status?: string; path?: string }, end: boolean): void {
    this.streams.set(stream.id, stream);
    this.happened.push({ kind: "headers", id: stream.id, status, path, end });
  }

  onData({ id }: Stream<string>, bytes: Uint8Array, start: number, stop: number, end: boolean): void {
    this.happened.push({ kind: "data", id, bytes: bytes.slice(start, stop), end });
  }

  onAbort({ id }: Stream<string>, code: ErrorCode): void {
    this.happened.push({ kind: "abort", id, code });
  }

  onDrain({ id }: Stream<string>): void {
    this.happened.push({ kind: "drain", id });
  }

  onOutput(): void {
    // Tests take the output when they want it.
  }

  onPing(): void {
    this.happened.push({ kind: "ping" });
  }

  onPong(): void {
    this.happened.push({ kind: "pong" });
  }

  onSettings(): void {
    // Seen by their effects.
  }

  onGoaway(): void {
    this.happened.push({ kind: "goaway" });
  }

  onError({ code }: { code: ErrorCode }): void {
    this.happened.push({ kind: "error", code });
  }
}

/** Client and server, settings exchanged. `talk` passes on what they say until both are silent. */
export function connected(server: Partial<ConnectionOptions> = {}, client: Partial<ConnectionOptions> = {}) {
  const ends = { client: new End({ ...client, role: "client" }), server: new End({ ...server, role: "server" }) };
  const talk = () => {
    for (;;) {
      const up = ends.client.take();
      ends.server.receive(up);
      const down = ends.server.take();
      ends.client.receive(down);
      if (up.length + down.length === 0) return;
    }
  };
  talk();
  return { ...ends, talk };
}

/** A server that has heard a client's preface and settings, and its answer to them taken away. */
export function greeted(options: Partial<ConnectionOptions> = {}): End {
  const server = new End({ ...options, role: "server" });
  server.receive(concatBytes([preface, frame(4, 0, 0)]));
  server.take();
  return server;
}

export function frame(type: number, flags: number, id: number, payload: ArrayLike<number> = []): Uint8Array {
  const { length } = payload;
  const head = [length >> 16, length >> 8, length, type, flags, id >> 24, id >> 16, id >> 8, id];
  return Uint8Array.from([...head, ...Array.from(payload)]);
}

/** Type, flags, stream and payload of each frame. */
export function frames(bytes: Uint8Array): { type: number; flags: number; id: number; payload: Uint8Array }[] {
  const found = [];
  for (let at = 0; at < bytes.length; ) {
    const length = (bytes[at] as number) * 65_536 + (bytes[at + 1] as number) * 256 + (bytes[at + 2] as number);
    const id = new DataView(bytes.buffer, bytes.byteOffset).getUint32(at + 5);
    const payload = bytes.slice(at + 9, at + 9 + length);
    found.push({ type: bytes[at + 3] as number, flags: bytes[at + 4] as number, id, payload });
    at += 9 + length;
  }
  return found;
}

export const request = [
  { name: ":method", value: "POST" },
  { name: ":scheme", value: "http" },
  { name: ":path", value: "/service/method" },
  { name: ":authority", value: "localhost" },
];
/** `request` in HPACK: all of it in the static table or literal. */
export const requestBlock = [0x83, 0x86, 0x84, 0x01, 1, 0x78];
export const response = [{ name: ":status", value: "200" }];
