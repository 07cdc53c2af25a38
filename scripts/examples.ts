// Usage: npm run examples -- [--runtime namespaces|rootless|containerd]... [--only NAME]... [--side-by-side 4] [--write]
// Follows the README of every example on a fresh cluster for each runtime, as a reader would, and compares what is seen with what is promised.
// --write notes the results in the table of examples/README.md, beside those of earlier runs. Exit code 1 when a promise was not kept.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Ground, obstacleTo, prepareGround, type RuntimeName, runtimeNames } from "./examples/ground.ts";
import { type Example, examplesDirectory, readExamples } from "./examples/read-example.ts";
import { runExample } from "./examples/run-example.ts";
import { resultTable, withResults } from "./examples/table.ts";

const { values: flags } = parseArgs({
  options: {
    runtime: { type: "string", multiple: true, default: [...runtimeNames] },
    only: { type: "string", multiple: true, default: [] },
    "side-by-side": { type: "string", default: "4" },
    write: { type: "boolean", default: false },
  },
});

function usage(problem: string): never {
  console.error(`examples: ${problem}`);
  process.exit(2);
}

const all = readExamples();
const examples = flags.only.length === 0 ? all : all.filter(({ name }) => flags.only.includes(name));
for (const name of flags.only)
  if (!all.some((example) => example.name === name))
    usage(`there is no example "${name}", but ${all.map((example) => example.name).join(", ")}`);
const runtimes = flags.runtime.map(
  (name) => runtimeNames.find((known) => known === name) ?? usage(`there is no runtime "${name}"`),
);
const sideBySide = Number(flags["side-by-side"]);
if (!(sideBySide >= 1)) usage("--side-by-side takes a number from 1");

let current: Ground | undefined;
process.once("SIGINT", async () => {
  console.log("examples: removing the cluster");
  await current?.remove();
  process.exit(130);
});

const results = new Map<RuntimeName, ReadonlyMap<string, string>>();
const failures: string[] = [];
for (const runtime of runtimes) results.set(runtime, await runAllOn(runtime));
for (const failure of failures) console.log(`\n${failure}`);
console.log(`\n${resultTable(examples, results)}`);
if (flags.write) {
  const readme = join(examplesDirectory, "README.md");
  writeFileSync(readme, withResults(readFileSync(readme, "utf8"), all, results));
}
process.exitCode = failures.length === 0 ? 0 : 1;

async function runAllOn(runtime: RuntimeName): Promise<Map<string, string>> {
  const outcome = new Map<string, string>();
  const obstacle = obstacleTo(runtime);
  if (obstacle !== undefined) {
    console.log(`${runtime}: ${obstacle}`);
    return new Map(examples.map(({ name }) => [name, obstacle]));
  }
  const startedAt = performance.now();
  console.log(`${runtime}: a cluster with two nodes`);
  let ground: Ground;
  try {
    ground = await prepareGround(runtime);
    current = ground;
  } catch (error) {
    failures.push(`${runtime}: ${(error as Error).message}`);
    return new Map(examples.map(({ name }) => [name, "failed"]));
  }
  try {
    const able = examples.filter(({ name, notOn }) => {
      const reason = notOn[runtime];
      if (reason !== undefined) outcome.set(name, reason);
      return reason === undefined;
    });
    await runLanes(
      able.filter(({ alone }) => !alone),
      sideBySide,
      ground,
      outcome,
    );
    await runLanes(
      able.filter(({ alone }) => alone),
      1,
      ground,
      outcome,
    );
  } finally {
    current = undefined;
    await ground.remove();
  }
  console.log(`${runtime}: ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
  return outcome;
}

/** Every lane takes the next example when it is done with one. */
async function runLanes(
  queue: readonly Example[],
  lanes: number,
  ground: Ground,
  outcome: Map<string, string>,
): Promise<void> {
  const waiting = queue.values();
  const lane = async () => {
    for (const example of waiting) {
      const { ms, failure } = await runExample(example, ground);
      outcome.set(example.name, failure === undefined ? "ok" : "failed");
      if (failure !== undefined) failures.push(failure);
      const mark = failure === undefined ? "✓" : "✗";
      console.log(`  ${mark} ${example.name.padEnd(28)} ${(ms / 1000).toFixed(1).padStart(6)} s`);
      if (failure !== undefined) console.log(failure.split("\n").slice(0, 12).join("\n    ").replace(/^/, "    "));
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}
