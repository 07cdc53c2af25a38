import { parseArgs } from "node:util";
import { TestCluster } from "../support/cluster.ts";
import { leftovers } from "../support/leftovers.ts";
import { randomFaults } from "./random-faults.ts";

const help = `npm run soak -- faults [--minutes 10] [--seed N]

Starts a cluster of three store members and two nodes (root), and while Deployments, a StatefulSet, Jobs and a CronJob are used and changed, kills and
pauses components, restarts nodes' processes and cuts nodes off, at random. Then it heals everything: within a minute the cluster has to be as it was asked
to be, with every acknowledged object, and with nothing on the nodes that belongs to no pod. Exit code 1 when it is not.`;

export async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { minutes: { type: "string", default: "10" }, seed: { type: "string" }, help: { type: "boolean" } },
  });
  if (values.help) return console.log(help);
  const seed = Number(values.seed ?? Date.now() % 1_000_000);
  console.log(`seed ${seed}`);
  const cluster = new TestCluster();
  try {
    await cluster.up();
    const report = await randomFaults(cluster, {
      seed,
      forMs: Number(values.minutes) * 60_000,
      longestFaultMs: 60_000,
      convergeWithinMs: 60_000,
      say: (line) => console.log(line),
    });
    const { faults, violations, ...figures } = report;
    console.log(JSON.stringify({ seed, faults: faults.length, ...figures }));
    for (const violation of violations.slice(0, 20)) console.error(violation);
    if (violations.length > 0) {
      process.exitCode = 1;
      console.error(`The cluster is left as it is, in ${cluster.root}`);
      return;
    }
  } catch (error) {
    console.error(`The cluster is left as it is, in ${cluster.root}`);
    throw error;
  }
  await cluster.remove();
  const left = leftovers([cluster.name, cluster.root]);
  for (const what of left) console.error(`left after \`flotilla down\`: ${what}`);
  console.log(left.length === 0 ? "nothing is left, no violation" : `${left.length} things are left`);
  if (left.length > 0) process.exitCode = 1;
}
