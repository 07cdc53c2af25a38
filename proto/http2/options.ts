/** What a connection allows its peer. */
export interface ConnectionOptions {
  readonly role: "client" | "server";
  /** Streams that the peer may have open at once. */
  readonly maxConcurrentStreams?: number;
  /** Payload that the peer may send on a stream, and on all of them, before we give some back. */
  readonly streamWindowBytes?: number;
  readonly connectionWindowBytes?: number;
  /** Of a header list, by the measure of §10.5.1, and of its encoding. */
  readonly maxHeaderListBytes?: number;
  /** Queued payload of a stream, above which `sendData` returns false. */
  readonly highWaterBytes?: number;
  /** Of resets by the peer and of frames that carry nothing: see Budget. */
  readonly resetBudget?: { readonly burst: number; readonly perSecond: number };
  readonly idleBudget?: { readonly burst: number; readonly perSecond: number };
}

export const defaults = {
  maxConcurrentStreams: 0xffff_ffff,
  streamWindowBytes: 1 << 20,
  connectionWindowBytes: 1 << 24,
  maxHeaderListBytes: 1 << 16,
  highWaterBytes: 1 << 16,
  resetBudget: { burst: 1000, perSecond: 200 },
  idleBudget: { burst: 10_000, perSecond: 2000 },
} satisfies Omit<Required<ConnectionOptions>, "role">;
