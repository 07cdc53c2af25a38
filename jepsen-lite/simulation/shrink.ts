import { type Calm, calmNames, everything, formatMask, type Mask, masked } from "./mask.ts";
import { type Report, type RunOptions, run } from "./run.ts";

/** A run, as a command line gives it. */
export interface Masked {
  readonly seconds: number;
  readonly mask: Mask;
}

export interface Shrunk extends Masked {
  /** Of the smallest run that still breaks the same. */
  readonly report: Report;
  /** How many were tried. */
  readonly runs: number;
}

export interface Budget {
  readonly runs: number;
  /** True once there is no time left. */
  isOver(): boolean;
}

/**
 * Makes the run of a failing seed smaller for as long as it breaks the same property: fewer seconds, extremes, kinds of faults,
 * faults, clients, members. The faults go as in Zeller and Hildebrandt's delta debugging: in halves, quarters, … each by itself.
 * @throws if the seed breaks nothing.
 */
export async function shrink(options: RunOptions, budget: Budget): Promise<Shrunk> {
  const search = new Search(options, budget);
  await search.begin();
  for (let before = ""; before !== search.signature && !search.isSpent; ) {
    before = search.signature;
    await search.shorten();
    await search.calmDown();
    await search.dropKinds();
    await search.dropFaults();
    await search.dropPeople("clients", 1);
    await search.dropPeople("members", 1);
  }
  return search.result();
}

class Search {
  readonly #options: RunOptions;
  readonly #budget: Budget;
  readonly #tried = new Set<string>();
  #best!: Masked & { readonly report: Report };
  #runs = 0;

  constructor(options: RunOptions, budget: Budget) {
    this.#options = options;
    this.#budget = budget;
  }

  get signature(): string {
    return signatureOf(this.#best);
  }

  get isSpent(): boolean {
    return this.#runs >= this.#budget.runs || this.#budget.isOver();
  }

  result(): Shrunk {
    return { ...this.#best, runs: this.#runs };
  }

  /** Once as it is; then without the faults that found nothing to break. */
  async begin(): Promise<void> {
    const { seconds, mask = everything } = this.#options;
    const report = await this.#run({ seconds, mask });
    if (report.violation === undefined) throw new Error(`seed ${report.seed} breaks nothing`);
    this.#best = { seconds, mask, report };
    await this.#keepFaults(report.happened.map(({ number }) => number));
  }

  /** To the second in which it broke, if that was under faults; and by halves and less. */
  async shorten(): Promise<void> {
    const brokeAt = Math.max(1, Math.ceil(this.#best.report.virtualSeconds));
    if (brokeAt < this.#best.seconds) await this.#try({ seconds: brokeAt });
    for (let step = Math.floor(this.#best.seconds / 2); step >= 1; ) {
      const { seconds } = this.#best;
      if (seconds - step < 1 || !(await this.#try({ seconds: seconds - step }))) step = Math.floor(step / 2);
    }
  }

  async calmDown(): Promise<void> {
    const { calm } = this.#best.mask;
    const left = calmNames.filter((name) => !calm.includes(name) && this.#changesAnything(name));
    if (left.length > 1 && (await this.#try({ mask: { calm: [...calm, ...left] } }))) return;
    for (const name of left) await this.#try({ mask: { calm: [...this.#best.mask.calm, name] } });
  }

  #changesAnything(name: Calm): boolean {
    const { parameters } = this.#best.report;
    return JSON.stringify(masked(parameters, { calm: [name] })) !== JSON.stringify(parameters);
  }

  async dropKinds(): Promise<void> {
    for (const kind of new Set(this.#best.report.happened.map(({ name }) => name))) {
      const { happened } = this.#best.report;
      await this.#keepFaults(happened.filter(({ name }) => name !== kind).map(({ number }) => number));
    }
  }

  async dropFaults(): Promise<void> {
    for (let parts = 2; ; ) {
      const faults = this.#best.mask.faults ?? [];
      if (faults.length === 0) return;
      const size = Math.ceil(faults.length / parts);
      let dropped = false;
      for (let from = 0; from < faults.length && !dropped; from += size) {
        dropped = await this.#keepFaults([...faults.slice(0, from), ...faults.slice(from + size)]);
      }
      if (dropped) parts = Math.max(2, parts - 1);
      else if (size === 1) return;
      else parts = Math.min(faults.length, parts * 2);
    }
  }

  async dropPeople(who: "clients" | "members", least: number): Promise<void> {
    for (let count = least; count < this.#best.report.parameters[who]; count++) {
      if (await this.#try({ mask: { [who]: count } })) return;
    }
  }

  #keepFaults(faults: readonly number[]): Promise<boolean> {
    return this.#try({ mask: { faults } });
  }

  /** True: the smaller run breaks the same, and is the one to go on from. */
  async #try({ seconds = this.#best.seconds, mask }: { seconds?: number; mask?: Partial<Mask> }): Promise<boolean> {
    const candidate: Masked = { seconds, mask: { ...this.#best.mask, ...mask } };
    const signature = signatureOf(candidate);
    if (this.isSpent || this.#tried.has(signature)) return false;
    this.#tried.add(signature);
    const report = await this.#run(candidate);
    if (report.violation?.property !== this.#best.report.violation?.property) return false;
    this.#best = { ...candidate, report };
    return true;
  }

  #run(candidate: Masked): Promise<Report> {
    this.#runs++;
    return run({ ...this.#options, ...candidate });
  }
}

function signatureOf({ seconds, mask }: Masked): string {
  return `${seconds} ${formatMask(mask)}`;
}
