import { Buffer } from "node:buffer";
import { type Clock, fromUtf8, type Log } from "../../../base/mod.ts";
import { raftpb } from "../../../proto/mod.ts";
import { type Message, MessageType, type NodeId } from "../../../raft/mod.ts";
import type { Counter, MemberMetrics } from "../../metrics/mod.ts";
import type { TlsOptions } from "../../tls/mod.ts";
import type { PeerAddress, PeerRequest } from "../transport.ts";
import { Channel } from "./channel.ts";
import { type FrameKind, frameHeadBytes, frameKinds, putFrameHead } from "./frame.ts";
import type { Hello, StreamKind } from "./hello.ts";

const requestTimeoutMs = 5000;
/** How long a proposal waits for a connection, and how much of them. */
const holdMs = 1000;
const holdLimitBytes = 4 * 1024 * 1024;

export interface RemoteOptions {
  readonly clusterId: bigint;
  readonly self: NodeId;
  readonly version: string;
  readonly peerUrls: () => readonly string[];
  readonly tls: TlsOptions | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly readTimeoutMs?: number;
  readonly metrics: MemberMetrics;
  readonly onUnreachable: (id: NodeId) => void;
  readonly onRemoved: () => void;
}

interface Asked {
  readonly resolve: (answer: Uint8Array) => void;
  readonly reject: (error: Error) => void;
}

/** Another member, as the one we send to. It sends to us on connections of its own. */
export class Remote {
  readonly address: PeerAddress;
  readonly #options: RemoteOptions;
  readonly #messages: Channel;
  readonly #appends: Channel;
  readonly #asked = new Map<number, Asked>();
  readonly #lostSends: Counter;
  /** Proposals passed on while there was no connection. */
  #held: { readonly frames: Uint8Array; readonly sinceMs: number }[] = [];
  #requests = 0;
  version: string | undefined;

  constructor(address: PeerAddress, options: RemoteOptions) {
    this.address = address;
    this.#options = options;
    this.#lostSends = options.metrics.peerSendFailures.with(address.id.toString(16));
    this.#messages = this.#channel("message");
    this.#appends = this.#channel("append");
  }

  get upSinceMs(): number | undefined {
    return this.#messages.upSinceMs;
  }

  /** What one turn has for this member: one write per channel. */
  send(messages: readonly Message[]): void {
    const appends = messages.filter(isAppend);
    const others = appends.length === 0 ? messages : messages.filter((message) => !isAppend(message));
    let lost = false;
    if (appends.length > 0 && !this.#write(this.#appends, encode(appends))) {
      lost = true;
      this.#hold(appends.filter(({ type }) => type === MessageType.MsgProp));
    }
    if (others.length > 0) lost = !this.#write(this.#messages, encode(others)) || lost;
    if (lost) this.#options.onUnreachable(this.address.id);
  }

