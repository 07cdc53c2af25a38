import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { parse } from "yaml";
import { Failure } from "../base/mod.ts";
import { Client } from "../controlplane/client/mod.ts";
import {
  defaultProfile,
  readConfiguration,
  type SchedulerConfiguration,
  startScheduler,
} from "../controlplane/scheduler/mod.ts";
import { exitCodes, failureLine, runComponent } from "./component.ts";
import { oneOf, parser } from "./flags.ts";

interface SchedulerFlags {
  kubeconfig: string;
  config?: string;
  leaderElect?: "true" | "false";
  schedulerName: string;
}

/** Reads a KubeSchedulerConfiguration; what is wrong with it is one line and exit code 2. */
export function loadSchedulerConfiguration(path: string): SchedulerConfiguration {
  try {
    return readConfiguration(parse(readFileSync(path, "utf8")));
  } catch (error) {
    const message = (error as Error).message.split("\n", 1)[0] as string;
    const failure =
      error instanceof Failure
        ? error
        : new Failure("SchedulerConfig", `${path} cannot be read: ${message}`, "It must be YAML or JSON.");
    process.stderr.write(`flotilla scheduler: ${failureLine(failure)}\n`);
    process.exit(exitCodes.usage);
  }
}

/** `flotilla scheduler`: gives pods their nodes. */
export async function main(args: string[]): Promise<void> {
  const flags = parser("scheduler", "Gives every pod a node.")
    .requiredOption("--kubeconfig <file>", "how to reach the API server")
    .option("--config <file>", "a KubeSchedulerConfiguration: profiles, plugins, weights, arguments, back-off")
    .option("--leader-elect <true|false>", "compete with other schedulers for a Lease (true)", oneOf("true", "false"))
    .option("--scheduler-name <name>", "without --config: schedule the pods that name this", "default-scheduler")
    .allowExcessArguments(false)
    .parse(args, { from: "user" })
    .opts<SchedulerFlags>();
  const configured = flags.config === undefined ? undefined : loadSchedulerConfiguration(flags.config);
  await runComponent("scheduler", async (log) => {
    const client = await Client.fromKubeconfig(flags.kubeconfig);
    const elect =
      flags.leaderElect === undefined ? (configured?.leaderElection.leaderElect ?? true) : flags.leaderElect === "true";
    const scheduler = await startScheduler({
      client,
      log,
      profiles: configured?.profiles ?? [defaultProfile(flags.schedulerName)],
      podInitialBackoffMs: configured?.podInitialBackoffMs,
      podMaxBackoffMs: configured?.podMaxBackoffMs,
      leaderElectionIdentity: elect ? `${hostname()}_${crypto.randomUUID()}` : undefined,
      lease: configured?.leaderElection.lease,
    });
    scheduler.ended.catch((error: Error) => {
      log("error", "the scheduler ended", { error: error.message });
      process.exit(exitCodes.failed);
    });
    return {
      async stop() {
        await scheduler.stop();
        await client.close();
      },
    };
  });
}

if (import.meta.main) await main(process.argv.slice(2));
