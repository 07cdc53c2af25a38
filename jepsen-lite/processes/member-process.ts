import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";

export interface MemberProcessOptions {
  readonly name: string;
  readonly command: readonly string[];
  /** Everything that it writes is added to this file. */
  readonly outputFile: string;
  /** Added to this process's environment. */
  readonly environment: Readonly<Record<string, string>>;
}

/** A death that nobody was to blame for. */
export interface UnexpectedEnd {
  readonly name: string;
  /** The exit code, or the signal. */
  readonly how: string;
}

/** The process of one member, which comes and goes. */
export class MemberProcess {
  readonly options: MemberProcessOptions;
  /** Faults say so before they let it die: what ends otherwise is a finding. */
  mayEnd = false;
  readonly unexpected: UnexpectedEnd[] = [];
  #child: ChildProcess | undefined;

  constructor(options: MemberProcessOptions) {
    this.options = options;
  }

  /** Without waiting for it to serve, which may need others. */
  start(): void {
    if (this.runs) return;
    const { name, command, outputFile, environment } = this.options;
    const [program = "", ...args] = command;
    const output = openSync(outputFile, "a");
    const env = { ...process.env, ...environment };
    const child = spawn(program, args, { stdio: ["ignore", output, output], env });
    closeSync(output);
    this.#child = child;
    this.mayEnd = false;
    child.once("error", (error) => this.unexpected.push({ name, how: error.message }));
    child.once("exit", (code, signal) => {
      if (!this.mayEnd) this.unexpected.push({ name, how: signal ?? `exit code ${code}` });
    });
  }

  get pid(): number | undefined {
    return this.runs ? this.#child?.pid : undefined;
  }

  get runs(): boolean {
    const child = this.#child;
    return child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
  }

  signal(signal: NodeJS.Signals): boolean {
    return this.runs && this.#child!.kill(signal);
  }

  /** Sends the signal and waits until the process is gone; one that takes too long is killed. */
  async end(signal: NodeJS.Signals = "SIGKILL", patienceMs = 10_000): Promise<boolean> {
    if (!this.runs) return false;
    this.mayEnd = true;
    const gone = this.gone();
    this.signal(signal);
    // One that is stopped does not see it before it goes on.
    if (signal !== "SIGKILL") this.signal("SIGCONT");
    const kill = setTimeout(() => this.signal("SIGKILL"), patienceMs);
    await gone;
    clearTimeout(kill);
    return true;
  }

  async gone(): Promise<void> {
    const child = this.#child;
    if (this.runs) await new Promise((done) => child?.once("exit", done));
  }
}
