import type { Cluster } from "./cluster.ts";
import type { Machine } from "./machine.ts";

const roles = { follower: "f", "pre-candidate": "p", candidate: "c", leader: "L" } as const;

/** One row per change of any member: when, and of each its role, term, and how far its log is applied, committed and written. */
export class Table {
  readonly #print: (row: string) => void;
  #last = "";
  #rows = 0;

  constructor(print: (row: string) => void) {
    this.#print = print;
  }

  look({ timeline, machines }: Cluster): void {
    const cells = machines.map(cellOf).join(" ");
    if (cells === this.#last) return;
    this.#last = cells;
    if (this.#rows++ % 40 === 0) {
      const names = machines.map(({ name }) => `${name} role term applied/committed/disk`.padEnd(cellWidth));
      this.#print(`${"seconds".padStart(12)}  ${names.join(" ")}`);
    }
    this.#print(`${(timeline.nowUs / 1_000_000).toFixed(6).padStart(12)}  ${cells}`);
  }
}

const cellWidth = 34;

function cellOf({ local, isUp, isMember, process, log }: Machine): string {
  if (!isUp) return (isMember ? "down" : "-").padEnd(cellWidth);
  if (local === undefined || process === undefined) return "starting".padEnd(cellWidth);
  const { leadership, applied, committed } = local.member;
  const learner = local.member.isLearner ? "l" : "";
  return `${roles[leadership.role]}${learner} ${leadership.term} ${applied}/${committed}/${log.last}`.padEnd(cellWidth);
}
