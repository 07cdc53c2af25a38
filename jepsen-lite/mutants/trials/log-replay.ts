import { type Random, seededRandom } from "../../../base/mod.ts";
import { MemoryFiles, Wal } from "../../../kvstore/mod.ts";
import { type Entry, EntryType } from "../../../raft/mod.ts";
import type { Caught } from "../bug.ts";

const directory = "wal";
const steps = 40;

/** What a log is to hold: the terms of its entries after what a snapshot stands for. */
interface Model {
  readonly base: { index: number; term: number };
  terms: number[];
  term: number;
}

/** Appends, conflicts, snapshots and restarts as the seed has them: after each restart the log is what Raft was told that it is. */
export async function trial(seed: number): Promise<readonly Caught[]> {
  const random = seededRandom(seed);
  const files = new MemoryFiles();
  let wal = await Wal.create(optionsOf(files), { nodeID: 1n, clusterID: 1n });
  const model: Model = { base: { index: 0, term: 0 }, terms: [], term: 1 };
  for (let step = 0; step < steps; step++) {
    const die = random.below(10);
    if (die < 5) await append(wal, model, random);
    else if (die < 7) await installSnapshot(wal, model, random);
    else {
      await wal.close();
      const opened = await Wal.open(optionsOf(files));
      if (opened === undefined) return [{ by: "log matching", what: "the log is gone" }];
      wal = opened.wal;
      const difference = differenceOf(opened.replay.entries, model);
      if (difference !== undefined) return [{ by: "log matching", what: `at step ${step}, ${difference}` }];
    }
  }
  await wal.close();
  return [];
}

/** At the end, or, of a newer leader, in the place of some of it. */
async function append(wal: Wal, model: Model, random: Random): Promise<void> {
  if (random.below(3) === 0) {
    model.term++;
    model.terms.length -= random.below(model.terms.length + 1);
  }
  const entries = Array.from({ length: 1 + random.below(4) }, (): Entry => {
    model.terms.push(model.term);
    const index = model.base.index + model.terms.length;
    return { type: EntryType.EntryNormal, term: model.term, index, data: Uint8Array.of(index) };
  });
  await written(wal, entries, model);
}

/** A leader of a newer term sends one: beyond the log, or within what it has that was never committed. */
async function installSnapshot(wal: Wal, model: Model, random: Random): Promise<void> {
  model.term++;
  model.base.index += 1 + random.below(model.terms.length + 3);
  model.base.term = model.term;
  model.terms = [];
  wal.snapshot({ ...model.base, confState: { voters: [1n], autoLeave: false } });
  await written(wal, [], model);
}

function written(wal: Wal, entries: readonly Entry[], { term, base }: Model): Promise<void> {
  return new Promise((resolve) => wal.append(entries, { term, vote: 1n, commit: base.index }, resolve));
}

/** From the snapshot on; what is before it does not matter any more, but for its own entry. */
function differenceOf(entries: readonly Entry[], { base, terms }: Model): string | undefined {
  const found = new Map(entries.map(({ index, term }) => [index, term]));
  const own = found.get(base.index) ?? base.term;
  if (own !== base.term) return `entry ${base.index} is of term ${own}, the snapshot there of term ${base.term}`;
  const last = base.index + terms.length;
  const end = entries.at(-1)?.index ?? base.index;
  if (end !== last && end > base.index) return `the log ends at ${end} and not at ${last}`;
  const wrong = terms.findIndex((term, at) => found.get(base.index + 1 + at) !== term);
  return wrong < 0 ? undefined : `entry ${base.index + 1 + wrong} is not of term ${terms[wrong]}`;
}

function optionsOf(files: MemoryFiles) {
  const onFailure = (error: Error) => {
    throw error;
  };
  return { files, directory, segmentBytes: 4096, onFailure };
}
