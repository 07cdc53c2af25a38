import { spawn } from "node:child_process";

export interface SpawnResult {
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

/** Runs a helper program of the machine. Rejects with its own words when it does not end with 0. */
export async function run(argv: readonly string[], input?: string): Promise<Buffer> {
  const result = await runAny(argv, input);
  if (result.exitCode !== 0) {
    const words = result.stderr.toString().trim() || result.stdout.toString().trim();
    throw new Error(`${argv[0]} ended with ${result.exitCode}${words === "" ? "" : `: ${words}`}`);
  }
  return result.stdout;
}

/** The same, for callers to whom failure is an answer. Rejects only when the program is missing. */
export function runAny(argv: readonly string[], input?: string): Promise<SpawnResult> {
  const { promise, resolve, reject } = Promise.withResolvers<SpawnResult>();
  const [command, ...args] = argv as [string, ...string[]];
  const child = spawn(command, args, { stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"] });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout?.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => stderr.push(chunk));
  child.on("error", reject);
  child.on("close", (code, signal) =>
    resolve({
      exitCode: code ?? (signal === null ? 1 : 128),
      stdout: Buffer.concat(stdout),
      stderr: Buffer.concat(stderr),
    }),
  );
  // A program that ends without reading its input is judged by its exit code, not by the broken pipe.
  child.stdin?.on("error", () => child.stdin?.destroy());
  child.stdin?.end(input);
  return promise;
}

/** One word of a POSIX shell, whatever it holds. */
export function quote(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
