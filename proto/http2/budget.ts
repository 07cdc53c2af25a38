/** How often something may happen that costs the other side nothing: `burst` times at once, then `perSecond`. */
export class Budget {
  readonly #burst: number;
  readonly #perMs: number;
  #left: number;
  #atMs = 0;

  constructor(burst: number, perSecond: number) {
    this.#burst = burst;
    this.#perMs = perSecond / 1000;
    this.#left = burst;
  }

  /** False once it is used up. */
  spend(nowMs: number): boolean {
    if (nowMs > this.#atMs) {
      this.#left = Math.min(this.#burst, this.#left + (nowMs - this.#atMs) * this.#perMs);
      this.#atMs = nowMs;
    }
    this.#left--;
    return this.#left >= 0;
  }
}
