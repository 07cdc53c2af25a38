// Usage: npm run sim -- [--seeds N] [--from SEED] [--seconds S] [--hours H] [--jobs J] | --seed N [--hash] [--log] [--seconds S]
import { parseArgs } from "node:util";
import { describeParameters } from "./parameters.ts";
import { type Report, run } from "./run.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string", default: "100" },
    from: { type: "string", default: "1" },
    seconds: { type: "string", default: "60" },
    hash: { type: "boolean", default: false },
    log: { type: "boolean", default: false },
  },
});

const seconds = Number(values.seconds);

function replayCommand(seed: number): string {
  return `npm run sim -- --seed ${seed} --seconds ${seconds} --log`;
}

function tell(report: Report, tookMs: number): void {
  const { events, operations, acknowledged, virtualSeconds, starts, leaders, hash, messages } = report;
  const faults = [...report.faults].map(([name, count]) => `${name} ${count}`).join(", ") || "none";
  console.log(
    `${events} events, ${messages} messages, ${operations} operations (${acknowledged} acknowledged), ${starts} starts, ${leaders} leaders in ${Math.round(virtualSeconds)} s ` +
      `took ${Math.round(tookMs)} ms: ${Math.round(events / (tookMs / 1000))} events/s, ${Math.round(virtualSeconds / (tookMs / 1000))} x; faults: ${faults}; hash ${hash}`,
  );
}

async function one(seed: number): Promise<void> {
  const startMs = performance.now();
  const log = values.log
    ? (machine: { name: string }, level: string, message: string, fields?: object) =>
        console.log(
          machine.name,
          level,
          message,
          JSON.stringify(fields ?? {}, (_, v) => (typeof v === "bigint" ? v.toString(16) : v)),
        )
    : undefined;
  const report = await run({ seed, seconds, log });
  if (values.hash) {
    console.log(report.hash);
    return;
  }
  console.log(describeParameters(report.parameters));
  tell(report, performance.now() - startMs);
  if (report.violation !== undefined) {
    console.log(`seed ${seed} broke: ${report.violation.message}`);
    process.exitCode = 1;
  }
}

if (values.seed !== undefined)
  await new Promise((resolve) => setImmediate(resolve)).then(() => one(Number(values.seed)));
else {
  const from = Number(values.from);
  const startMs = performance.now();
  let [events, operations, virtualSeconds, failed] = [0, 0, 0, 0];
  for (let seed = from; seed < from + Number(values.seeds); seed++) {
    const report = await run({ seed, seconds });
    events += report.events;
    operations += report.operations;
    virtualSeconds += report.virtualSeconds;
    if (report.violation === undefined) continue;
    failed++;
    console.log(
      `seed ${seed}: ${report.violation.message.split("\n").slice(0, 2).join(" ")}\n  ${replayCommand(seed)}`,
    );
  }
  const tookS = (performance.now() - startMs) / 1000;
  console.log(
    `${values.seeds} seeds, ${failed} failed; ${Math.round(events / tookS)} events/s, ${Math.round(operations / tookS)} operations/s, ${Math.round(virtualSeconds / tookS)} x real time, ${tookS.toFixed(1)} s`,
  );
  process.exitCode = failed === 0 ? 0 : 1;
}
