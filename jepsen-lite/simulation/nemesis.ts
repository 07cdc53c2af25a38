import type { Chance } from "./chance.ts";
import type { Cluster } from "./cluster.ts";
import { Fault, type Scene } from "./faults.ts";
import type { Machine } from "./machine.ts";
import type { Operator } from "./operator.ts";
import type { FaultName } from "./parameters.ts";

const keeperUs = 250_000;
const forEverUs = 1_000_000_000_000;

/** A fault that took effect. */
export interface Happened {
  readonly number: number;
  readonly name: FaultName;
}

export interface NemesisOptions extends Omit<Scene, "isOver"> {
  readonly chance: Chance;
  /** The numbers of the faults that may happen; undefined: all. */
  readonly only: readonly number[] | undefined;
  /** Gets those that took effect. */
  readonly happened: Happened[];
}

/** Somebody who is not needed, and what is the matter with it for ever. */
const outsideFates = ["down", "paused", "alone", "deaf", "mute"] as const;

/** Breaks things, each for a while, as the parameters of the run have it; and starts members again that have ended. */
export class Nemesis {
  readonly #cluster: Cluster;
  readonly #operator: Operator;
  readonly #chance: Chance;
  readonly #scene: Scene;
  readonly #only: ReadonlySet<number> | undefined;
  readonly #names: readonly FaultName[];
  /** Their restart is arranged. */
  readonly #awaited = new Set<Machine>();
  /** They get no help any more. */
  readonly #outsiders = new Set<Machine>();
  #number = 0;
  #stopped = false;
  readonly #happened: Happened[];

  constructor({ chance, only, happened, ...scene }: NemesisOptions) {
    const { cluster, operator } = scene;
    this.#cluster = cluster;
    this.#operator = operator;
    this.#chance = chance;
    this.#only = only === undefined ? undefined : new Set(only);
    this.#happened = happened;
    this.#scene = { ...scene, isOver: () => this.#stopped };
    this.#names = [...cluster.parameters.faults].flatMap(([name, weight]) => new Array<FaultName>(weight).fill(name));
  }

  begin(): void {
    this.#keep(this.#chance.split("keeper"));
    if (this.#names.length > 0) this.#next(this.#chance.split("times"));
  }

  #next(times: Chance): void {
    const { timeline, parameters } = this.#cluster;
    timeline.after(times.exponential(parameters.faultMeanUs), undefined, "fault", () => {
      if (this.#stopped) return;
      this.#next(times);
      const number = ++this.#number;
      if (this.#only?.has(number) === false) return;
      const chance = this.#chance.split(`fault ${number}`);
      const name = chance.pick(this.#names);
      const value = new Fault(this.#scene, chance).happen(name);
      if (value === undefined) return;
      this.#happened.push({ number, name });
      this.#scene.recorder.nemesis("info", name, { fault: number, ...(value as object) });
    });
  }

  /** Members that are down come back after a while; soon, once nothing breaks any more. */
  #keep(delays: Chance): void {
    const { timeline, members, parameters } = this.#cluster;
    timeline.after(keeperUs, undefined, "control", () => {
      this.#keep(delays);
      for (const machine of members) {
        if (machine.isUp || this.#awaited.has(machine) || machine.refusal !== undefined) continue;
        this.#awaited.add(machine);
        const delayUs = this.#stopped ? 0 : delays.exponential(parameters.faultDurationUs);
        timeline.after(delayUs, undefined, "control", () => {
          this.#awaited.delete(machine);
          if (machine.isMember && !this.#outsiders.has(machine)) this.#cluster.start(machine, "existing");
        });
      }
    });
  }

  /** Ends all faults. Resolves when everybody who is a member, and nobody else, runs again. */
  async mend(): Promise<void> {
    this.#stopped = true;
    const { network, machines } = this.#cluster;
    network.mend();
    // Who was to stand still for ever does not go on: it is started anew.
    for (const machine of this.#outsiders) this.#cluster.crash(machine, false);
    this.#outsiders.clear();
    for (const machine of machines) {
      machine.mend();
      if (machine.isMember && !machine.isUp) this.#cluster.start(machine, "existing");
    }
    await this.#operator.tidyUp();
  }

  /**
   * Ends the faults of a bare majority; what is the matter with the others stays so for ever. That shows what mending everything would
   * hide, such as somebody half cut off who keeps the rest from getting anywhere. Undefined: there is no majority to be found that
   * could be expected to go on by itself, or nobody runs who could say who the members are; nothing was done.
   */
  isolateCore(): readonly Machine[] | undefined {
    const { network, machines, electorates, leader } = this.#cluster;
    const voters = electorates[0] ?? [];
    const needed = Math.floor(voters.length / 2) + 1;
    const fit = voters.filter(({ isBroken, refusal, isMember }) => !isBroken && isMember && refusal === undefined);
    const isKnown = machines.some(({ local }) => local !== undefined);
    if (!isKnown || this.#operator.isChanging || fit.length < needed || voters.length === needed) return undefined;
    const chance = this.#chance.split("core");
    const candidates = chance.shuffled(fit);
    // Those who led are outside more often than not: theirs are the interesting troubles.
    if (chance.percent(60)) candidates.sort((a, b) => Number(a === leader) - Number(b === leader));
    const core = candidates.slice(0, needed);
    this.#stopped = true;
    network.mend();
    for (const machine of machines) {
      machine.mend();
      if (core.includes(machine)) {
        if (!machine.isUp) this.#cluster.start(machine, "existing");
        continue;
      }
      this.#outsiders.add(machine);
      const fate = chance.pick(outsideFates);
      if (fate === "down") this.#cluster.crash(machine, false);
      else if (fate === "paused") machine.process?.pause(forEverUs);
      for (const { index } of machines) {
        if (fate === "alone" || fate === "deaf") network.cut(index, machine.index);
        if (fate === "alone" || fate === "mute") network.cut(machine.index, index);
      }
      this.#scene.recorder.nemesis("info", "outside", { target: machine.name, fate });
    }
    return core;
  }
}
