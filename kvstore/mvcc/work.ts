import type { ByteString } from "./byte-string.ts";
import type { Engine, Entry } from "./engine.ts";

export type Scan = AsyncGenerator<readonly Entry[]>;

/** What is to be made of all entries of a range, by a thread of its own if the engine has one. */
export interface Work {
  /** URL of its module, which exports it as `work`: a function does not go from thread to thread. */
  readonly module: string;
  /** How many scans of the range it takes. */
  readonly scans: number;
  /** What it makes. A piece may be used until the next one is asked for. */
  run(scans: readonly Scan[]): AsyncGenerator<Uint8Array>;
}

/** Where the engine has no thread for it, or it is not worth one. */
export async function* workHere(
  work: Work,
  scans: readonly Scan[],
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  try {
    yield* work.run(scans.map((scan) => whileWanted(scan, signal)));
  } finally {
    await Promise.all(scans.map(leave));
  }
}

/** All scans are of one moment between this call and its answer. Rejects, as do the pieces, once `signal` is aborted. */
export async function startWork(
  engine: Engine,
  work: Work,
  from: ByteString,
  to: ByteString,
  signal?: AbortSignal,
): Promise<AsyncGenerator<Uint8Array>> {
  const elsewhere = await engine.workElsewhere?.(work, from, to, signal);
  if (elsewhere !== undefined) return elsewhere;
  return workHere(
    work,
    Array.from({ length: work.scans }, () => engine.scan(from, to)),
    signal,
  );
}

async function* whileWanted(scan: Scan, signal: AbortSignal | undefined): Scan {
  for await (const run of scan) {
    signal?.throwIfAborted();
    yield run;
  }
}

/** Lets go of what a scan holds. One that was never begun has to begin for that: only then does it have an end. */
async function leave(scan: Scan): Promise<void> {
  for await (const _ of scan) break;
}
