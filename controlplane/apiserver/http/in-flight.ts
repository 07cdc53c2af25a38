/** How many requests are answered at once; 0: any number. */
export interface InFlightLimits {
  readonly reading: number;
  readonly writing: number;
}

export const defaultLimits: InFlightLimits = { reading: 400, writing: 200 };

/** Requests that stay open as long as their client likes: they take no place. */
const longRunning = new Set(["watch", "connect", "proxy"]);
const longRunningSubresources = new Set(["attach", "exec", "log", "portforward", "proxy"]);

/** Keeps a crowd of requests from starving all of them: beyond the limits a request is told to come back. */
export class InFlight {
  readonly #limits: InFlightLimits;
  #reading = 0;
  #writing = 0;

  constructor(limits: InFlightLimits) {
    this.#limits = limits;
  }

  /**
   * Takes a place for the request; call the answer when it is done. undefined: there is none. Administrators of the cluster
   * always get one, so that somebody can look at what is going on.
   */
  enter(verb: string, subresource: string, groups: readonly string[]): (() => void) | undefined {
    if (longRunning.has(verb) || longRunningSubresources.has(subresource) || groups.includes("system:masters"))
      return () => undefined;
    if (verb === "get" || verb === "list") {
      if (this.#limits.reading > 0 && this.#reading >= this.#limits.reading) return undefined;
      this.#reading++;
      return () => void this.#reading--;
    }
    if (this.#limits.writing > 0 && this.#writing >= this.#limits.writing) return undefined;
    this.#writing++;
    return () => void this.#writing--;
  }
}
