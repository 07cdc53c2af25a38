import { fileURLToPath } from "node:url";
import { startVitest, type TestCase } from "vitest/node";
import { type Patch, patched } from "../patch.ts";
import type { Scenario } from "./bug.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));

export interface TestOutcome {
  readonly passed: boolean;
  /** First line of what failed. */
  readonly failure: string | undefined;
}

/**
 * Runs one test of the repository on patched text. Vitest transforms modules itself, so Node's load hooks do not reach them: a plugin
 * that comes before all others gives it the text. Rejects unless exactly that test ran, on all of the patches: what did not even load proves nothing.
 */
export async function runTest(
  { file, name }: Extract<Scenario, { kind: "test" }>,
  patches: readonly Patch[],
): Promise<TestOutcome> {
  const byPath = Map.groupBy(patches, (patch) => root + patch.file);
  const reached = new Set<string>();
  const ran: TestCase[] = [];
  const troubles: string[] = [];
  const vitest = await startVitest(
    [file],
    {
      config: false,
      root,
      watch: false,
      testNamePattern: `(^| )${RegExp.escape(name)}$`,
      testTimeout: 60_000,
      retry: 0,
      // What is patched must neither come from what other runs have transformed, nor be left to them.
      fsModuleCache: false,
      // What is random begins alike in both directions.
      setupFiles: ["test/support/properties.ts"],
      env: { FLOTILLA_SEED: "1" },
      reporters: [
        {
          onTestRunEnd(modules, unhandled) {
            for (const module of modules) {
              troubles.push(...module.errors().map(({ message }) => message));
              for (const test of module.children.allTests()) if (test.result().state !== "skipped") ran.push(test);
            }
            troubles.push(...unhandled.map(({ message }) => message));
          },
        },
      ],
    },
    {
      plugins: [
        {
          name: "historic-bug",
          enforce: "pre",
          transform(source, id) {
            const own = byPath.get(id.split("?")[0] as string);
            if (own === undefined) return undefined;
            reached.add(own[0]!.file);
            return { code: patched(source, own), map: null };
          },
        },
      ],
    },
  );
  await vitest.close();
  // The verdict is the table's, not that of this run.
  process.exitCode = 0;
  const [test] = ran;
  if (ran.length !== 1 || test === undefined) {
    throw new Error(`${file} has ${ran.length} tests called "${name}" that run: ${troubles.join("; ") || "no errors"}`);
  }
  for (const patch of patches) if (!reached.has(patch.file)) throw new Error(`${file} never loaded ${patch.file}`);
  // A busy machine proves nothing either.
  const late = (test.result().errors ?? []).find(({ message }) => message.startsWith("Test timed out"));
  if (late !== undefined) throw new Error(`${file}, "${name}": ${late.message}`);
  // A property that failed says after the fact what it was that failed in it.
  const told = (test.result().errors ?? []).map(
    ({ message, cause }) => (cause as Error | undefined)?.message ?? message,
  );
  const errors = [...told, ...troubles];
  const passed = test.result().state === "passed" && errors.length === 0;
  return { passed, failure: passed ? undefined : (errors[0] ?? "failed").split("\n")[0] };
}
