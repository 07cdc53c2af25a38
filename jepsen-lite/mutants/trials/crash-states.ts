import { type Random, seededRandom } from "../../../base/mod.ts";
import { MemoryFiles, Wal } from "../../../kvstore/mod.ts";
import { EntryType } from "../../../raft/mod.ts";
import type { Caught } from "../bug.ts";

const directory = "wal";
const entries = 12;

/**
 * The power fails at every durable step of a log's life, with the sectors of the write under way there or not as the seed has it:
 * whatever was acknowledged before is read back.
 */
export async function trial(seed: number): Promise<readonly Caught[]> {
  const random = seededRandom(seed);
  const whole = new MemoryFiles();
  await live(whole, []);
  for (let step = 0; step < whole.writes; step++) {
    const files = new MemoryFiles();
    const acknowledged: number[] = [];
    files.crashAt(step, () => random.below(2) === 0);
    await Promise.race([live(files, acknowledged), powerIsOff(files)]);
    files.restart();
    const expected = acknowledged.at(-1) ?? 0;
    const found = await lastIndexIn(files, random);
    if (found >= expected) continue;
    const what = `the power failed at step ${step}: entry ${expected} was acknowledged, the log ends at ${found}`;
    return [{ by: "crash-state enumeration", what }];
  }
  return [];
}

async function live(files: MemoryFiles, acknowledged: number[]): Promise<void> {
  const wal = await Wal.create(optionsOf(files), { nodeID: 1n, clusterID: 1n });
  for (let index = 1; index <= entries; index++) {
    const entry = { type: EntryType.EntryNormal, term: 1, index, data: new Uint8Array(400).fill(index) };
    await new Promise<void>((resolve) => wal.append([entry], { term: 1, vote: 1n, commit: index - 1 }, resolve));
    acknowledged.push(index);
  }
  await wal.close();
}

async function lastIndexIn(files: MemoryFiles, random: Random): Promise<number> {
  const opened = await Wal.open(optionsOf(files));
  if (opened === undefined) return 0;
  // Some go down again at once.
  if (random.below(2) === 0) await opened.wal.close();
  return opened.replay.entries.at(-1)?.index ?? 0;
}

function optionsOf(files: MemoryFiles) {
  const onFailure = (error: Error) => {
    throw error;
  };
  return { files, directory, segmentBytes: 1000, onFailure };
}

async function powerIsOff(files: MemoryFiles): Promise<void> {
  while (!files.isOff) await new Promise((resolve) => setImmediate(resolve));
}
