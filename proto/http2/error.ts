import type { ErrorCode } from "./constants.ts";

/** Ends the connection: after this the two sides no longer agree on what was said (§5.4.1). */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Ends one stream, because of what the peer did on it (§5.4.2). */
export class StreamError extends Error {
  override readonly name = "StreamError";
  readonly streamId: number;
  readonly code: ErrorCode;

  constructor(streamId: number, code: ErrorCode) {
    super(`stream ${streamId}`);
    this.streamId = streamId;
    this.code = code;
  }
}
