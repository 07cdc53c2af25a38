import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { etcdLog, rotate, writerTo } from "./etcd-log.ts";

const directory = mkdtempSync(join(tmpdir(), "etcd-log-"));
afterEach(() => {
  for (const name of readdirSync(directory)) rmSync(join(directory, name));
});

function lines(level: string, format: "json" | "console"): { log: ReturnType<typeof etcdLog>; written: string[] } {
  const written: string[] = [];
  const now = () => Date.UTC(2030, 0, 2, 3, 4, 5, 678) + 0.25;
  return { log: etcdLog({ level, format, write: (text) => void written.push(text), now }), written };
}

test("a line is JSON with level, time, place and message before its fields", () => {
  const { log, written } = lines("info", "json");
  log("warn", "request stats", { "time spent": "1s", id: 18446744073709551615n, error: new Error("no") });
  expect(written[0]).toMatch(
    /^\{"level":"warn","ts":"2030-01-02T03:04:05\.678250Z","caller":"cli\/etcd-log\.test\.ts:\d+","msg":"request stats",/,
  );
  expect(JSON.parse(written[0] as string)).toMatchObject({
    "time spent": "1s",
    id: "18446744073709551615",
    error: "no",
  });
});

test("or in columns", () => {
  const { log, written } = lines("info", "console");
  log("info", "hello", { a: 1 });
  expect(written[0]).toMatch(/^2030-01-02T03:04:05\.678250Z\tINFO\tcli\/etcd-log\.test\.ts:\d+\thello\t\{"a":1\}\n$/);
});

test("what is below the level is not written", () => {
  const { log, written } = lines("error", "json");
  log("warn", "no");
  log("error", "yes");
  expect(written).toHaveLength(1);
});

test("a file that has grown is put aside, and only so many of those are kept", () => {
  const file = join(directory, "etcd.log");
  for (let day = 1; day <= 4; day++) {
    writeFileSync(file, `day ${day}\n`);
    rotate(file, { maxsize: 1, maxage: 0, maxbackups: 2 }, Date.UTC(2030, 0, day));
  }
  expect(readdirSync(directory).sort()).toEqual([
    "etcd-2030-01-03T00-00-00.000.log",
    "etcd-2030-01-04T00-00-00.000.log",
  ]);
  const write = writerTo([file], { maxsize: 1, maxage: 0, maxbackups: 2 });
  write(`${"x".repeat(700_000)}\n`);
  write(`${"y".repeat(700_000)}\n`);
  expect(readFileSync(file, "utf8")).toMatch(/^y/);
});
