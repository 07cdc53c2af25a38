import { spawn } from "node:child_process";
import { once } from "node:events";

/** Runs a command with a text as its input and returns what it printed; rejects with what it wrote to standard error. */
export async function run(command: string, args: readonly string[], input = ""): Promise<string> {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
  const printed: Buffer[] = [];
  const complaint: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => printed.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => complaint.push(chunk));
  // A command that ends early breaks the pipe; its exit code says why.
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`${command}: ${Buffer.concat(complaint).toString().trim() || `exit code ${code}`}`);
  return Buffer.concat(printed).toString();
}
