import { spawn } from "node:child_process";
import type { Clock } from "../../../../base/mod.ts";
import { CriError, type ExecSyncResponse } from "../cri.ts";
import { processTree, signal } from "./procfs.ts";

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
  const timer =
    timeoutSeconds > 0
      ? clock.after(timeoutSeconds * 1000, () => {
          if (child.pid !== undefined) for (const pid of processTree(child.pid).reverse()) signal(pid, "SIGKILL");
          // A grandchild that left the tree may still hold the pipes open; nobody waits for it.
          child.stdout.destroy();
          child.stderr.destroy();
          reject(new CriError("DeadlineExceeded", `failed to exec in container: timeout ${timeoutSeconds}s exceeded`));
        })
      : undefined;
  child.on("error", (error) => {
    timer?.cancel();
    reject(new CriError("Unknown", `failed to exec in container: ${error.message}`, { cause: error }));
  });
  child.on("close", (code, name) => {
    timer?.cancel();
    resolve({ stdout: stdout.bytes(), stderr: stderr.bytes(), exitCode: code ?? (name === "SIGKILL" ? 137 : 128) });
  });
  return promise;
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
