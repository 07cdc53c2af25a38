import { VirtualClock } from "../../base/mod.ts";
import type { EngineHome } from "./engine.ts";
import { MemoryHome } from "./memory-engine.ts";
import { openState, type State, type StateOptions } from "./state.ts";

type Limits = Pick<StateOptions, "recentHistoryBytes" | "recordMemoryBytes" | "batching">;

export interface TestStateOptions extends Limits {
  readonly home?: EngineHome;
  readonly clock?: VirtualClock;
}

/** A state machine over a home that survives it, in virtual time. */
export class TestState {
  readonly home: EngineHome;
  readonly clock: VirtualClock;
  readonly #limits: Limits;
  #state: State | undefined;

  constructor({ home, clock = new VirtualClock(), ...limits }: TestStateOptions = {}) {
    this.home = home ?? new MemoryHome();
    this.#limits = limits;
    this.clock = clock;
  }

  get state(): State {
    if (this.#state === undefined) throw new Error("open the state first");
    return this.#state;
  }

  async open(): Promise<State> {
    const onFailure = (error: unknown) => {
      throw error;
    };
    const { home, clock } = this;
    this.#state = await openState({ home, clock, minLeaseTtl: 2, onFailure, ...this.#limits });
    return this.#state;
  }

  /** Stops in order: all that was applied is on disk. */
  async restart(): Promise<State> {
    await this.until(this.state.backend.close());
    return this.open();
  }

  /** Forgets everything that no batch has written. */
  async crash(): Promise<State> {
    return this.open();
  }

  /** Lets time pass until `job` is done. */
  async until<T>(job: Promise<T>): Promise<T> {
    let done = false;
    const finished = job.finally(() => {
      done = true;
    });
    finished.catch(() => undefined);
    while (!done) await this.pass(1);
    return finished;
  }

  /** Lets `ms` pass, and whatever that wakes run. */
  async pass(ms: number): Promise<void> {
    for (let i = 0; i < ms; i++) {
      this.clock.advance(1);
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }
}
