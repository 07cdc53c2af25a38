/**
 * The world failed: a disk, a socket, a file, a setting. Says what failed and why (message), what to do about it (advice),
 * and a stable code that scripts and searches can rely on. Not for bugs of ours (assert) nor for answers a caller expects.
 */
export class Failure extends Error {
  override readonly name = "Failure";
  /** For example `PortTaken`. */
  readonly code: string;
  readonly advice: string;

  constructor(code: string, message: string, advice: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.advice = advice;
  }
}
