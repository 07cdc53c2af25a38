import { Failure, type Log } from "../base/mod.ts";
import { componentLog, exitCodes, failureLine } from "./component.ts";
import { type Environment, type EtcdArguments, parseArguments, UsageError } from "./etcd-arguments.ts";
import { flags as allFlags } from "./etcd-flags.ts";
import { helpText, usageText, versionText } from "./etcd-help.ts";
import { etcdLog, isLogLevel, type Rotation, writerTo } from "./etcd-log.ts";
import { ConfigError } from "./etcd-options.ts";

/** Other programs that etcd's binary is. */
const otherModes = ["gateway", "grpc-proxy"];

/** `flotilla etcd`, and `etcd`: one member of the store, with etcd's flags, environment, files, log lines and ends. */
export async function main(words: string[]): Promise<void> {
  if (otherModes.includes(words[0] ?? "")) {
    process.stderr.write(
      `etcd ${words[0]} is not supported here: clients can be given several endpoints. [NotSupported]\n`,
    );
    process.exit(exitCodes.failed);
  }
  if (words.some((word) => /^--?(h|help)$/.test(word))) {
    process.stdout.write(helpText());
    return;
  }
  const given = readCommandLine(words);
  if (given.switch("version")) {
    process.stdout.write(versionText(given.text("reported-version")));
    return;
  }
  let log: Log = etcdLog({ level: "info", format: "json", write: writerTo(["default"]) });
  try {
    const flags = await withConfigFile(given, process.env);
    log = logOf(flags);
    log("info", "Running: ", { args: ["etcd", ...words] });
    sayWhatHasNoEffect(flags, log);
    // Loaded late: who only asks for the version need not wait for the store.
    const { runMember } = await import("./etcd-member.ts");
    await runMember(flags, log);
  } catch (error) {
    const why = failureLine(error);
    log("warn", error instanceof ConfigError ? "failed to verify flags" : "failed to start", { error: why });
    process.stderr.write(`etcd: ${why}\n`);
    if (!(error instanceof Failure)) log("debug", "cause", { stack: (error as Error).stack });
    process.exit(exitCodes.failed);
  }
}

/** What is wrong with the command line itself is usage; what is wrong with its values is reported by the log. */
function readCommandLine(words: readonly string[]): EtcdArguments {
  try {
    return parseArguments(words, process.env);
  } catch (error) {
    if (!(error instanceof UsageError)) {
      process.stderr.write(`etcd: ${failureLine(error)}\n`);
      process.exit(exitCodes.failed);
    }
    process.stderr.write(`${error.message}\n${usageText}`);
    process.exit(exitCodes.usage);
  }
}

async function withConfigFile(given: EtcdArguments, environment: Environment): Promise<EtcdArguments> {
  const path = given.text("config-file") || (environment.ETCD_CONFIG_FILE ?? "");
  return path === "" ? given : (await import("./etcd-config-file.ts")).readConfigFile(path);
}

/** With `--logger flotilla` in the form that the other components of a cluster have. */
function logOf(flags: EtcdArguments): Log {
  const level = flags.text("log-level");
  const format = flags.text("log-format");
  if (!isLogLevel(level)) throw new ConfigError(`unrecognized level: ${JSON.stringify(level)}`);
  if (format !== "json" && format !== "console")
    throw new ConfigError(`unknown log format: ${format}`, "It is json or console");
  if (flags.text("logger") === "flotilla") return componentLog("etcd", level === "debug" ? "debug" : "info");
  const outputs = flags.list("log-outputs");
  return etcdLog({ level, format, write: writerTo(outputs, rotationOf(flags, outputs)) });
}

function rotationOf(flags: EtcdArguments, outputs: readonly string[]): Rotation | undefined {
  if (!flags.switch("enable-log-rotation")) return undefined;
  const [file] = outputs.filter((output) => !["default", "stderr", "stdout"].includes(output));
  if (file === undefined || outputs.length !== 1) {
    throw new ConfigError("--log-outputs requires a single file path when --log-rotate-config-json is defined");
  }
  try {
    const {
      maxsize = 100,
      maxage = 0,
      maxbackups = 0,
    } = JSON.parse(flags.text("log-rotation-config-json")) as Partial<Rotation>;
    return { maxsize: maxsize || 100, maxage, maxbackups };
  } catch (error) {
    throw new ConfigError(`improperly formatted log rotation config: ${(error as Error).message}`);
  }
}

/** Refuses what asks for something that there is not, and says what was taken in vain. */
function sayWhatHasNoEffect(flags: EtcdArguments, log: Log): void {
  for (const { message, fields } of flags.warnings) log("warn", message, fields);
  for (const name of flags.names) {
    const { only, without } = allFlags[name] as NonNullable<(typeof allFlags)[string]>;
    const value = flags.text(name);
    if (only !== undefined && !only.includes(value)) {
      throw new ConfigError(
        `--${name}=${value} is not supported here`,
        "Leave the flag out; COMPATIBILITY.md lists what is missing",
      );
    }
    if (without !== undefined) log("debug", "a flag has no effect", { flag: name, value, because: without });
  }
  if (flags.switch("memory-mlock")) log("warn", "failed to mlock the pages: Node cannot lock its memory");
  if (!flags.given("name")) {
    const why =
      "it isn't recommended to use default name, please set a value for --name. Note that etcd might run into issue when multiple members have the same default name";
    log("warn", why, { name: flags.text("name") });
  }
}

if (import.meta.main) await main(process.argv.slice(2));
