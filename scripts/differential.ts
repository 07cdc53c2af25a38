// Usage: npm run differential -- [--operations 1000000] [--workers N] [--seed N] [--profile NAME] [--path P] [--shrink 120]
// Puts random sequences of requests to Debian's etcd and to our members, side by side, and compares all that they answer. Prints what
// differs, made as small as `--shrink` seconds allow, with the profile, seed and path that show it again. An interrupt ends it with the
// table so far.
import { fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { profiles } from "../test/differential/profiles.ts";
import { emptyReport, explain, operationsOf, type Report, table, together } from "../test/differential/report.ts";
import { portsPerRun } from "../test/differential/run.ts";
import type { Task } from "../test/differential/worker.ts";

const { values } = parseArgs({
  options: {
    operations: { type: "string", default: "1000000" },
    workers: { type: "string" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    profile: { type: "string" },
    path: { type: "string" },
    shrink: { type: "string", default: "120" },
  },
});
const chosen = profiles.filter(({ name }) => values.profile === undefined || name === values.profile);
if (chosen.length === 0) {
  console.error(`no profile "${values.profile}"; there are: ${profiles.map(({ name }) => name).join(", ")}`);
  process.exit(2);
}

/** What was seen once is looked for by one. */
const workers = values.path === undefined ? Number(values.workers ?? Math.min(10, availableParallelism())) : 1;
/** Above those that the kernel gives to outgoing connections, and out of the way of tests. */
const firstPort = 61_000 + (process.pid % 5) * 10 * portsPerRun(profiles);
const startedMs = performance.now();
const seconds = () => (performance.now() - startedMs) / 1000;

const reports: Report[] = Array.from({ length: workers }, emptyReport);
const children = reports.map((_, w) => {
  const child = fork(resolve(import.meta.dirname, "../test/differential/worker.ts"), { serialization: "advanced" });
  const task: Task = {
    profiles: chosen.map(({ name }) => name),
    operations: Number(values.operations) / workers,
    seed: Number(values.seed) + 10_000_000 * w,
    ...(values.path === undefined ? {} : { path: values.path }),
    firstPort: firstPort + w * portsPerRun(profiles),
    shrinkMs: 1000 * Number(values.shrink),
  };
  child.send(task);
  child.on("message", (report: Report) => {
    const told = reports[w]!.failures.length;
    reports[w] = report;
    for (const failure of report.failures.slice(told)) console.log(`\n${explain(failure)}\n`);
  });
  return { child, gone: new Promise<number | null>((done) => child.once("exit", done)) };
});

console.log(`seed ${values.seed}, ${workers} workers: ${chosen.map(({ name }) => name).join(", ")}`);
const progress = setInterval(() => {
  const sum = together(reports);
  const done = operationsOf(sum);
  const seeds = sum.profiles.map(({ profile, nextSeed }) => `${profile} ${nextSeed - 1}`).join(", ");
  console.log(`${seconds().toFixed(0)} s: ${done} operations, ${(done / seconds()).toFixed(0)}/s; seeds: ${seeds}`);
}, 30_000);
const interrupt = () => {
  for (const { child } of children) child.kill("SIGINT");
};
process.on("SIGINT", interrupt);
process.on("SIGTERM", interrupt);

const codes = await Promise.all(children.map(({ gone }) => gone));
clearInterval(progress);
const sum = together(reports);
console.log(table(sum));
const done = operationsOf(sum);
const isComplete = codes.every((code) => code === 0) && done >= Number(values.operations);
console.log(
  `\n${done} operations in ${seconds().toFixed(0)} s, ${sum.failures.length} differences${isComplete || values.path !== undefined ? "" : ", not all that were asked for"}`,
);
process.exitCode = sum.failures.length === 0 && codes.every((code) => code === 0) ? 0 : 1;
