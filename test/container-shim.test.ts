// The shim of a container whose client ends its input at the moment at which the container ends by itself.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, expect, test } from "vitest";
import { shimScript } from "../dataplane/kubelet/runtime/embedded/shim.ts";
import { eventually } from "./support/eventually.ts";

const root = mkdtempSync(join(tmpdir(), "flotilla-shim-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Runs a container that ends with 7 on its first line; tells the shim that input is over `delay` turns of the event loop after that line. */
async function exitCode(dir: string, delay: number): Promise<string> {
  mkdirSync(dir);
  execFileSync("mkfifo", ["in", "out", "err", "ack"], { cwd: dir });
  writeFileSync(join(dir, "run.sh"), "read line; exit 7\n");
  const exitFile = join(dir, "exit");
  const script = shimScript({ dir, exitFile, enter: [], isolate: [], stdin: true });
  const shim = spawn("/bin/sh", ["-c", script], { stdio: ["ignore", "pipe", "pipe"] });
  const complaints = text(shim.stderr);
  const ended = new Promise((resolve) => shim.on("exit", resolve));
  await eventually("the container runs", () => readFileSync(join(dir, "pid"), "utf8") !== "", 30_000, 2);
  const input = await open(join(dir, "in"), "w");
  await input.write("x\n");
  await input.close();
  for (let turn = 0; turn < delay; turn++) await new Promise(setImmediate);
  shim.kill("SIGUSR1");
  await eventually("the exit code is there", () => readFileSync(exitFile, "utf8") !== "", 30_000, 2);
  const acknowledgement = await open(join(dir, "ack"), "w");
  await acknowledgement.write("\n");
  await acknowledgement.close();
  await ended;
  expect(await complaints).toBe("");
  return readFileSync(exitFile, "utf8");
}

test("keeps the container's exit code, however close the two are", { timeout: 60_000 }, async () => {
  for (let run = 0; run < 150; run++)
    expect([run, await exitCode(join(root, `${run}`), run % 20)]).toEqual([run, "7\n"]);
});
