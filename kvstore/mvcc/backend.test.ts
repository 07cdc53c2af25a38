import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { MemberMetrics } from "../metrics/mod.ts";
import { machineClock } from "../server/machine-clock.ts";
import { Backend, type BackendRecord } from "./backend.ts";
import type { EngineHome } from "./engine.ts";
import { LevelHome } from "./level-engine.ts";
import { MemoryHome } from "./memory-engine.ts";

const directory = mkdtempSync(join(tmpdir(), "flotilla-backend-"));
afterAll(() => rmSync(directory, { recursive: true }));

async function namesIn(runs: AsyncGenerator<readonly BackendRecord[]>): Promise<string[]> {
  const names: string[] = [];
  for await (const run of runs) {
    for (const { bucket, key, value } of run) names.push(`${bucket}/${Buffer.from(key)}=${Buffer.from(value)}`);
  }
  return names;
}

describe.each<[string, () => EngineHome]>([
  ["memory", () => new MemoryHome()],
  ["level", () => new LevelHome(join(directory, "level"))],
])("exports over the %s engine", (_name, home) => {
  test("are streams of one and the same batch, in the order of the buckets' names, whatever is written meanwhile", async () => {
    const onFailure = (error: unknown) => {
      throw error;
    };
    const engine = await home().open();
    const backend = await Backend.open({ engine, clock: machineClock, onFailure, metrics: new MemberMetrics() });
    const put = (count: number) => {
      for (const bucket of ["members_removed", "authUsers", "meta", "key", "cluster", "alarm", "lease"] as const) {
        for (let at = 0; at < 50; at++) backend.put(bucket, String(at).padStart(3, "0"), Buffer.from(String(count)));
      }
    };
    put(1);
    // Batches that are being written, and those that come later: none lies between the two streams.
    void backend.commit();
    put(2);
    const exported = backend.exports(2);
    for (let count = 3; count < 20; count++) {
      put(count);
      void backend.commit();
    }
    const [first, second] = await exported;
    const names = await namesIn(first!);
    await backend.commit();
    expect(await namesIn(second!)).toEqual(names);
    const one = names[0]!.split("=")[1];
    expect(new Set(names.map((name) => name.split("=")[1]))).toEqual(new Set([one]));
    const buckets = [...new Set(names.map((name) => name.split("/")[0]))];
    expect(buckets).toEqual(["alarm", "authUsers", "cluster", "key", "lease", "members_removed", "meta"]);
    await backend.close();
  });
});
