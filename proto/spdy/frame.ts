/** A header and its value; several values of one header are joined by NUL on the wire and are several entries here. */
export type SpdyHeader = readonly [name: string, value: string];

/** A frame of SPDY/3.1, with its header block as it is compressed on the wire. */
export type SpdyFrame =
  | {
      readonly type: "SYN_STREAM";
      readonly streamId: number;
      readonly associatedTo: number;
      /** 0 is the highest, 7 the lowest. */
      readonly priority: number;
      readonly fin: boolean;
      /** The receiver may not answer on the stream. */
      readonly unidirectional: boolean;
      readonly block: Uint8Array;
    }
  | {
      readonly type: "SYN_REPLY" | "HEADERS";
      readonly streamId: number;
      readonly fin: boolean;
      readonly block: Uint8Array;
    }
  | { readonly type: "DATA"; readonly streamId: number; readonly fin: boolean; readonly data: Uint8Array }
  | { readonly type: "RST_STREAM"; readonly streamId: number; readonly status: number }
  | { readonly type: "SETTINGS"; readonly settings: readonly SpdySetting[] }
  | { readonly type: "PING"; readonly id: number }
  | { readonly type: "GOAWAY"; readonly lastGoodStreamId: number; readonly status: number }
  | { readonly type: "WINDOW_UPDATE"; readonly streamId: number; readonly delta: number };

export interface SpdySetting {
  readonly id: number;
  readonly flags: number;
  readonly value: number;
}

export const spdyVersion = 3;

/** Types of control frames on the wire. 5 was NOOP, which nobody sends any more. */
export const controlTypes = {
  SYN_STREAM: 1,
  SYN_REPLY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PING: 6,
  GOAWAY: 7,
  HEADERS: 8,
  WINDOW_UPDATE: 9,
} as const satisfies Record<Exclude<SpdyFrame["type"], "DATA">, number>;

/** Why a stream was reset (§2.6.3). */
export const RstStatus = {
  PROTOCOL_ERROR: 1,
  INVALID_STREAM: 2,
  REFUSED_STREAM: 3,
  UNSUPPORTED_VERSION: 4,
  CANCEL: 5,
  INTERNAL_ERROR: 6,
  FLOW_CONTROL_ERROR: 7,
  STREAM_IN_USE: 8,
  STREAM_ALREADY_CLOSED: 9,
} as const;

/** Why a session ends (§2.6.6). */
export const GoawayStatus = { OK: 0, PROTOCOL_ERROR: 1, INTERNAL_ERROR: 2 } as const;

/** The id of the setting that says how large a new stream's window is. */
export const initialWindowSetting = 7;

/** The peer broke the protocol: the session ends. */
export class SpdyError extends Error {
  override readonly name = "SpdyError";
}
