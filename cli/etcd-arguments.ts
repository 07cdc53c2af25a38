import { Failure, parseGoDuration } from "../base/mod.ts";
import { currentName, type FeatureGate, type FlagName, featureGates, flags, formerGates } from "./etcd-flags.ts";

/** The command line is wrong: usage, and exit code 2. */
export class UsageError extends Error {}

const trueWords = ["1", "t", "T", "TRUE", "true", "True"];
const falseWords = ["0", "f", "F", "FALSE", "false", "False"];

/** What was given, and the defaults for the rest. Values were checked to be of their flag's kind when they were set. */
export class EtcdArguments {
  readonly #given = new Map<string, string>();
  readonly #gates = new Map<FeatureGate, boolean>();
  /** What the log should say once there is one. */
  readonly warnings: { readonly message: string; readonly fields: Readonly<Record<string, string>> }[] = [];

  /** Rejects what is not of the flag's kind with a `UsageError`. */
  set(name: string, value: string): void {
    const flag = flags[name];
    if (flag === undefined) throw new UsageError(`flag provided but not defined: -${name}`);
    const complaint = complaintAbout(flag.kind, value);
    if (complaint !== undefined)
      throw new UsageError(`invalid value ${JSON.stringify(value)} for flag -${name}: ${complaint}`);
    if (name === "feature-gates") this.#setGates(value);
    this.#given.set(name, value);
  }

  setGate(gate: FeatureGate, on: boolean): void {
    this.#gates.set(gate, on);
  }

  given(name: FlagName): boolean {
    return this.#given.has(name);
  }

  /** Of the flags that were given. */
  get names(): readonly FlagName[] {
    return [...this.#given.keys()] as FlagName[];
  }

  text(name: FlagName): string {
    return this.#given.get(name) ?? (flags[name]?.otherwise as string);
  }

  list(name: FlagName): readonly string[] {
    const value = this.text(name);
    return value === "" ? [] : value.split(",").map((part) => part.trim());
  }

  number(name: FlagName): number {
    return Number(this.text(name));
  }

  switch(name: FlagName): boolean {
    return trueWords.includes(this.text(name));
  }

  /** In milliseconds. */
  duration(name: FlagName): number {
    return parseGoDuration(this.text(name)) as number;
  }

  gate(gate: FeatureGate): boolean {
    return this.#gates.get(gate) ?? featureGates[gate];
  }

  get gates(): string {
    return [...this.#gates].map(([gate, on]) => `${gate}=${on}`).join(",");
  }

  #setGates(value: string): void {
    for (const part of value.split(",").filter((one) => one.trim() !== "")) {
      const [gate = "", on = ""] = part.trim().split("=");
      if (!Object.hasOwn(featureGates, gate)) throw new UsageError(`unrecognized feature gate: ${gate}`);
      if (![...trueWords, ...falseWords].includes(on)) throw new UsageError(`invalid value of ${gate}: ${on}`);
      this.setGate(gate as FeatureGate, trueWords.includes(on));
    }
  }
}

function complaintAbout(kind: string, value: string): string | undefined {
  if (kind === "number" && !/^-?\d+$/.test(value)) return "parse error";
  if (kind === "switch" && ![...trueWords, ...falseWords].includes(value)) return "parse error";
  if (kind === "duration" && parseGoDuration(value) === undefined) return "parse error";
  return undefined;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Variables of the ETCD_ family that stand for no flag. */
const specialVariables = ["ETCD_VERSION", "ETCD_VERIFY", "ETCD_UNSUPPORTED_ARCH", "ETCD_CONFIG_FILE"];

/**
 * Reads a command line as Go does: one dash or two, `=` or the next word, a switch only with `=`; it ends at `--` or at the first
 * word that is no flag, which nobody expects here. Then the environment: a variable beside the same flag is a `Failure`.
 */
export function parseArguments(words: readonly string[], environment: Environment): EtcdArguments {
  const found = new EtcdArguments();
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string;
    if (word === "--" && at + 1 === words.length) break;
    const match = /^--?([^=-][^=]*)(?:=([\s\S]*))?$/.exec(word);
    if (match === null) throw new UsageError(`"${word}" is not a valid flag`);
    const [, given = "", value] = match;
    const gate = formerGates[given];
    const name = currentName(given);
    const kind = gate === undefined ? flags[name]?.kind : "switch";
    if (kind === undefined) throw new UsageError(`flag provided but not defined: -${given}`);
    const text = value ?? (kind === "switch" ? "true" : words[++at]);
    if (text === undefined) throw new UsageError(`flag needs an argument: -${given}`);
    if (gate !== undefined) found.setGate(gate, trueWords.includes(text));
    else found.set(name, text);
  }
  const hasFile = found.given("config-file") || (environment.ETCD_CONFIG_FILE ?? "") !== "";
  if (!hasFile) fromEnvironment(found, environment);
  return found;
}

function fromEnvironment(found: EtcdArguments, environment: Environment): void {
  const onCommandLine = new Set(found.names);
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith("ETCD_") || specialVariables.includes(variable) || value === undefined) continue;
    const given = variable.slice("ETCD_".length).toLowerCase().replaceAll("_", "-");
    const name = currentName(given);
    const gate = formerGates[given];
    if (gate !== undefined) found.setGate(gate, trueWords.includes(value));
    else if (!Object.hasOwn(flags, name)) {
      found.warnings.push({
        message: "unrecognized environment variable",
        fields: { "environment-variable": `${variable}=${value}` },
      });
    } else if (onCommandLine.has(name as FlagName)) {
      const why = `conflicting environment variable "${variable}" is shadowed by corresponding command-line flag (either unset environment variable or disable flag)`;
      throw new Failure("ShadowedVariable", why, `Give either ${variable} or --${name}`);
    } else if (value !== "") {
      try {
        found.set(name, value);
      } catch (error) {
        const why = `invalid value ${JSON.stringify(value)} for ${variable}: ${(error as Error).message}`;
        throw new Failure("VariableInvalid", why, `Correct or unset ${variable}`, error);
      }
    }
  }
}
