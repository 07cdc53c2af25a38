/** Cancels what it stands for. Cancelling twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void;
}

/** Time as an argument: production passes the machine's, tests and the simulator their own. */
export interface Clock {
  /** Wall clock, in milliseconds since 1970. May jump. */
  now(): number;
  /** Milliseconds from an arbitrary start. Never goes back. */
  monotonic(): number;
  /** Calls `fire` once, `delayMs` from now, never before this call returns. */
  after(delayMs: number, fire: () => void): Timer;
}
