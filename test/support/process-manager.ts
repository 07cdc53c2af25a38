import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { eventually } from "./eventually.ts";

/**
 * Runs a program as process managers do that know nothing of it: on a terminal of its own with output and errors mixed, in an
 * environment with a PATH and what it is told, and by its process id.
 */
export class ManagedProcess {
  readonly #command: readonly string[];
  readonly #environment: Readonly<Record<string, string>>;
  #terminal: ChildProcess | undefined;
  #ended: Promise<number | null> = Promise.resolve(null);
  output = "";
  /** Of the program itself; the same as long as it runs. */
  pid = 0;

  constructor(command: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    this.#command = command;
    this.#environment = environment;
  }

  /** Resolves when its output has `text`; rejects when it ends before. */
  async start(text: string, ...more: readonly string[]): Promise<void> {
    const quoted = [...this.#command, ...more].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
    this.output = "";
    const terminal = spawn("script", ["--quiet", "--return", "--flush", "--command", `exec ${quoted}`, "/dev/null"], {
      env: { PATH: "/usr/local/bin:/usr/bin:/bin", SHELL: "/bin/sh", ...this.#environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#terminal = terminal;
    const read = (chunk: Buffer) => {
      this.output += chunk;
    };
    terminal.stdout.on("data", read);
    terminal.stderr.on("data", read);
    let over = false;
    this.#ended = new Promise((resolve, reject) => {
      terminal.once("error", reject);
      terminal.once("close", (code) => {
        over = true;
        resolve(code);
      });
    });
    this.#ended.catch(() => undefined); // whoever waits for the end hears of it
    this.pid = await eventually("the program has a process", () => childOf(terminal.pid as number));
    await eventually(`"${text}" is in its output`, () => {
      if (over) throw new Ended(`it ended:\n${this.output}`);
      return this.output.includes(text);
    });
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
    // `script` stops with its child, and does not go on with it.
    if (signal === "SIGCONT") this.#terminal?.kill(signal);
  }

  /** As a shell has it: 128 and the signal's number for a program that a signal ended. */
  async ended(): Promise<number | null> {
    return this.#ended;
  }

  async end(signal: NodeJS.Signals = "SIGKILL"): Promise<number | null> {
    if (this.#terminal?.exitCode === null && this.#terminal.signalCode === null && this.pid > 0) {
      try {
        process.kill(this.pid, signal);
        this.#terminal.kill("SIGCONT"); // it may have stopped with its child
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
      }
    }
    return this.#ended;
  }
}

class Ended extends Error {}

function childOf(pid: number): number | undefined {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return children === "" ? undefined : Number(children.split(" ")[0]);
}
