import type { Status } from "../api/mod.ts";

/** A refusal on its way to the client. */
export class StatusError extends Error {
  readonly status: Status;

  constructor(code: number, reason: string, message: string, more: Partial<Status> = {}) {
    super(message);
    this.status = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", code, reason, message, ...more };
  }
}
