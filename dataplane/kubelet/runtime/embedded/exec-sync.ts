import { type ChildProcess, spawn } from "node:child_process";
import type { Clock } from "../../../../base/mod.ts";
import { CriError, type ExecSyncResponse } from "../cri.ts";
import { isNsenter, processTree, signal } from "./procfs.ts";

/** Output kept of one stream; the rest is read and dropped (containerd's limit). */
const maxOutputBytes = 16 << 20;

/** Runs a command to its end. With a timeout, kills it with all its children and rejects. */
export function execSync(argv: readonly string[], timeoutSeconds: number, clock: Clock): Promise<ExecSyncResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<ExecSyncResponse>();
  const [command, ...args] = argv as [string, ...string[]];
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  const [stdout, stderr] = [new Output(), new Output()];
  child.stdout.on("data", (chunk: Buffer) => stdout.add(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.add(chunk));
  let late = false;
  const timer =
    timeoutSeconds > 0
      ? clock.after(timeoutSeconds * 1000, () => {
          late = true;
          killUntilGone(child, clock);
        })
      : undefined;
  child.on("error", (error) => {
    timer?.cancel();
    reject(new CriError("Unknown", `failed to exec in container: ${error.message}`, { cause: error }));
  });
  child.on("exit", () => {
    timer?.cancel();
    if (!late) return;
    // Whoever left the tree may still hold the pipes open; nobody waits for that.
    child.stdout.destroy();
    child.stderr.destroy();
    reject(new CriError("DeadlineExceeded", `failed to exec in container: timeout ${timeoutSeconds}s exceeded`));
  });
  child.on("close", (code, name) => {
    resolve({ stdout: stdout.bytes(), stderr: stderr.bytes(), exitCode: code ?? (name === "SIGKILL" ? 137 : 128) });
  });
  return promise;
}

const againMs = 20;
/** An nsenter without a child after so many looks will not have one. */
const patience = 5;

/** Kills the command with all its children, but leaves nsenter to reap them: see isNsenter. */
export function killUntilGone(child: ChildProcess, clock: Clock, looks = 0): void {
  const { pid, exitCode, signalCode } = child;
  if (pid === undefined || exitCode !== null || signalCode !== null) return;
  const [root, ...inside] = processTree(pid) as [number, ...number[]];
  const doomed = isNsenter(root) && (inside.length > 0 || looks < patience) ? inside : [root, ...inside];
  for (const one of doomed) signal(one, "SIGKILL");
  clock.after(againMs, () => killUntilGone(child, clock, inside.length > 0 ? 0 : looks + 1));
}

class Output {
  readonly #chunks: Buffer[] = [];
  #size = 0;

  add(chunk: Buffer): void {
    const kept = chunk.subarray(0, maxOutputBytes - this.#size);
    this.#size += kept.length;
    if (kept.length > 0) this.#chunks.push(kept);
  }

  bytes(): Uint8Array {
    return Buffer.concat(this.#chunks);
  }
}
