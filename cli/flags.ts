import { Command, type CommanderError, InvalidArgumentError } from "commander";
import { exitCodes } from "./component.ts";

/** A subcommand's parser: `--help` on standard output, a wrong flag is one line on standard error and exit code 2. */
export function parser(name: string, summary: string): Command {
  return new Command(`flotilla ${name}`)
    .description(summary)
    .showHelpAfterError(false)
    .exitOverride((error: CommanderError) => {
      const asked = error.code === "commander.helpDisplayed" || error.code === "commander.version";
      process.exit(asked ? exitCodes.ok : exitCodes.usage);
    })
    .configureOutput({
      outputError: (text, write) =>
        write(
          `flotilla ${name}: ${text.trim().replace(/^error: /, "")}. \`flotilla ${name} --help\` lists the flags. [Usage]\n`,
        ),
    });
}

/** The flags every command about a cluster has. */
export function clusterParser(name: string, summary: string): Command {
  return parser(name, summary)
    .option("--name <name>", "the cluster's name", clusterName, "default")
    .option("--data-dir <dir>", "its directory, when not in the default place");
}

function clusterName(value: string): string {
  if (!/^[a-z0-9]([-a-z0-9]{0,18}[a-z0-9])?$/.test(value)) {
    throw new InvalidArgumentError("A name has 1 to 20 characters a-z, 0-9 and -, and neither starts nor ends with -");
  }
  return value;
}

export function wholeNumber(least: number, most: number): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (!/^\d+$/.test(value) || number < least || number > most) {
      throw new InvalidArgumentError(`A whole number from ${least} to ${most}`);
    }
    return number;
  };
}

/** `500ms`, `10s`, `2m`, `1h`, or a plain number of seconds; in milliseconds. */
export function duration(value: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(value);
  if (match === null) throw new InvalidArgumentError("A time such as 500ms, 10s or 2m");
  const unit = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match[2] ?? "s"] as number;
  return Number(match[1]) * unit;
}

export function oneOf<const T extends string>(...values: readonly T[]): (value: string) => T {
  return (value) => {
    const found = values.find((candidate) => candidate === value);
    if (found === undefined) throw new InvalidArgumentError(`One of ${values.join(", ")}`);
    return found;
  };
}
