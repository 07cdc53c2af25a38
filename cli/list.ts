import { knownClusters } from "./cluster/control.ts";
import { oneOf, parser } from "./flags.ts";
import { say, table } from "./output.ts";

/** `flotilla list`: the clusters in the default place. */
export async function main(args: string[]): Promise<void> {
  const { output } = parser("list", "Lists the clusters of this user.")
    .option("-o, --output <format>", "text or json", oneOf("text", "json"), "text")
    .allowExcessArguments(false)
    .parse(args, { from: "user" })
    .opts<{ output: string }>();
  const clusters = knownClusters();
  if (output === "json") return say(JSON.stringify(clusters, undefined, 2));
  if (clusters.length === 0) return say("There are no clusters. `flotilla up` makes one.");
  table(
    ["NAME", "STATE", "DIRECTORY"],
    clusters.map(({ name, running, root }) => [name, running ? "running" : "stopped", root]),
  );
}
