import { requireCluster } from "./cluster/control.ts";
import { clusterParser, duration } from "./flags.ts";
import { bringUp, sayWhatNext } from "./up.ts";

/** `flotilla start`: resumes a stopped or killed cluster in the background. */
export async function main(args: string[]): Promise<void> {
  const flags = clusterParser("start", "Starts a stopped cluster again, with its data, in the background.")
    .option("--wait <time>", "how long everything may take to become ready", duration, 60_000)
    .allowExcessArguments(false)
    .parse(args, { from: "user" })
    .opts<{ name: string; dataDir?: string; wait: number }>();
  const { layout, config } = requireCluster(flags.name, flags.dataDir);
  const running = await bringUp(layout, config, flags.wait);
  sayWhatNext(layout, config, false);
  running?.detach();
}
