import { readFileSync } from "node:fs";

/** A seed that once found something, or was once found wanting. What it runs through may be another history by now; it is kept all the same. */
export interface CorpusSeed {
  readonly seed: number;
  /** Virtual. */
  readonly seconds: number;
  /** What clients did then: a seed may draw another by now. */
  readonly workload: string;
  /** What is left out, as a command line has it. */
  readonly mask?: string;
  readonly why: string;
}

/** @throws if the file is not there or no list of seeds. */
export function readCorpus(): readonly CorpusSeed[] {
  return JSON.parse(readFileSync(new URL("corpus.json", import.meta.url), "utf8")) as CorpusSeed[];
}
