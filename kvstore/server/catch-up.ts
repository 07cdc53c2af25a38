/**
 * How well a learner keeps up, in rounds (thesis §4.2.1): a round brings it all that was in the log when the round began. The
 * last round's length is for how long it would hold up commits that have to wait for it.
 */
export class CatchUp {
  readonly #maxRoundMs: number;
  #target: number;
  #startedMs: number;

  /** `maxRoundMs`: an election timeout. Who needs longer would be missed as a voter as a fallen leader is. */
  constructor(maxRoundMs: number, lastIndex: number, nowMs: number) {
    this.#maxRoundMs = maxRoundMs;
    this.#target = lastIndex;
    this.#startedMs = nowMs;
  }

  /** Whether a round has just ended that was short enough. The next one begins when one ends. */
  keptUp(match: number, lastIndex: number, nowMs: number): boolean {
    if (match < this.#target) return false;
    const roundMs = nowMs - this.#startedMs;
    this.#target = lastIndex;
    this.#startedMs = nowMs;
    return roundMs <= this.#maxRoundMs;
  }
}
