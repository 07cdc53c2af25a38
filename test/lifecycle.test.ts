import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { TestCluster } from "./support/cluster.ts";
import { leftovers } from "./support/leftovers.ts";
import { run } from "./support/processes.ts";

const clusters: TestCluster[] = [];
afterEach(async () => {
  for (const cluster of clusters.splice(0)) await cluster.remove();
});

function cluster(): TestCluster {
  const made = new TestCluster();
  clusters.push(made);
  return made;
}

describe("a cluster's life", () => {
  test("up starts every component, says so line by line, and names the next command", async () => {
    const c = cluster();
    const output = await c.up();
    for (const component of [
      "etcd-1",
      "etcd-2",
      "etcd-3",
      "apiserver",
      "controller-manager",
      "scheduler",
      "node-1",
      "node-2",
      "ingress",
    ]) {
      expect(output).toMatch(new RegExp(`✓ ${component} `));
    }
    expect(output).toContain("kubectl get nodes");
    const status = await c.status();
    expect(status.healthy).toBe(true);
    expect(new Set(status.components.map(({ pid }) => pid)).size).toBe(9);
    expect(await c.kubectl("get", "nodes")).toMatch(/node-1\s+Ready[\s\S]*node-2\s+Ready/);
    expect(await c.up()).toContain("already running");
  });

  test("down leaves nothing, and may be said twice", async () => {
    const c = cluster();
    await c.up();
    await c.kubectl("create", "deployment", "d", "--image=host", "--replicas=2", "--", "sleep", "1000");
    await c.kubectl("rollout", "status", "deployment/d", "--timeout=30s");
    await c.flotilla("down");
    expect(leftovers([c.name, c.root])).toEqual([]);
    expect(existsSync(c.root)).toBe(false);
    expect(await c.flotilla("down")).toContain("nothing to remove");
  });

  test("down cleans up after a start that failed", async () => {
    const c = cluster();
    await c.up();
    await c.flotilla("stop");
    // A log that was damaged in the middle keeps a member from starting.
    const member = join(c.root, "members", "etcd-1", "member", "wal");
    const { stdout } = await run("sh", ["-c", `ls ${member}/*.wal | head -1`]);
    await run("dd", ["if=/dev/urandom", `of=${stdout.trim()}`, "bs=1", "seek=600", "count=64", "conv=notrunc"]);
    const failed = await c.tryFlotilla("start", "--wait", "20s");
    expect(failed.code).toBe(1);
    expect(failed.stderr).toMatch(/etcd-1/);
    await c.flotilla("down");
    expect(leftovers([c.name, c.root])).toEqual([]);
  });

  test("two clusters run side by side", async () => {
    const [a, b] = [cluster(), cluster()];
    // Both choose their ports at the same time.
    const outputs = await Promise.all([a.up(), b.up()]);
    expect(outputs.join("")).toContain("port 6443 is taken, using");
    await a.kubectl("create", "configmap", "only-in-a");
    expect((await b.tryKubectl(["get", "configmap", "only-in-a"])).stderr).toContain("NotFound");
    await a.flotilla("down");
    expect(await b.kubectl("get", "nodes")).toMatch(/node-2\s+Ready/);
  });
});

describe("what bad input gets", () => {
  const flotilla = join(import.meta.dirname, "..", "cli", "flotilla.ts");

  test("an unknown flag: one line, exit code 2", async () => {
    const { code, stderr } = await run(process.execPath, [flotilla, "up", "--colour", "blue"]);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: "flotilla up: unknown option '--colour'. `flotilla up --help` lists the flags. [Usage]\n",
    });
  });

  test("an unknown command: one line, exit code 2", async () => {
    const { code, stderr } = await run(process.execPath, [flotilla, "fly"]);
    expect(code).toBe(2);
    expect(stderr).toBe('flotilla: there is no command "fly". `flotilla --help` lists them. [UnknownCommand]\n');
  });

  test("a directory with somebody else's files is not touched", async () => {
    const folder = mkdtempSync(join(tmpdir(), "flotilla-other-"));
    try {
      mkdirSync(join(folder, "c"));
      writeFileSync(join(folder, "c", "precious"), "data");
      const { code, stderr } = await run(process.execPath, [flotilla, "up", "--data-dir", join(folder, "c")]);
      expect(code).toBe(1);
      expect(stderr).toContain("[NotAClusterDirectory]");
      expect((await run(process.execPath, [flotilla, "down", "--data-dir", join(folder, "c")])).code).toBe(1);
      expect(existsSync(join(folder, "c", "precious"))).toBe(true);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("a stopped cluster's ports go to no other; when a stranger has one, the start says which in one line", async () => {
    const portOf = async (of: TestCluster) =>
      Number(new URL((await of.status()).components.find(({ name }) => name === "apiserver")?.where ?? "").port);
    const [c, other] = [cluster(), cluster()];
    await c.up("--nodes", "0");
    const port = await portOf(c);
    await c.flotilla("stop");
    await other.up("--nodes", "0");
    expect(await portOf(other)).not.toBe(port);
    const squatter = createServer().listen(port, "127.0.0.1");
    try {
      const { code, stderr } = await c.tryFlotilla("start");
      expect(code).toBe(1);
      expect(stderr).toMatch(
        new RegExp(`^flotilla start: port ${port} of apiserver is used by another process\\. .*\\[PortTaken\\]\\n$`),
      );
    } finally {
      squatter.close();
    }
  });
});
