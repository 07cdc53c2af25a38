import { readCorpus } from "./corpus.ts";
import { formatMask, type Mask, parseMask } from "./mask.ts";

/** One run, as a command line gives it. */
export interface Case {
  readonly seed: number;
  /** Virtual, of the time of faults. */
  readonly seconds: number;
  readonly mask: Mask;
}

export interface Selection {
  /** Seeds that found something once come first. */
  readonly corpus: boolean;
  readonly from: number;
  readonly seeds: number;
  readonly seconds: number;
  /** Of all but those of the corpus, which have their own. */
  readonly mask: Mask;
}

export function* casesOf({ corpus, from, seeds, seconds, mask }: Selection): Generator<Case> {
  if (corpus)
    for (const { seed, seconds, workload, mask } of readCorpus())
      yield { seed, seconds, mask: { ...parseMask(mask ?? ""), workload } };
  for (let seed = from; seed < from + seeds; seed++) yield { seed, seconds, mask };
}

export function replayCommand({ seed, seconds, mask }: Case): string {
  const left = formatMask(mask);
  return `npm run sim -- --seed ${seed} --seconds ${seconds}${left === "" ? "" : ` --mask ${left}`}`;
}
