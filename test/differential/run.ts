import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import fc from "fast-check";
import { type Operation, type Profile, sequences } from "./operations.ts";
import { Difference, Pair } from "./pair.ts";
import type { Failure, Report } from "./report.ts";

export interface Options {
  readonly profiles: readonly Profile[];
  /** In all; each profile has its share. */
  readonly operations: number;
  readonly seed: number;
  /** Of a failure that was printed: where it is, from the seed. */
  readonly path?: string;
  readonly firstPort: number;
  /** How long a failure is made smaller. */
  readonly shrinkMs: number;
  /** Ends it at once, in the middle of a sequence. */
  readonly signal?: AbortSignal;
}

/** So many sequences are drawn from one seed. */
const sequencesPerSeed = 10;
/** After so many operations stores are replaced: what they keep of the past grows. */
const operationsPerPair = 50_000;
/** Of one lane's stores. */
const portsPerLane = 20;
/** A lane that is done with its own profile does not begin with another for less: starting stores takes seconds. */
const worthAPair = 10_000;
/** The log need not survive this machine. */
const directory = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/** The ports that as many lanes as there are profiles take. */
export const portsPerRun = (profiles: readonly Profile[]) => portsPerLane * profiles.length;

/**
 * Asks etcd and this store the same until all operations are done, in as many lanes as there are profiles, side by side; lanes that are
 * done help those that are not. A profile ends at its first difference. `report` grows meanwhile.
 */
export async function differential(options: Options, report: Report): Promise<void> {
  const { profiles, signal } = options;
  const shares = profiles.reduce((sum, { share }) => sum + share, 0);
  const parts = profiles.map((profile, at) => {
    const seed = options.seed + 1_000_000 * at;
    const part: Part = {
      profile,
      quota: (options.operations * profile.share) / shares,
      progress: { profile: profile.name, firstSeed: seed, nextSeed: seed, operations: 0 },
    };
    report.profiles.push(part.progress);
    return part;
  });
  const lanes = parts.map((part, at) => {
    const lane = new Lane(options.firstPort + portsPerLane * at, options, report);
    return { lane, run: lane.run(part, parts) };
  });
  const interrupted = new Promise<void>((done) => signal?.addEventListener("abort", () => done()));
  try {
    await Promise.race([Promise.all(lanes.map(({ run }) => run)), interrupted]);
  } finally {
    await Promise.all(lanes.map(({ lane }) => lane.remove()));
  }
}

/** What there is to do in one profile; done by one lane, or several. */
interface Part {
  readonly profile: Profile;
  /** Operations; 0 after a difference. */
  quota: number;
  readonly progress: Report["profiles"][number];
}

class Lane {
  readonly #firstPort: number;
  readonly #options: Options;
  readonly #report: Report;
  #pair: { readonly profile: Profile; readonly started: Promise<Pair>; operations: number } | undefined;
  #failedMs: number | undefined;
  #history: readonly string[] = [];

  constructor(firstPort: number, options: Options, report: Report) {
    this.#firstPort = firstPort;
    this.#options = options;
    this.#report = report;
  }

  /** Its own part first, then whatever is left most. */
  async run(own: Part, parts: readonly Part[]): Promise<void> {
    let part = own;
    while (left(part) > 0 && !this.#options.signal?.aborted) {
      const failure = await this.#runSeed(part, part.progress.nextSeed++);
      if (failure !== undefined) this.#report.failures.push(failure);
      if (failure !== undefined || this.#options.path !== undefined) part.quota = 0;
      if (left(part) > 0) continue;
      part = most(parts);
      if (left(part) < worthAPair) return;
    }
  }

  async #runSeed(part: Part, seed: number): Promise<Failure | undefined> {
    const { path } = this.#options;
    const property = fc.asyncProperty(sequences(part.profile), (sequence) => this.#runSequence(part, sequence));
    this.#failedMs = undefined;
    const result = await fc.check(property, {
      seed,
      numRuns: sequencesPerSeed,
      ...(path === undefined ? {} : { path }),
    });
    if (!result.failed || this.#options.signal?.aborted) return undefined;
    return {
      profile: part.profile.name,
      seed,
      path: result.counterexamplePath ?? "",
      message: (result.errorInstance as Error).message,
      history: this.#history,
    };
  }

  async #runSequence(part: Part, sequence: readonly Operation[]): Promise<void> {
    const { shrinkMs, signal } = this.#options;
    // What is left over of the last seed; and what might be smaller, when time is up.
    const isEnough = this.#failedMs === undefined ? left(part) <= 0 : performance.now() - this.#failedMs > shrinkMs;
    if (isEnough || signal?.aborted) return;
    const pair = await this.#pairFor(part.profile, sequence.length);
    part.progress.operations += sequence.length;
    try {
      await pair.run(sequence);
    } catch (error) {
      this.#history = pair.history;
      this.#failedMs ??= performance.now();
      if (!(error instanceof Difference) || !(await pair.restore())) await this.remove();
      throw error;
    }
  }

  async #pairFor(profile: Profile, operations: number): Promise<Pair> {
    if (this.#pair !== undefined && (this.#pair.profile !== profile || this.#pair.operations >= operationsPerPair))
      await this.remove();
    this.#pair ??= {
      profile,
      started: Pair.start(profile, this.#firstPort, this.#report, directory),
      operations: 0,
    };
    this.#pair.operations += operations;
    return this.#pair.started;
  }

  async remove(): Promise<void> {
    const pair = this.#pair;
    this.#pair = undefined;
    await (await pair?.started)?.remove();
  }
}

function left({ quota, progress }: Part): number {
  return quota - progress.operations;
}

function most(parts: readonly Part[]): Part {
  return parts.reduce((a, b) => (left(b) > left(a) ? b : a));
}