  #write(channel: Channel, frames: Uint8Array): boolean {
    const sent = channel.write(frames);
    if (!sent) this.#lostSends.value++;
    return sent;
  }

  /**
   * Raft sends its own messages again, and nobody sends a lost proposal again: its client would wait in vain, just because the leader was elected before all were
   * connected. (etcd's pipeline carries what finds no stream.)
   */
  #hold(proposals: readonly Message[]): void {
    if (proposals.length === 0) return;
    const sinceMs = this.#options.clock.monotonic();
    this.#held = this.#held.filter((held) => sinceMs - held.sinceMs < holdMs);
    const frames = encode(proposals);
    const heldBytes = this.#held.reduce((bytes, held) => bytes + held.frames.length, 0);
    if (heldBytes + frames.length <= holdLimitBytes) this.#held.push({ frames, sinceMs });
  }

  #release(): void {
    const now = this.#options.clock.monotonic();
    for (const { frames, sinceMs } of this.#held.splice(0)) if (now - sinceMs < holdMs) this.#appends.write(frames);
  }

  request(kind: PeerRequest, payload: Uint8Array): Promise<Uint8Array> {
    const number = ++this.#requests;
    const bytes = new Uint8Array(frameHeadBytes + 5 + payload.length);
    let at = putFrameHead(bytes, 0, frameKinds.request, 5 + payload.length);
    new DataView(bytes.buffer).setUint32(at, number, true);
    at += 4;
    bytes[at++] = kind;
    bytes.set(payload, at);
    return new Promise((resolve, reject) => {
      if (!this.#messages.write(bytes)) {
        reject(new Error("no connection"));
        return;
      }
      const timer = this.#options.clock.after(requestTimeoutMs, () => {
        this.#asked.delete(number);
        reject(new Error("no answer"));
      });
      const settled = () => {
        timer.cancel();
        this.#asked.delete(number);
      };
      this.#asked.set(number, {
        resolve(answer) {
          settled();
          resolve(answer);
        },
        reject(error) {
          settled();
          reject(error);
        },
      });
    });
  }

  stop(): void {
    this.#messages.stop();
    this.#appends.stop();
    this.#fail("stopping");
  }

  hello(stream: StreamKind): Hello {
    const { clusterId, self, version, peerUrls } = this.#options;
    return { clusterId, from: self, to: this.address.id, stream, version, peerUrls: peerUrls() };
  }

  #channel(stream: StreamKind): Channel {
    const { tls, clock, log, readTimeoutMs, metrics, self, onRemoved } = this.#options;
    const id = this.address.id.toString(16);
    const roundTrips = metrics.peerRoundTrips.with(id);
    const receivedBytes = metrics.peerReceivedBytes.with(id);
    const sentBytes = metrics.peerSentBytes.with(id);
    return new Channel({
      hello: this.hello(stream),
      urls: this.address.peerUrls,
      tls,
      clock,
      log,
      readTimeoutMs,
      onFrame: (kind, payload) => this.#frame(kind, payload),
      onRemoved,
      onRoundTrip: (ms) => roundTrips.observe(ms / 1000),
      onReceived: (bytes) => {
        receivedBytes.value += bytes;
      },
      onSent: (bytes) => {
        sentBytes.value += bytes;
      },
      onUp: (theirs) => {
        this.version = theirs.version;
        if (stream === "append") this.#release();
        else log("info", "peer connected", { peer: this.address.id.toString(16) });
      },
      onDown: () => {
        metrics.peerDisconnects.with(self.toString(16), id).value++;
        this.#fail("the connection was lost");
        this.#options.onUnreachable(this.address.id);
      },
    });
  }

  #frame(kind: FrameKind, payload: Uint8Array): void {
    if (kind !== frameKinds.response) return;
    const number = new DataView(payload.buffer, payload.byteOffset).getUint32(0, true);
    const asked = this.#asked.get(number);
    const answer = payload.subarray(5);
    if (payload[4] === 0) asked?.resolve(answer);
    else asked?.reject(new Error(fromUtf8(answer)));
  }

  abandonRequests(): void {
    this.#fail("somebody else is asked");
  }

  #fail(why: string): void {
    for (const asked of [...this.#asked.values()]) asked.reject(new Error(why));
  }
}

/** What carries entries, and so may be long. Raft needs no order between the two kinds. */
function isAppend(message: Message): boolean {
  return message.entries.length > 0;
}

function encode(messages: readonly Message[]): Uint8Array {
  // Sizes are asked for twice, since writing a message must follow asking for its size: that is cheaper than copying.
  let total = 0;
  for (const message of messages) total += frameHeadBytes + raftpb.Message.size(message);
  const bytes = Buffer.allocUnsafe(total);
  let at = 0;
  for (const message of messages) {
    at = putFrameHead(bytes, at, frameKinds.message, raftpb.Message.size(message));
    at = raftpb.Message.write(message, bytes, at);
  }
  return bytes;
}
