import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { Failure } from "../base/mod.ts";
import { componentStates, requireCluster } from "./cluster/control.ts";
import { clusterParser, wholeNumber } from "./flags.ts";

/** `flotilla logs [COMPONENT]`: the end of the components' logs, and with -f what they go on to write. */
export async function main(args: string[]): Promise<void> {
  const command = clusterParser("logs", "Prints what components wrote: all of them, or the one that is named.")
    .argument("[component]", "for example etcd-1, apiserver, node-2, supervisor")
    .option("-f, --follow", "go on printing", false)
    .option("-n, --lines <count>", "how many lines from the end of each", wholeNumber(0, 1_000_000), 50)
    .allowExcessArguments(false)
    .parse(args, { from: "user" });
  const flags = command.opts<{ name: string; dataDir?: string; follow: boolean; lines: number }>();
  const { layout, config } = requireCluster(flags.name, flags.dataDir);
  const names = [...componentStates(layout, config).map(({ name }) => name), "supervisor"];
  const wanted = command.args[0];
  if (wanted !== undefined && !names.includes(wanted)) {
    throw new Failure("UnknownComponent", `there is no component "${wanted}"`, `There are ${names.join(", ")}`);
  }
  const files = (wanted === undefined ? names : [wanted])
    .map((name) => layout.logFile(name))
    .filter((file) => existsSync(file));
  if (files.length === 0)
    throw new Failure("NoLogs", "nothing was written yet", "Start the cluster with `flotilla start`");
  // tail names the file before each part when there are several, and follows across renames.
  const tail = spawn("tail", ["-n", String(flags.lines), ...(flags.follow ? ["-F"] : []), ...files], {
    stdio: "inherit",
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => tail.kill(signal));
  await new Promise((resolve) => tail.once("exit", resolve));
}
