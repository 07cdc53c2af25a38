import { requireCluster, stopCluster } from "./cluster/control.ts";
import { clusterParser } from "./flags.ts";
import { step } from "./output.ts";

/** `flotilla stop`: ends every process, keeps the data. Stopping what is stopped is no error. */
export async function main(args: string[]): Promise<void> {
  const flags = clusterParser("stop", "Stops a cluster: every process ends, the data stays.")
    .allowExcessArguments(false)
    .parse(args, { from: "user" })
    .opts<{ name: string; dataDir?: string }>();
  const { layout, config } = requireCluster(flags.name, flags.dataDir);
  const startedAt = performance.now();
  await stopCluster(layout, config);
  step("done", "stopped", `\`flotilla start --name ${config.name}\` resumes it`, performance.now() - startedAt);
}
