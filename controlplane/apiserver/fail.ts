import { type FailureStatus, StatusError } from "../api/mod.ts";

/** Ends the request with this Status: thrown through the handlers, answered at the edge. */
export function fail(status: FailureStatus): never {
  throw new StatusError(status);
}
