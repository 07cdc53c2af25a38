import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadBusybox } from "./support/busybox.ts";
import { TestCluster } from "./support/cluster.ts";
import { eventually } from "./support/eventually.ts";
import { leftovers } from "./support/leftovers.ts";
import { servesPods } from "./support/serving.ts";
import { makeUser } from "./support/user.ts";

// A cluster of an ordinary user: whoever runs the tests is root, but only makes that user, and looks.

const user = makeUser();
const cluster = new TestCluster(user);

/** Living processes that belong to the user. */
function processes(): string[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((pid) => {
      try {
        const alive = !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
        return alive && statSync(`/proc/${pid}`).uid === user.id ? [readFileSync(`/proc/${pid}/cmdline`, "utf8")] : [];
      } catch {
        return []; // gone while we looked
      }
    });
}

const restarts = () =>
  cluster.kubectl(
    "get",
    "pods",
    "-l",
    "app=web",
    "-o",
    "jsonpath={.items[*].status.containerStatuses[0].restartCount}",
  );

beforeAll(async () => {
  await cluster.up("--members", "1");
  await loadBusybox(cluster);
});
afterAll(async () => {
  await cluster.remove();
  user.remove();
});

describe("nodes of an ordinary user", () => {
  servesPods(cluster);

  test("run as that user, and say what they cannot do", async () => {
    const { components } = await cluster.status();
    expect(components.map(({ pid }) => statSync(`/proc/${pid}`).uid)).toEqual(components.map(() => user.id));
    const isolated = 'jsonpath={.status.conditions[?(@.type=="ContainersIsolated")].message}';
    expect(await cluster.kubectl("get", "node", "node-1", "-o", isolated)).toContain(
      "memory limits are watched, not enforced by the kernel",
    );
  });

  test("have root and other users in their containers, who are nobody outside", async () => {
    const spec = (uid: number) => JSON.stringify({ spec: { securityContext: { runAsUser: uid } } });
    const idOf = async (name: string, ...flags: string[]) => {
      await cluster.kubectl("run", name, "--image=busybox:1", "--restart=Never", ...flags, "--", "id", "-u");
      await cluster.kubectl("wait", `pod/${name}`, "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s");
      return cluster.kubectl("logs", name);
    };
    expect(await idOf("root")).toBe("0\n");
    expect(await idOf("other", `--overrides=${spec(33)}`)).toBe("33\n");
    await cluster.kubectl("delete", "pod", "root", "other");
  });

  test("keep their pods when a node agent is killed; when all of their namespaces go, everything is made anew", async () => {
    process.kill(await cluster.pidOf("node-1"), "SIGKILL");
    await eventually("the agent is back", async () => (await cluster.status()).healthy);
    expect(await restarts()).toBe("0 0");

    const { pid } = JSON.parse(readFileSync(join(cluster.root, "run", "machine.pid"), "utf8")) as { pid: number };
    process.kill(pid, "SIGKILL");
    await eventually("pods run again", async () => (await restarts()) === "1 1");
    await cluster.kubectl("wait", "--for=condition=Ready", "pod", "-l", "app=web", "--timeout=30s");
  });

  test("leave nothing when they go", async () => {
    await cluster.flotilla("down");
    await eventually("the user's processes are gone", () => processes().length === 0, 5_000);
    expect(leftovers([cluster.name, cluster.root])).toEqual([]);
  });
});

/** Runs a command where no user namespace can be made. */
const forbidding = [
  ...["unshare", "--user", "--map-current-user", "--keep-caps"],
  ...["sh", "-c", 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"', "sh"],
];

test("where user namespaces are forbidden, nodes are plain processes, unless better ones are insisted on", async () => {
  const plain = new TestCluster(user, forbidding);
  const { code, stderr } = await plain.tryFlotilla("up", "--runtime", "namespaces");
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /^flotilla up: nodes with --runtime namespaces need root or a user namespace[^\n]*\[NeedsRoot\]\n$/,
  );
  const said = await plain.flotilla("up", "--detach", "--nodes", "0", "--members", "1");
  await plain.remove();
  expect(said).toContain("plain processes, without isolation: no user namespaces here");
});
