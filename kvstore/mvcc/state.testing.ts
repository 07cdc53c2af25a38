import { VirtualClock } from "../../base/mod.ts";
import type { EngineHome } from "./engine.ts";
import { MemoryHome } from "./memory-engine.ts";
import { openState, type State } from "./state.ts";

/** A state machine over a home that survives it, in virtual time. */
export class TestState {
  readonly home: EngineHome;
  readonly clock: VirtualClock;
  #state: State | undefined;

  constructor({
    home = new MemoryHome(),
    clock = new VirtualClock(),
  }: { home?: EngineHome; clock?: VirtualClock } = {}) {
    this.home = home;
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
    this.#state = await openState({ home: this.home, clock: this.clock, minLeaseTtl: 2, onFailure });
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
