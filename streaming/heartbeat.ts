/** As often as kubectl does. */
const everyMs = 5_000;

/**
 * Says something now and then while a connection is not read, because who reads from it is slow: that its other end has gone shows only when it is
 * read, or written to.
 */
export class Heartbeat {
  readonly #beat: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(beat: () => void) {
    this.#beat = beat;
  }

  start(): void {
    this.#timer ??= setInterval(this.#beat, everyMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
