import type { Case } from "./cases.ts";
import type { Report } from "./run.ts";

const figures = ["events", "messages", "operations", "acknowledged", "starts", "leaders", "committed"] as const;
type Figures = { readonly [name in (typeof figures)[number]]: number };

/** What is told of one run, as a line of JSON. */
export interface Told extends Figures {
  readonly case: Case;
  readonly violation?: string;
  readonly workload: string;
  readonly virtualSeconds: number;
  readonly cpuMs: number;
  readonly faults: readonly string[];
  readonly ending: Report["ending"];
}

export function tellOf(tried: Case, report: Report, cpuMs: number): Told {
  const { violation, parameters, happened, virtualSeconds, ending } = report;
  const { events, messages, operations, acknowledged, starts, leaders, committed } = report;
  return {
    case: tried,
    ...(violation === undefined ? {} : { violation: violation.message }),
    workload: parameters.workload,
    ...{ virtualSeconds, cpuMs, ending, faults: happened.map(({ name }) => name) },
    ...{ events, messages, operations, acknowledged, starts, leaders, committed },
  };
}

/** What many runs come to. */
export class Totals {
  readonly failed: Case[] = [];
  #runs = 0;
  #cpuMs = 0;
  #virtualSeconds = 0;
  readonly #sums = Object.fromEntries(figures.map((name) => [name, 0])) as Record<keyof Figures, number>;
  readonly #faults = new Map<string, number>();
  readonly #workloads = new Map<string, number>();
  readonly #endings = new Map<string, number>();

  add(told: Told): void {
    this.#runs++;
    if (told.violation !== undefined) this.failed.push(told.case);
    for (const name of figures) this.#sums[name] += told[name];
    this.#cpuMs += told.cpuMs;
    this.#virtualSeconds += told.virtualSeconds;
    for (const name of told.faults) count(this.#faults, name);
    count(this.#workloads, told.workload);
    count(this.#endings, told.ending);
  }

  describe(realMs: number): string {
    const [realSeconds, cpuSeconds, virtualSeconds] = [realMs / 1000, this.#cpuMs / 1000, this.#virtualSeconds];
    const rate = (value: number) =>
      `${format(value)}: ${format(value / realSeconds)}/s (${format(value / cpuSeconds)} per CPU second)`;
    const { events, messages, operations, acknowledged, starts, leaders, committed } = this.#sums;
    return [
      `${format(this.#runs)} seeds, ${this.failed.length} of them broke something; ${realSeconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} s of CPU`,
      `  virtual time  ${format(virtualSeconds)} s: ${format(virtualSeconds / realSeconds)} times real time, ${format(virtualSeconds / cpuSeconds)} times CPU time`,
      `  events        ${rate(events)}`,
      `  messages      ${rate(messages)}`,
      `  operations    ${rate(operations)}; ${format(acknowledged)} acknowledged`,
      `  members       ${format(starts)} starts, ${format(leaders)} leaders, ${format(committed)} entries committed`,
      `  workloads     ${listed(this.#workloads)}`,
      `  mended        ${listed(this.#endings)}`,
      `  faults        ${listed(this.#faults) || "none"}`,
    ].join("\n");
  }
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function listed(counts: ReadonlyMap<string, number>): string {
  const sorted = [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([name, count]) => `${name} ${format(count)}`).join(", ");
}

function format(value: number): string {
  return Math.round(value).toLocaleString("en");
}
