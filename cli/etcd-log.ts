import { appendFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import type { Log } from "../base/mod.ts";

const order = ["debug", "info", "warn", "error", "dpanic", "panic", "fatal"];

export interface EtcdLogOptions {
  /** Nothing below it is written: one of `order`. */
  readonly level: string;
  readonly format: "json" | "console";
  /** Takes whole lines. */
  readonly write: (text: string) => void;
  readonly now?: () => number;
}

/**
 * Lines as etcd's: JSON with `level`, `ts`, `caller` and `msg` before the fields, or the same in columns (`console`). `caller` is
 * the place in the sources that said it.
 */
export function etcdLog({ level: least, format, write, now = microseconds }: EtcdLogOptions): Log {
  const threshold = order.indexOf(least);
  const log: Log = (level, msg, fields = {}) => {
    if (order.indexOf(level) < threshold) return;
    const head = { level, ts: timestamp(now()), caller: callerOf(log) };
    if (format === "json") write(`${JSON.stringify({ ...head, msg, ...fields }, asLogged)}\n`);
    else write(`${head.ts}\t${level.toUpperCase()}\t${head.caller}\t${msg}\t${JSON.stringify(fields, asLogged)}\n`);
  };
  return log;
}

export function isLogLevel(level: string): boolean {
  return order.includes(level);
}

/** Since 1970. The clock of the machine has milliseconds; the rest is what has passed since the start. */
function microseconds(): number {
  return performance.timeOrigin + performance.now();
}

/** `2006-01-02T15:04:05.999999Z0700`, in UTC. */
function timestamp(ms: number): string {
  const micros = String(Math.floor((ms % 1) * 1000)).padStart(3, "0");
  return `${new Date(ms).toISOString().slice(0, -1)}${micros}Z`;
}

/** As `server/member.ts:120`: the file with its folder, and the line. */
function callerOf(log: (...args: never[]) => unknown): string {
  const holder: { stack?: string } = {};
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = 1;
  Error.captureStackTrace(holder, log);
  Error.stackTraceLimit = before;
  const [, path = "", line = "0"] =
    /(?:\(|at |async )(?:file:\/\/)?([^()\s]+):(\d+):\d+\)?$/m.exec(holder.stack ?? "") ?? [];
  return `${path.split("/").slice(-2).join("/")}:${line}`;
}

/** Numbers of 64 bits as numbers where they fit, errors as their text, bytes by their length. */
function asLogged(_: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Error) return value.message;
  return value instanceof Uint8Array ? `${value.length} bytes` : value;
}

export interface Rotation {
  readonly maxsize: number;
  readonly maxage: number;
  readonly maxbackups: number;
}

/** Writes to each of `outputs`: `default` and `stderr`, `stdout`, or files that are appended to. */
export function writerTo(outputs: readonly string[], rotation?: Rotation): (text: string) => void {
  const writers = outputs.map((output) => {
    if (output === "default" || output === "stderr" || output === "systemd/journal") return toDescriptor(2);
    if (output === "stdout") return toDescriptor(1);
    return output === "/dev/null" ? () => undefined : toFile(output, rotation);
  });
  return (text) => {
    for (const write of writers) write(text);
  };
}

/** At once and whole, so that the last line before a crash is there. A reader that is slow or gone does not stop the member. */
function toDescriptor(descriptor: 1 | 2): (text: string) => void {
  const stream = descriptor === 1 ? process.stdout : process.stderr;
  return (text) => {
    if (stream.writableLength > 0) {
      stream.write(text);
      return;
    }
    try {
      writeSync(descriptor, text);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EAGAIN") stream.write(text);
    }
  };
}

function toFile(path: string, rotation: Rotation | undefined): (text: string) => void {
  mkdirSync(dirname(path), { recursive: true });
  let size = existsSync(path) ? statSync(path).size : 0;
  return (text) => {
    size += Buffer.byteLength(text);
    if (rotation !== undefined && size > rotation.maxsize * 1024 * 1024) {
      rotate(path, rotation, Date.now());
      size = Buffer.byteLength(text);
    }
    appendFileSync(path, text, { mode: 0o600 });
  };
}

/** `etcd.log` becomes `etcd-2030-01-01T00-00-00.000.log`, and of those the oldest go. */
export function rotate(path: string, { maxage, maxbackups }: Rotation, nowMs: number): void {
  const extension = extname(path);
  const stem = basename(path, extension);
  const directory = dirname(path);
  const stamp = new Date(nowMs).toISOString().replaceAll(":", "-").slice(0, -1);
  if (existsSync(path)) renameSync(path, join(directory, `${stem}-${stamp}${extension}`));
  const backups = readdirSync(directory)
    .filter((name) => name.startsWith(`${stem}-`) && name.endsWith(extension) && /-\d{4}-\d\d-\d\dT/.test(name))
    .sort()
    .reverse();
  for (const [position, name] of backups.entries()) {
    const old = join(directory, name);
    const isTooMany = maxbackups > 0 && position >= maxbackups;
    const isTooOld = maxage > 0 && nowMs - statSync(old).mtimeMs > maxage * 24 * 3_600_000;
    if (isTooMany || isTooOld) rmSync(old);
  }
}
