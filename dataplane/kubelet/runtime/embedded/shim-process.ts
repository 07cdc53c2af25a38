import { spawn } from "node:child_process";
import { closeSync, constants, openSync, readFileSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";

/** Starts a shim that outlives us. Resolves with its report, `ok` or `error …`, or "" when it ended without one. */
export function startShim(argv: readonly string[]): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const [command, ...args] = argv as [string, ...string[]];
  const child = spawn(command, args, { detached: true, stdio: ["ignore", "pipe", "pipe"] });
  let report = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    report += chunk;
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk;
  });
  // The pipe ends when the last of shim and script has closed it: right before the command, or when they failed.
  child.stdout.on("close", () => {
    child.stderr.destroy();
    resolve(report.trim() || stderr.trim());
  });
  child.on("error", reject);
  child.unref();
  return promise;
}

/** Tells the shim that its news have been taken. It may be gone. */
export function acknowledge(dir: string): void {
  try {
    const fd = openSync(join(dir, "ack"), constants.O_WRONLY | constants.O_NONBLOCK);
    writeSync(fd, "\n");
    closeSync(fd);
    unlinkSync(join(dir, "ack"));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== "ENXIO" && code !== "ENOENT") throw error;
  }
}

/** Process 1 of the container, once its shim has written it down. */
export function readPid(dir: string): number | undefined {
  const text = readIfThere(join(dir, "pid"));
  return text === undefined || !/^\d+\n$/.test(text) ? undefined : Number(text);
}

export function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
