import type { Log } from "../base/mod.ts";
import { failpoints, failpointsOfEnvironment, startMember } from "../kvstore/mod.ts";
import { exitCodes, failureLine } from "./component.ts";
import type { EtcdArguments } from "./etcd-arguments.ts";
import { initialMembers } from "./etcd-discovery.ts";
import { flags as allFlags, type FlagName, flagNames } from "./etcd-flags.ts";
import { memberOptions, type PlainOptions } from "./etcd-options.ts";
import { tlsOptions } from "./etcd-tls.ts";

/** Runs the member that the flags describe, until a signal ends it. Rejects if it cannot start. */
export async function runMember(flags: EtcdArguments, log: Log): Promise<void> {
  const options = await initialMembers(flags, memberOptions(flags), log);
  if (flags.text("data-dir") === "") {
    log("warn", "'data-dir' was empty; using default", { "data-dir": options.dataDir });
  }
  await failpointsOfEnvironment(failpoints, process.env);
  log("info", "starting an etcd server", configuration(flags, options));
  const member = await startMember({
    ...options,
    ...(await tlsOptions(flags, log)),
    log,
    onFailure(error) {
      process.stderr.write(`etcd: ${failureLine(error)}\n`);
      process.exit(exitCodes.failed);
    },
  });
  stopOnSignals(member, log);
  // Without files to open again, a hang-up ends the process, as it does the original.
  if (options.auditLog !== undefined) process.on("SIGHUP", () => member.reopenLogs());
  await member.ready;
  // A supervisor, if there is one, waits for this.
  process.send?.("ready");
}

/** Hands over and closes, then ends by the signal itself; a second one does not wait. */
function stopOnSignals(member: { stop(): Promise<void> }, log: Log): void {
  let stopping = false;
  const stop = async (signal: NodeJS.Signals) => {
    if (stopping) process.exit(exitCodes.failed);
    stopping = true;
    log("info", "received signal; shutting down", { signal: signal === "SIGTERM" ? "terminated" : "interrupt" });
    try {
      await member.stop();
    } catch (error) {
      log("error", "could not stop cleanly", { error: failureLine(error) });
      process.exit(exitCodes.failed);
    }
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  // A supervisor that dies must not take the member with it.
  process.on("disconnect", () => log("warn", "the supervisor is gone; running on"));
}

/** All that this member runs with: scripts look for `"snapshot-catchup-entries":1000`. */
function configuration(
  flags: EtcdArguments,
  { initialCluster, dataDir, advertisePeerUrls }: PlainOptions,
): Record<string, unknown> {
  const secret: readonly FlagName[] = ["discovery-password", "discovery-user", "auth-token"];
  const values = flagNames
    .filter((name) => !secret.includes(name) && name !== "version" && name !== "config-file")
    .map((name) => [name, shown(flags, name)] as const);
  return {
    "etcd-version": flags.text("reported-version"),
    "go-version": `none (Node ${process.version})`,
    "go-os": process.platform,
    "go-arch": process.arch,
    ...Object.fromEntries(values),
    "data-dir": dataDir,
    "initial-advertise-peer-urls": advertisePeerUrls,
    "initial-cluster": [...initialCluster].flatMap(([name, urls]) => urls.map((url) => `${name}=${url}`)).join(","),
  };
}

function shown(flags: EtcdArguments, name: FlagName): unknown {
  const kind = allFlags[name]?.kind;
  if (kind === "number") return flags.number(name);
  if (kind === "switch") return flags.switch(name);
  if (name === "feature-gates") return flags.gates;
  // As the original shows them.
  if (name === "heartbeat-interval" || name === "election-timeout") return `${flags.number(name)}ms`;
  return kind === "list" ? flags.list(name) : flags.text(name);
}
