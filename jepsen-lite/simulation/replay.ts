import type { LogLevel } from "../../base/mod.ts";
import type { Case } from "./cases.ts";
import type { Machine } from "./machine.ts";
import { describeParameters } from "./parameters.ts";
import { type Report, run } from "./run.ts";
import { Table } from "./table.ts";

export interface ReplayOptions {
  /** Nothing but the hash. */
  readonly hash: boolean;
  readonly table: boolean;
  readonly log: boolean;
}

/** Runs one case for somebody to look at. */
export async function replay(
  tried: Case,
  { hash, table, log }: ReplayOptions,
  print: (line: string) => void,
): Promise<Report> {
  const startMs = performance.now();
  const report = await run({
    ...tried,
    ...(log && !hash ? { log: logTo(print) } : {}),
    ...(table && !hash ? { watch: new Table(print) } : {}),
  });
  if (hash) {
    print(report.hash);
    return report;
  }
  print(`seed ${tried.seed}: ${describeParameters(report.parameters)}`);
  print(describeReport(report, performance.now() - startMs));
  if (report.violation !== undefined) print(`broke ${report.violation.message}`);
  return report;
}

export function describeReport(report: Report, tookMs: number): string {
  const { events, messages, operations, acknowledged, starts, leaders, virtualSeconds } = report;
  const faults = report.happened.map(({ number, name }) => `${number} ${name}`).join(", ") || "none";
  return [
    `${events} events, ${messages} messages, ${operations} operations (${acknowledged} acknowledged), ${starts} starts, ${leaders} leaders`,
    `${virtualSeconds.toFixed(1)} virtual seconds in ${(tookMs / 1000).toFixed(2)} s; mended: ${report.ending}; faults by number: ${faults}`,
    `hash ${report.hash}`,
  ].join("\n");
}

function logTo(print: (line: string) => void) {
  return ({ name }: Machine, level: LogLevel, message: string, fields: Readonly<Record<string, unknown>> = {}) => {
    const told = Object.entries(fields).map(
      ([key, value]) => `${key}=${value instanceof Error ? value.message : String(value)}`,
    );
    print(`${" ".repeat(14)}${name} ${level}: ${message} ${told.join(" ")}`);
  };
}
