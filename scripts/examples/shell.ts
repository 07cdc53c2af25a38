import { type ChildProcessByStdio, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";

export interface Said {
  readonly code: number;
  /** Standard output and standard error as they came. */
  readonly output: string;
}

/** One shell for all commands of an example, as a reader has: variables and jobs in the background stay. */
export class Shell {
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #mark = `--${randomBytes(8).toString("hex")}--`;
  #heard = "";
  #onHeard: (() => void) | undefined;

  /** `as`: beginning of a command line, such as `env NAME=VALUE`, that runs what follows. */
  constructor(as: readonly string[], directory: string) {
    const [program = "", ...words] = [...as, "bash", "--noprofile", "--norc", "-s"];
    this.#process = spawn(program, words, {
      cwd: directory,
      stdio: ["pipe", "pipe", "inherit"],
      // A group of its own, so that jobs in the background end with it.
      detached: true,
    });
    this.#process.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.#heard += text;
      this.#onHeard?.();
    });
    this.#process.on("close", () => this.#onHeard?.());
    // A shell that ended says so by its silence below.
    this.#process.stdin.on("error", () => this.#onHeard?.());
  }

  /** @throws Error when it takes longer than that, or ends the shell. */
  async run(command: string, timeoutMs: number): Promise<Said> {
    this.#heard = "";
    // The command stands in a line of its own: a comment or a here-document may end it.
    this.#process.stdin.write(`{ ${command}\n} </dev/null 2>&1; printf '%s %d\\n' '${this.#mark}' "$?"\n`);
    const end = new RegExp(`${this.#mark} (\\d+)\\n`);
    const { promise, resolve, reject } = Promise.withResolvers<Said>();
    const timer = setTimeout(() => reject(new Error(`no end after ${timeoutMs / 1000} s: ${this.#heard}`)), timeoutMs);
    this.#onHeard = () => {
      const found = end.exec(this.#heard);
      if (found !== null) resolve({ code: Number(found[1]), output: this.#heard.slice(0, found.index) });
      else if (this.#process.exitCode !== null) reject(new Error(`the shell ended: ${this.#heard}`));
    };
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#onHeard = undefined;
    }
  }

  async end(): Promise<void> {
    const { pid, exitCode, signalCode } = this.#process;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    const closed = once(this.#process, "exit");
    process.kill(-pid, "SIGKILL");
    await closed;
  }
}
