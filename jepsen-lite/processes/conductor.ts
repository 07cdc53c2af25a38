import type { Random } from "../../base/mod.ts";
import type { Recorder } from "../history/mod.ts";
import { pick, shuffled } from "./draw.ts";
import { sleep } from "./machine-clock.ts";
import type { Applied, Nemesis, NemesisContext } from "./nemesis.ts";

export interface ConductorOptions {
  readonly nemeses: readonly Nemesis[];
  readonly recorder: Recorder;
  readonly random: Random;
  readonly context: NemesisContext;
  /** Between one fault and the next. */
  readonly quietMs: number;
}

/** What can go on while something else is broken: it takes nobody down. */
const companions: ReadonlySet<string> = new Set(["link", "clock", "pause"]);

/** What nobody felt is done again, at most so many times beyond the time that was set. */
const mostExtraRounds = 3;

/** Has nemeses break things by turns, now and then two at a time, and writes down what they did. */
export class Conductor {
  readonly #options: ConductorOptions;
  #queue: Nemesis[] = [];
  /** Summed over what each fault came to. */
  readonly effects = new Map<string, number>();
  /** Faults that were made. */
  count = 0;

  constructor(options: ConductorOptions) {
    this.#options = options;
  }

  /** Until `isOver`, and a little longer if a fault had no effect so far. All that it broke is mended when it resolves. */
  async run(isOver: () => boolean): Promise<void> {
    const { quietMs, context, nemeses, random } = this.#options;
    for (let extra = 0; !isOver() || (extra < mostExtraRounds && this.#missing); extra += isOver() ? 1 : 0) {
      await sleep(quietMs);
      const main = this.#next();
      const others = nemeses.filter(({ name }) => name !== main.name && companions.has(name));
      const together = others.length > 0 && random.below(3) === 0 ? [main, pick(others, random)] : [main];
      const applied: [Nemesis, Applied][] = [];
      for (const nemesis of together) {
        const made = await this.#apply(nemesis);
        if (made !== undefined) applied.push([nemesis, made]);
      }
      await sleep(context.holdMs);
      for (const [nemesis, made] of applied.reverse()) await this.#heal(nemesis, made);
    }
  }

  /** Also what a fault that failed halfway left behind. */
  async healAll(): Promise<void> {
    await this.#options.context.faults.healAll();
  }

  /** The one that had nothing to show yet, else whose turn it is. */
  #next(): Nemesis {
    if (this.#queue.length === 0) this.#queue = shuffled(this.#options.nemeses, this.#options.random);
    const vain = this.#options.nemeses.find(({ name }) => this.effects.get(name) === 0);
    return vain ?? this.#queue.shift()!;
  }

  get #missing(): boolean {
    return this.effects.size === 0 || [...this.effects.values()].includes(0);
  }

  async #apply(nemesis: Nemesis): Promise<Applied | undefined> {
    const { recorder, context } = this.#options;
    recorder.nemesis("invoke", `start-${nemesis.name}`, null);
    const made = await nemesis.apply(context);
    recorder.nemesis("info", `start-${nemesis.name}`, made?.value ?? { target: "nobody" });
    if (made !== undefined) this.count++;
    return made;
  }

  async #heal({ name }: Nemesis, made: Applied): Promise<void> {
    const { recorder } = this.#options;
    recorder.nemesis("invoke", `stop-${name}`, null);
    const { effect, value = {} } = await made.heal();
    recorder.nemesis("info", `stop-${name}`, { fault: name, effect, ...value });
    this.effects.set(name, (this.effects.get(name) ?? 0) + effect);
  }
}
