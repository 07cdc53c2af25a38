import type { Status } from "../api/mod.ts";

/** The server answered, and the answer is no. Carries the whole Status, as kubectl would print it. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: Status;
  /** HTTP status code. */
  readonly code: number;
  /** Machine-readable reason, for example `NotFound`; empty when the server gave none. */
  readonly reason: string;
  /** The server asks to come back after this long; undefined when it did not. */
  readonly retryAfterMs: number | undefined;

  constructor(status: Status, retryAfterMs?: number) {
    super(status.message ?? status.reason ?? `HTTP ${status.code}`);
    this.status = status;
    this.code = status.code ?? 0;
    this.reason = status.reason ?? "";
    this.retryAfterMs = retryAfterMs;
  }
}

function hasReason(error: unknown, ...reasons: readonly string[]): boolean {
  return error instanceof ApiError && reasons.includes(error.reason);
}

export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.code === 404;
}

export function isAlreadyExists(error: unknown): boolean {
  return hasReason(error, "AlreadyExists");
}

/** Somebody wrote the object since we read it: read again, decide again. */
export function isConflict(error: unknown): boolean {
  return error instanceof ApiError && error.code === 409 && error.reason !== "AlreadyExists";
}

/** The resource version is older than the history that the server keeps: list again. */
export function isExpired(error: unknown): boolean {
  return error instanceof ApiError && error.code === 410;
}

/** The namespace is being deleted: nothing can be created in it. */
export function isNamespaceTerminating(error: unknown): boolean {
  return (
    error instanceof ApiError &&
    error.code === 403 &&
    (error.status.details?.causes?.some((cause) => cause.reason === "NamespaceTerminating") ??
      error.message.includes("because it is being terminated"))
  );
}
