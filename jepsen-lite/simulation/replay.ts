import type { LogLevel } from "../../base/mod.ts";
import type { Machine } from "./machine.ts";
import { describeParameters } from "./parameters.ts";
import { type Report, run } from "./run.ts";
import { Table } from "./table.ts";

export interface ReplayOptions {
  readonly seconds: number;
  /** Nothing but the hash. */
  readonly hash: boolean;
  readonly table: boolean;
  readonly log: boolean;
}

/** Runs one seed for somebody to look at. False if it broke something. */
export async function replay(seed: number, { seconds, hash, table, log }: ReplayOptions): Promise<boolean> {
  const startMs = performance.now();
  const report = await run({
    seed,
    seconds,
    ...(log && !hash ? { log: printLog } : {}),
    ...(table && !hash ? { watch: new Table((row) => console.log(row)) } : {}),
  });
  if (hash) {
    console.log(report.hash);
    return report.violation === undefined;
  }
  console.log(`seed ${seed}: ${describeParameters(report.parameters)}`);
  console.log(describeReport(report, performance.now() - startMs));
  if (report.violation !== undefined) console.log(`broke: ${report.violation.message}`);
  return report.violation === undefined;
}

function describeReport(report: Report, tookMs: number): string {
  const { events, messages, operations, acknowledged, starts, leaders, virtualSeconds } = report;
  const faults = [...report.faults].map(([name, count]) => `${name} ${count}`).join(", ") || "none";
  return [
    `${events} events, ${messages} messages, ${operations} operations (${acknowledged} acknowledged), ${starts} starts, ${leaders} leaders`,
    `${virtualSeconds.toFixed(1)} virtual seconds in ${(tookMs / 1000).toFixed(2)} s; faults: ${faults}`,
    `hash ${report.hash}`,
  ].join("\n");
}

function printLog(
  { name }: Machine,
  level: LogLevel,
  message: string,
  fields: Readonly<Record<string, unknown>> = {},
): void {
  const told = Object.entries(fields).map(
    ([key, value]) => `${key}=${value instanceof Error ? value.message : String(value)}`,
  );
  console.log(`${" ".repeat(14)}${name} ${level}: ${message} ${told.join(" ")}`);
}
