import { hostname } from "node:os";
import { Client } from "../controlplane/client/mod.ts";
import { defaultProfile, startScheduler } from "../controlplane/scheduler/mod.ts";
import { exitCodes, runComponent } from "./component.ts";
import { oneOf, parser } from "./flags.ts";

interface SchedulerFlags {
  kubeconfig: string;
  leaderElect: "true" | "false";
  schedulerName: string;
}

/** `flotilla scheduler`: gives pods their nodes. */
export async function main(args: string[]): Promise<void> {
  const flags = parser("scheduler", "Gives every pod a node.")
    .requiredOption("--kubeconfig <file>", "how to reach the API server")
    .option("--leader-elect <true|false>", "compete with other schedulers for a Lease", oneOf("true", "false"), "true")
    .option("--scheduler-name <name>", "schedule the pods that name this scheduler", "default-scheduler")
    .allowExcessArguments(false)
    .parse(args, { from: "user" })
    .opts<SchedulerFlags>();
  await runComponent("scheduler", async (log) => {
    const client = await Client.fromKubeconfig(flags.kubeconfig);
    const identity = flags.leaderElect === "true" ? `${hostname()}_${crypto.randomUUID()}` : undefined;
    const { schedulerName } = flags;
    const scheduler = await startScheduler({
      client,
      log,
      profiles: [defaultProfile(schedulerName)],
      leaderElectionIdentity: identity,
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
