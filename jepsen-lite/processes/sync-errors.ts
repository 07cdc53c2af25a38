import { type ChildProcess, spawn, spawnSync } from "node:child_process";

/**
 * Every fsync and fdatasync of a running process fails with EIO, by strace's injection, until `end`. Slows the process down by what it is stopped at each.
 */
export class SyncErrors {
  readonly #strace: ChildProcess;
  #output = "";

  private constructor(strace: ChildProcess) {
    this.#strace = strace;
    strace.stderr!.on("data", (bytes: Buffer) => {
      this.#output += bytes;
    });
  }

  /** Resolves when it holds the process. */
  static async inject(pid: number): Promise<SyncErrors> {
    const calls = "fsync,fdatasync";
    const strace = spawn(
      "strace",
      ["-f", "-p", String(pid), "-e", `trace=${calls}`, "-e", `inject=${calls}:error=EIO`],
      {
        stdio: ["ignore", "ignore", "pipe"],
      },
    );
    const errors = new SyncErrors(strace);
    await new Promise<void>((resolve) => {
      strace.once("error", () => resolve());
      strace.once("exit", () => resolve());
      strace.stderr!.on("data", () => errors.#output.includes("attached") && resolve());
    });
    return errors;
  }

  /** Calls that failed. */
  get count(): number {
    return this.#output.split("(INJECTED)").length - 1;
  }

  async end(): Promise<void> {
    if (this.#strace.exitCode !== null || this.#strace.signalCode !== null) return;
    const gone = new Promise((done) => this.#strace.once("exit", done));
    this.#strace.kill("SIGINT");
    await gone;
  }

  /** Why it cannot be done on this machine. */
  static probe(): string | undefined {
    const { error, status, stderr } = spawnSync(
      "strace",
      ["-qq", "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO", "-o", "/dev/null", "true"],
      { encoding: "utf8" },
    );
    if (error !== undefined) return `strace cannot be run: ${error.message}`;
    return status === 0 ? undefined : `strace may not trace: ${stderr.trim()}`;
  }
}
