import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import fc from "fast-check";
import { type Operation, type Profile, sequences } from "./operations.ts";
import { Pair, type Tally } from "./pair.ts";

export interface Options {
  readonly profiles: readonly Profile[];
  /** In all, over all profiles, which run side by side. */
  readonly operations: number;
  readonly seed: number;
  /** Of a failure that was printed: where it is, from the seed. */
  readonly path?: string;
  readonly firstPort: number;
  /** How long a failure is made smaller. */
  readonly shrinkMs: number;
}

export interface Failure {
  readonly profile: string;
  readonly seed: number;
  readonly path: string;
  readonly message: string;
  /** Each operation of the smallest sequence that was found, and what ours answered. */
  readonly history: readonly string[];
}

export interface Report extends Tally {
  readonly failures: readonly Failure[];
}

/** So many sequences are drawn from one seed. */
const sequencesPerSeed = 10;
/** After so many operations stores are replaced: what they keep of the past grows. */
const operationsPerPair = 50_000;
/** The log need not survive this machine. */
const directory = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/** Asks etcd and this store the same until all operations are done, a lane of its own for each profile; a lane ends at its first difference. */
export async function differential(options: Options, tally: Tally): Promise<readonly Failure[]> {
  const { profiles, operations } = options;
  const lanes = profiles.map(
    (profile, lane) => new Lane(profile, lane, { ...options, operations: operations / profiles.length }, tally),
  );
  const failures = await Promise.all(lanes.map((lane) => lane.run()));
  return failures.filter((failure) => failure !== undefined);
}

class Lane {
  readonly #profile: Profile;
  readonly #options: Options;
  readonly #tally: Tally;
  readonly #firstPort: number;
  #seed: number;
  #pair: Pair | undefined;
  #done = 0;
  #ofPair = 0;
  #failedMs: number | undefined;
  #history: readonly string[] = [];

  constructor(profile: Profile, lane: number, options: Options, tally: Tally) {
    this.#profile = profile;
    this.#options = options;
    this.#tally = tally;
    this.#firstPort = options.firstPort + 20 * lane;
    this.#seed = options.seed + 1_000_000 * lane;
  }

  async run(): Promise<Failure | undefined> {
    const property = fc.asyncProperty(sequences(this.#profile), (sequence) => this.#runSequence(sequence));
    try {
      for (; this.#done < this.#options.operations; this.#seed++) {
        const { path } = this.#options;
        const result = await fc.check(property, {
          seed: this.#seed,
          numRuns: sequencesPerSeed,
          ...(path === undefined ? {} : { path }),
        });
        if (!result.failed) continue;
        return {
          profile: this.#profile.name,
          seed: this.#seed,
          path: result.counterexamplePath ?? "",
          message: (result.errorInstance as Error).message,
          history: this.#history,
        };
      }
      return undefined;
    } finally {
      await this.#pair?.remove();
    }
  }

  async #runSequence(sequence: readonly Operation[]): Promise<void> {
    const { operations, shrinkMs } = this.#options;
    // What is left over of the last seed; and what might be smaller, when time is up.
    const isEnough =
      this.#failedMs === undefined ? this.#done >= operations : performance.now() - this.#failedMs > shrinkMs;
    if (isEnough) return;
    if (this.#ofPair >= operationsPerPair) await this.#dropPair();
    this.#pair ??= await Pair.start(this.#profile, this.#firstPort, this.#tally, directory);
    this.#done += sequence.length;
    this.#ofPair += sequence.length;
    const pair = this.#pair;
    try {
      await pair.run(sequence);
    } catch (error) {
      this.#history = [...pair.history];
      this.#failedMs ??= performance.now();
      await this.#dropPair();
      throw error;
    }
  }

  async #dropPair(): Promise<void> {
    await this.#pair?.remove();
    this.#pair = undefined;
    this.#ofPair = 0;
  }
}

/** For people: what differed, and how to see it again. */
export function explain({ profile, seed, path, message, history }: Failure): string {
  return [
    `etcd and Flotilla differ (${profile}). The sequence, with our answers:`,
    ...history.map((line) => `  ${line}`),
    message,
    `Again: npm run differential -- --profile "${profile}" --seed ${seed} --path "${path}"`,
  ].join("\n");
}

/** Operations and rules, with how often each came. */
export function table({ counts, explained }: Tally): string {
  const lines = (title: string, counted: ReadonlyMap<string, number>) => {
    const sorted = [...counted].sort(([a], [b]) => (a < b ? -1 : 1));
    return [title, ...sorted.map(([name, count]) => `  ${name.padEnd(34)}${String(count).padStart(10)}`)];
  };
  return [...lines("operations", counts), ...lines("answers that a rule made equal", explained)].join("\n");
}
