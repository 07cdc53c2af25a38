import { parseArgs } from "node:util";
import { TestCluster } from "../support/cluster.ts";
import { rolloutsUnderLoad, violationsOf } from "./rollouts.ts";

const help = `npm run soak -- rollout [--seconds 60] [--connections 8]

Starts a cluster of one store member and two nodes (root), and replaces a Deployment's pods and drains a node, again and again, under as much traffic
through its Service and through its Ingress as these connections make, kept ones and one per request. Exit code 1 when a single request fails.`;

export async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      seconds: { type: "string", default: "60" },
      connections: { type: "string", default: "8" },
      help: { type: "boolean" },
    },
  });
  if (values.help) return console.log(help);
  const cluster = new TestCluster();
  try {
    await cluster.up("--members", "1");
    const report = await rolloutsUnderLoad(cluster, {
      forMs: Number(values.seconds) * 1000,
      connections: Number(values.connections),
      say: (line) => console.log(line),
    });
    for (const [way, { requests, requestsPerSecond, p99Ms, bodies }] of Object.entries(report.loads)) {
      const rate = `${requestsPerSecond.toFixed(0)}/s, p99 ${p99Ms.toFixed(0)} ms`;
      console.log(`${way}: ${requests} requests (${rate}) met ${Object.keys(bodies).length} pods`);
    }
    const violations = violationsOf(report);
    for (const violation of violations) console.error(violation);
    const { rollouts, drains } = report;
    console.log(`${rollouts} rolling updates, ${drains} drains, ${violations.length} violations`);
    if (violations.length > 0) process.exitCode = 1;
  } finally {
    await cluster.remove();
  }
}
