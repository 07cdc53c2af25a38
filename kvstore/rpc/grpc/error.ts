import type { Status } from "../../../proto/mod.ts";

/** An error that a client sees as it stands: thrown by a handler, it ends the call with this code and text. */
export class RpcError extends Error {
  override readonly name = "RpcError";
  readonly code: Status;

  constructor(code: Status, message: string) {
    super(message);
    this.code = code;
  }
}
