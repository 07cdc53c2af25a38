import { existsSync, readdirSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadBusybox } from "./support/busybox.ts";
import { TestCluster } from "./support/cluster.ts";
import { eventually } from "./support/eventually.ts";
import { leftovers } from "./support/leftovers.ts";
import { servesPods } from "./support/serving.ts";

// A cluster whose nodes run containerd, each its own.

const cluster = new TestCluster();

/** Where containerd and network plug-ins put files whatever their configuration says. */
function notes(): string[] {
  return ["/run/containerd/s", "/var/lib/cni/results"].filter(existsSync).flatMap((dir) => readdirSync(dir));
}
const before = new Set(notes());

const restarts = (...args: string[]) =>
  cluster.kubectl("get", "pods", "-o", "jsonpath={.items[*].status.containerStatuses[0].restartCount}", ...args);

beforeAll(async () => {
  await cluster.up("--runtime", "containerd", "--members", "1");
  await loadBusybox(cluster);
});
afterAll(() => cluster.remove());

describe("nodes with containerd", () => {
  servesPods(cluster);

  test("say who runs their pods", async () => {
    const engine = "jsonpath={.items[*].status.nodeInfo.containerRuntimeVersion}";
    expect(await cluster.kubectl("get", "nodes", "-o", engine)).toMatch(/^containerd:\/\/\S+ containerd:\/\/\S+$/);
    expect((await cluster.status()).components.map(({ name }) => name)).toContain("node-2-containerd");
  });

  test("have no image of the machine, and say which engine does", async () => {
    await cluster.kubectl("run", "machine", "--image=host");
    const event = await eventually("the pull has failed", async () => {
      const events = await cluster.kubectl("events", "--for=pod/machine", "--types=Warning");
      return events.includes("ErrImagePull") && events;
    });
    expect(event).toContain('only the embedded engine (--runtime namespaces) has "host"');
    await cluster.kubectl("delete", "pod", "machine", "--now");
  });

  test("keep their pods when containerd is killed, and start them again after a stop of the cluster", async () => {
    process.kill(await cluster.pidOf("node-1-containerd"), "SIGKILL");
    await eventually("containerd is back", async () => (await cluster.tryFlotilla("image", "list")).code === 0);
    await eventually("pods answer", async () => (await cluster.kubectl("exec", "deploy/web", "--", "true")) === "");
    expect(await restarts("-l", "app=web")).toBe("0 0");

    await cluster.flotilla("stop");
    const { code, stderr } = await cluster.tryFlotilla("image", "list");
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining("[ContainerdStopped]") });
    await cluster.flotilla("start");
    await eventually("pods run again", async () => (await restarts("-l", "app=web")) === "1 1");
    await cluster.kubectl("wait", "--for=condition=Ready", "pod", "-l", "app=web", "--timeout=30s");
  });

  test("leave nothing when they go", async () => {
    await cluster.flotilla("down");
    expect(leftovers([cluster.name, cluster.root])).toEqual([]);
    expect(notes().filter((name) => !before.has(name))).toEqual([]);
  });
});
