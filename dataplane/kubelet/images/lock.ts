import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { Deferred } from "../../../base/mod.ts";

/**
 * Runs `body` while the file is locked: `shared` with others who share it, `exclusive` alone, or not at all (undefined) when it is not free
 * at once. The kernel's lock, held by a child (Node has no flock): it ends with its holder however that dies, and it is seen
 * across PID namespaces, unlike a file with a number in it.
 */
export async function withLock<T>(
  file: string,
  mode: "shared" | "exclusive",
  body: () => Promise<T>,
): Promise<T | undefined> {
  // No flock(1) elsewhere; there no two processes share a store either.
  if (process.platform !== "linux") return body();
  closeSync(openSync(file, "a", 0o600));
  // `cat` ends when its input does: with us, at the latest.
  const flags = mode === "shared" ? ["--shared"] : ["--exclusive", "--nonblock", "--conflict-exit-code", "75"];
  const child = spawn("flock", [...flags, file, "sh", "-c", "echo held; exec cat >&2"], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  const held = new Deferred<boolean>();
  const gone = new Deferred<void>();
  child.stdout.once("data", () => held.resolve(true));
  child.once("error", (error) => held.reject(error));
  child.once("exit", (code) =>
    code === 75 ? held.resolve(false) : held.reject(new Error(`flock ended with ${code}`)),
  );
  child.once("close", () => gone.resolve());
  child.stdin.on("error", () => child.stdin.destroy());
  if (!(await held.promise)) return undefined;
  try {
    return await body();
  } finally {
    child.stdin.end();
    await gone.promise;
  }
}
