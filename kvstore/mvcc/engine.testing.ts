import { describe, expect, test } from "vitest";
import type { Engine, EngineHome } from "./engine.ts";

/** What every engine must do. `newHome` makes an empty home. */
export function testEngine(name: string, newHome: () => Promise<EngineHome> | EngineHome): void {
  describe(`${name} engine`, () => {
    test("keeps what was written for the next engine of its home", async () => {
      const home = await newHome();
      const engine = await home.open();
      await engine.write([
        { key: "b", value: Buffer.from("bytes") },
        { key: "a\xff\0", value: "text \xe9" },
        { key: "gone", value: "gone" },
      ]);
      await engine.write([
        { key: "gone", value: undefined },
        { key: "b", value: "first" },
        { key: "b", value: "last" },
      ]);
      expect(await contents(engine)).toEqual([
        ["a\xff\0", "text \xe9"],
        ["b", "last"],
      ]);
      await engine.close();
      const next = await home.open();
      expect(Buffer.from(next.get("a\xff\0") ?? []).toString("latin1")).toBe("text \xe9");
      expect(next.get("gone")).toBeUndefined();
      await next.close();
    });

    test("scans a range in order, in runs, as it was when the scan began", async () => {
      const engine = await (await newHome()).open();
      await engine.write(["d", "a", "c", "b", "e"].map((key) => ({ key, value: key })));
      const scan = engine.scan("b", "e", 2);
      const first = await scan.next();
      await engine.write([
        { key: "d", value: undefined },
        { key: "cc", value: "new" },
      ]);
      const runs = [first.value, ...(await Array.fromAsync(scan))];
      expect(runs.map((run) => run.map(({ key }: { key: Uint8Array }) => text(key)))).toEqual([["b", "c"], ["d"]]);
      await engine.close();
    });

    test("is closed while a scan has been left in the middle, or has not been begun", async () => {
      const engine = await (await newHome()).open();
      await engine.write(["a", "b", "c", "d"].map((key) => ({ key, value: key })));
      for await (const run of engine.scan("", "z", 1)) {
        expect(run).toHaveLength(1);
        break;
      }
      const paused = engine.scan("", "z", 1);
      await paused.next();
      engine.scan("", "z");
      await engine.close();
    });

    test("can be read while its successor is filled; then the successor has its place", async () => {
      const home = await newHome();
      const engine = await home.open();
      await engine.write([{ key: "old", value: "old" }]);
      const abandoned = await home.openSuccessor();
      await abandoned.engine.write([{ key: "abandoned", value: "abandoned" }]);
      await abandoned.engine.close();
      const { engine: successor, takeOver } = await home.openSuccessor();
      expect(await contents(successor)).toEqual([]);
      await successor.write([{ key: "new", value: "new" }]);
      expect(await contents(engine)).toEqual([["old", "old"]]);
      await takeOver();
      expect(await contents(engine)).toEqual([["old", "old"]]);
      await engine.close();
      await successor.close();
      const reopened = await home.open();
      expect(await contents(reopened)).toEqual([["new", "new"]]);
      await reopened.close();
    });

    test("keeps the old contents when its successor never took over", async () => {
      const home = await newHome();
      const engine = await home.open();
      await engine.write([{ key: "old", value: "old" }]);
      const { engine: successor } = await home.openSuccessor();
      await successor.write([{ key: "new", value: "new" }]);
      await Promise.all([engine.close(), successor.close()]);
      const reopened = await home.open();
      expect(await contents(reopened)).toEqual([["old", "old"]]);
      await reopened.close();
    });

    test("knows its size and survives defragmentation", async () => {
      const engine = await (await newHome()).open();
      await engine.write([{ key: "a", value: "x".repeat(10_000) }]);
      await engine.defragment();
      expect(await engine.sizeBytes()).toBeGreaterThan(0);
      expect(engine.get("a")).toHaveLength(10_000);
      await engine.close();
    });
  });
}

async function contents(engine: Engine): Promise<string[][]> {
  const runs = await Array.fromAsync(engine.scan("", "\xff\xff\xff"));
  return runs.flat().map(({ key, value }) => [text(key), text(value)]);
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}
