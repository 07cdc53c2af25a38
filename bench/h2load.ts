import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Measured } from "./latencies.ts";
import { quantile } from "./stats.ts";

export interface Load {
  /** Full method, for example `/etcdserverpb.KV/Put`. */
  readonly method: string;
  /** The request message, sent again and again. */
  readonly message: Uint8Array;
  readonly requests: number;
  readonly connections: number;
  /** Requests in flight on each connection. */
  readonly streams: number;
}

export function h2loadVersion(): string {
  const { stdout, error } = spawnSync("h2load", ["--version"], { encoding: "utf8" });
  if (error !== undefined) throw new Error("h2load is not installed (Debian: apt-get install nghttp2-client)");
  return stdout.trim().split("\n")[0] as string;
}

/** Of all requests, in order: h2load logs start, status and duration (in µs), separated by tabs. */
function latenciesMs(file: string): number[] {
  const lines = readFileSync(file, "utf8").trim().split("\n");
  return lines.map((line) => Number(line.split("\t")[2]) / 1000).sort((a, b) => a - b);
}

/** Five bytes in front of each gRPC message: not compressed, length. */
function framed(message: Uint8Array): Uint8Array {
  const frame = new Uint8Array(5 + message.length);
  new DataView(frame.buffer).setUint32(1, message.length);
  frame.set(message, 5);
  return frame;
}

/**
 * Sends the load with h2load (C, one thread) and reads what it printed. h2load sees HTTP answers only: whether the calls were also
 * successful in gRPC's terms is for the caller to check, by what they must have done.
 */
export async function h2load(url: string, load: Load, folder: string): Promise<Measured> {
  const body = join(folder, `h2load-body-${process.pid}`);
  const log = join(folder, `h2load-log-${process.pid}`);
  writeFileSync(body, framed(load.message));
  const args = [
    ...["-n", String(load.requests), "-c", String(load.connections), "-m", String(load.streams), "-t", "1", "-d", body],
    `--log-file=${log}`,
    ...["-H", "content-type: application/grpc", "-H", "te: trailers", `${url}${load.method}`],
  ];
  const child = spawn("h2load", args, { stdio: ["ignore", "pipe", "inherit"] });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  const [code] = await once(child, "close");
  rmSync(body);
  const output = Buffer.concat(chunks).toString();
  const rate = /finished in [^,]+, ([\d.]+) req\/s/.exec(output);
  const counts = /(\d+) succeeded, (\d+) failed, (\d+) errored/.exec(output);
  if (code !== 0 || rate === null || counts === null || Number(counts[1]) !== load.requests) {
    throw new Error(`h2load did not finish well:\n${output}`);
  }
  const latencies = latenciesMs(log);
  rmSync(log);
  return {
    operations: load.requests,
    perSecond: Number(rate[1]),
    medianMs: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
  };
}
