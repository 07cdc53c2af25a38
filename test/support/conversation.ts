import type { ChildProcess } from "node:child_process";
import { eventually } from "./eventually.ts";
import { start } from "./processes.ts";

/** A program that is talked to. */
export class Conversation {
  readonly child: ChildProcess;
  /** Its exit code, when all it said has been heard. */
  readonly exited: Promise<number | null>;
  /** All it said on both streams. */
  output = "";
  #heard = Promise.withResolvers<void>();

  constructor(command: string, args: readonly string[], env: Readonly<Record<string, string>>) {
    this.child = start(command, args, { env });
    const exit = Promise.withResolvers<number | null>();
    this.exited = exit.promise;
    this.child.on("close", (code) => {
      exit.resolve(code);
      this.#heard.resolve();
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        this.output += chunk;
        this.#heard.resolve();
      });
    }
    this.child.stdin?.on("error", () => undefined); // it need not read to the end
  }

  /** Waits for output that fits. */
  async hears(wanted: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = wanted.exec(this.output);
      if (found !== null) return found;
      if (this.child.exitCode !== null || this.child.signalCode !== null)
        throw new Error(`it ended without ${wanted}: ${this.output}`);
      this.#heard = Promise.withResolvers();
      await this.#heard.promise;
    }
  }

  says(text: string): void {
    this.child.stdin?.write(text);
  }

  /** Says it again and again until it is answered: for what may not be heard at once. */
  async asks(text: string, wanted: RegExp): Promise<void> {
    await eventually(`an answer ${wanted} to ${text}`, () => {
      if (!wanted.test(this.output)) this.says(text);
      return wanted.test(this.output);
    });
  }

  /** Kills it, and waits for its end. */
  async end(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    this.child.kill(signal);
    await this.exited;
  }
}

/** Conversations of one test file, so that none outlives its test. */
export class Conversations {
  readonly #environment: () => Record<string, string>;
  readonly #open: Conversation[] = [];

  constructor(environment: () => Record<string, string>) {
    this.#environment = environment;
  }

  with(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Conversation {
    const conversation = new Conversation(command, args, { ...this.#environment(), ...env });
    this.#open.push(conversation);
    return conversation;
  }

  /** A command on a terminal of 31 lines and 97 columns, whose name is the first thing heard. */
  onTerminal(command: string): Conversation {
    return this.with("script", ["-qec", `tty; stty rows 31 cols 97; exec ${command}`, "/dev/null"]);
  }

  async end(): Promise<void> {
    await Promise.all(this.#open.splice(0).map((one) => one.end()));
  }
}
