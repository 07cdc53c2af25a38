import type { Log, LogLevel } from "../base/mod.ts";
import { Failure } from "../base/mod.ts";

export const exitCodes = { ok: 0, failed: 1, usage: 2 } as const;

const levels: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** Human one-line logs on standard error: `2030-01-01T00:00:00.000Z INFO kubelet pod started pod="default/a"`. */
export function componentLog(component: string, least: LogLevel = "info"): Log {
  const threshold = levels.indexOf(least);
  return (level, message, fields = {}) => {
    if (levels.indexOf(level) < threshold) return;
    let line = `${new Date().toISOString()} ${level.toUpperCase()} ${component} ${message}`;
    for (const [key, value] of Object.entries(fields)) {
      if (value !== undefined) line += ` ${key}=${typeof value === "string" ? JSON.stringify(value) : String(value)}`;
    }
    process.stderr.write(`${line}\n`);
  };
}

/** One line that says what failed, why, and what to do; the code is stable. */
export function failureLine(error: unknown): string {
  if (error instanceof Failure) return `${error.message}. ${error.advice} [${error.code}]`;
  return error instanceof Error ? error.message : String(error);
}

/**
 * Runs one component until SIGTERM or SIGINT, then stops it gracefully; a second signal ends it at once.
 * Tells a supervisor, if there is one, when the component is ready (a message "ready" on the IPC channel).
 */
export async function runComponent(
  component: string,
  start: (log: Log) => Promise<{ stop(): Promise<void> }>,
  least: LogLevel = "info",
): Promise<void> {
  const log = componentLog(component, least);
  let running: { stop(): Promise<void> };
  try {
    running = await start(log);
  } catch (error) {
    process.stderr.write(`flotilla ${component}: ${failureLine(error)}\n`);
    if (!(error instanceof Failure)) log("debug", "cause", { stack: (error as Error).stack });
    process.exit(exitCodes.failed);
  }
  let stopping = false;
  const stop = async (signal: NodeJS.Signals) => {
    if (stopping) process.exit(exitCodes.failed);
    stopping = true;
    log("info", "stopping", { signal });
    try {
      await running.stop();
      process.exit(exitCodes.ok);
    } catch (error) {
      log("error", "could not stop cleanly", { error: failureLine(error) });
      process.exit(exitCodes.failed);
    }
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  // A supervisor that dies must not take the component with it.
  process.on("disconnect", () => log("warn", "the supervisor is gone; running on"));
  process.send?.("ready");
  log("info", "ready", { pid: process.pid });
}
