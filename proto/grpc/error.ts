import type { Status } from "../status.ts";

/** An error of a call, as it goes over the wire: thrown by a handler, it is the call's answer. */
export class RpcError extends Error {
  override readonly name = "RpcError";
  readonly code: Status;

  constructor(code: Status, message: string) {
    super(message);
    this.code = code;
  }
}
