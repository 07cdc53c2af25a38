// npm run soak -- check-perf [--load s|m|l|xl]: `etcdctl check perf`, a minute of puts, against three members of ours and of etcd's.
import { parseArgs } from "node:util";
import { debianEtcd, etcdctl, flotilla, StoreCluster } from "../store-cluster.ts";

const usage =
  "usage: npm run soak -- check-perf [--load s|m|l|xl]   s: 150 puts/s, m: 1000, l: 8000, xl: 15000; one after the other, a minute each";

export async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { load: { type: "string", default: "s" }, help: { type: "boolean" } },
  });
  if (values.help) {
    console.log(usage);
    return;
  }
  let failed = false;
  for (const [at, kind] of [debianEtcd, flotilla].entries()) {
    const cluster = new StoreCluster(kind, 25_000 + (process.pid % 100) * 20 + 6 * at);
    try {
      await cluster.start();
      const { code, stdout } = await etcdctl(
        cluster.endpoints,
        ["check", "perf", "--load", values.load, "--auto-compact", "--auto-defrag"],
        {
          patienceMs: 120_000,
        },
      );
      // Its progress bar is drawn over and over on one line.
      const verdicts = stdout.split(/[\r\n]+/).filter((line) => /PASS|FAIL|Slowest|Stddev|Throughput/.test(line));
      console.log(`${kind.name}, load ${values.load}:\n${verdicts.map((line) => `  ${line}`).join("\n")}`);
      failed ||= code !== 0 || verdicts.some((line) => line.startsWith("FAIL"));
    } finally {
      await cluster.remove();
    }
  }
  process.exitCode = failed ? 1 : 0;
}
