/** Why a container could not be started: the reason it waits with, as kubectl shows it, and when to try again. */
export class StartError extends Error {
  override readonly name = "StartError";
  readonly reason: string;
  /** Undefined: with the next regular pass over the pod. */
  readonly retryAfterMs: number | undefined;

  constructor(reason: string, message: string, retryAfterMs?: number, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}
