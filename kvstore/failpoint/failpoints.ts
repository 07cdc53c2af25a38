import type { Random } from "../../base/mod.ts";
import { type FailpointName, failpointNames } from "./names.ts";
import { type Effect, Terms } from "./terms.ts";

/** What a failpoint does to the process. */
export interface Effects {
  /** Ends the process as a crash would. In tests it throws. */
  crash(name: string, why: string): never;
  print(line: string): void;
  after(ms: number, fire: () => void): void;
  /** Nothing at all happens in this thread for so long. */
  stop(ms: number): void;
  readonly random: Random;
}

/**
 * Places in the store at which a test can have it crash, dawdle, or fail, while it runs. A place asks `armed` first, which is
 * all that it costs while nothing is set: `if (failpoints.armed) await failpoints.pause("beforeCommit")`.
 *
 * A `sleep` delays what passes the place, in order, and nothing else: where the original stops a goroutine, here one path of
 * work waits and the event loop goes on.
 */
export class Failpoints {
  /** Whether anything is set anywhere. */
  armed = false;
  readonly #effects: Effects;
  readonly #set = new Map<FailpointName, Terms>();

  constructor(effects: Effects) {
    this.#effects = effects;
  }

  /** False if there is no such failpoint or the text is not of the terms' language. */
  set(name: string, text: string): boolean {
    if (!isFailpoint(name)) return false;
    const terms = Terms.parse(text);
    if (terms === undefined) return false;
    this.#set.set(name, terms);
    this.armed = true;
    return true;
  }

  /** False if nothing was set there. */
  clear(name: string): boolean {
    const was = isFailpoint(name) && this.#set.delete(name);
    this.armed = this.#set.size > 0;
    return was;
  }

  /** What is set at each failpoint, "" where nothing is, by name; and how often it acted. */
  list(): readonly { readonly name: FailpointName; readonly terms: string; readonly count: number }[] {
    const names = Object.keys(failpointNames).sort() as FailpointName[];
    return names.map((name) => {
      const terms = this.#set.get(name);
      return { name, terms: terms?.text ?? "", count: terms?.count ?? 0 };
    });
  }

  /** For a path that can wait. */
  async pause(name: FailpointName): Promise<void> {
    const ms = this.delayMs(name);
    if (ms > 0) await new Promise<void>((resolve) => this.#effects.after(ms, resolve));
  }

  /** For a path of callbacks: `goOn` now, or when the delay is over. */
  pass(name: FailpointName, goOn: () => void): void {
    const ms = this.delayMs(name);
    if (ms > 0) this.#effects.after(ms, goOn);
    else goOn();
  }

  /** For a path that can neither wait nor pass on: the whole event loop stops. */
  stop(name: FailpointName): void {
    const ms = this.delayMs(name);
    if (ms > 0) this.#effects.stop(ms);
  }

  /** For a path that has its own way of waiting: for how long it should. */
  delayMs(name: FailpointName): number {
    const effect = this.#happens(name);
    return effect?.kind === "sleep" ? effect.ms : 0;
  }

  /** For a path that can be turned away: what `return` says, undefined if it says nothing. */
  returned(name: FailpointName): { readonly value: string | number | boolean | undefined } | undefined {
    const effect = this.#happens(name);
    return effect?.kind === "return" ? effect : undefined;
  }

  #happens(name: FailpointName): Effect | undefined {
    const effect = this.#set.get(name)?.next(this.#effects.random);
    if (effect?.kind === "panic") this.#effects.crash(name, effect.why);
    if (effect?.kind === "print") this.#effects.print(`failpoint print: ${name}`);
    return effect;
  }
}

function isFailpoint(name: string): name is FailpointName {
  return Object.hasOwn(failpointNames, name);
}
