import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../../../controlplane/client/mod.ts";
import { destroyNode } from "../../destroy-node.ts";
import { createClusterNetwork, createNodeNetwork, destroyClusterNetwork } from "../../network/cluster-network.ts";
import { underlayNamespace } from "../../network/namespace.ts";
import type { Mount } from "../cri.ts";
import { containerConfig, type Engine, runtimeSuite, sandboxConfig, textOfLog } from "../runtime.testing.ts";
import { cgroupNameOf } from "./cgroup-name.ts";
import { exitsDirOf } from "./embedded-runtime.ts";
import { type DriverChoice, openEmbeddedRuntime } from "./open.ts";

const cluster = `t${process.pid}`;

async function openEngine(rootDir: string, driver: DriverChoice, nodeNamespace?: string): Promise<Engine> {
  const options = {
    stateDir: join(rootDir, "runtime"),
    imagesDir: join(rootDir, "images"),
    driver,
    maskedPaths: [],
    nodeNamespace,
    clock: systemClock,
    log: () => undefined,
  };
  const { runtime } = await openEmbeddedRuntime(options);
  await runtime.updateRuntimeConfig({ podCidr: "10.244.7.0/24" });
  return {
    runtime,
    isolates: driver === "namespaces",
    async restart(meanwhile) {
      runtime.close();
      await meanwhile?.();
      return openEngine(rootDir, driver, nodeNamespace);
    },
    hasEnded: (id) => existsSync(join(exitsDirOf(options.stateDir), id)),
    async destroy() {
      runtime.close();
      await destroyNode({ rootDir });
      expect(leftovers(rootDir)).toEqual([]);
    },
  };
}

/** Whatever on this machine still names the node: mounts, processes, control groups. */
function leftovers(rootDir: string): string[] {
  const found = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => line.includes(rootDir));
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, "utf8");
      if (line.includes(rootDir)) found.push(`process ${pid}: ${line}`);
    } catch {
      // gone meanwhile
    }
  }
  const group = cgroupNameOf(join(rootDir, "runtime"));
  for (const controller of ["cpu", "cpuacct", "memory", ""]) {
    if (existsSync(join("/sys/fs/cgroup", controller, group))) found.push(`control group ${controller}/${group}`);
  }
  return found;
}

runtimeSuite("plain processes", (dir) => openEngine(dir, "process"));

describe("as root", () => {
  let node: string;

  beforeAll(async () => {
    await createClusterNetwork(cluster);
    node = (await createNodeNetwork({ cluster, node: "n1", nodeIP: "172.30.0.11" })).namespace;
  });

  afterAll(async () => {
    await destroyClusterNetwork(cluster);
    expect(existsSync(underlayNamespace(cluster)) || existsSync(node)).toBe(false);
  });

  runtimeSuite("namespaces", (dir) => openEngine(dir, "namespaces", node));

  describe("namespaces: what only isolation gives", () => {
    async function inPod<T>(
      body: (engine: Engine, run: (script: string, change?: object) => Promise<string>) => Promise<T>,
    ): Promise<T> {
      let started = 0;
      const dir = join("/tmp", `flotilla-isolation-${process.pid}`);
      const engine = await openEngine(join(dir, "node"), "namespaces", node);
      try {
        const config = sandboxConfig(dir);
        const { podSandboxId } = await engine.runtime.runPodSandbox(config);
        return await body(engine, async (script, change = {}) => {
          const options = { ...change, logPath: `main/${started++}.log` };
          const { containerId } = await engine.runtime.createContainer(
            podSandboxId,
            containerConfig(script, options),
            config,
          );
          await engine.runtime.startContainer(containerId);
          for (;;) {
            const status = await engine.runtime.containerStatus(containerId);
            if (status.state === "CONTAINER_EXITED")
              return `${textOfLog(status.logPath)}[${status.reason} ${status.exitCode}]`;
            await new Promise((resolve) => setTimeout(resolve, 5));
          }
        });
      } finally {
        await engine.destroy();
        execFileSync("rm", ["-rf", dir]);
      }
    }

    test("own root, hostname, processes and devices; the pod's address and resolver", async () => {
      await inPod(async (_engine, run) => {
        expect(await run("touch /usr/own && hostname && echo $$ && cat /etc/hostname && echo x > /dev/null")).toBe(
          "web\n1\nweb\n[Completed 0]",
        );
        expect(existsSync("/usr/own")).toBe(false);
        expect(await run("cat /etc/resolv.conf")).toContain(
          "nameserver 10.96.0.10\nsearch default.svc.cluster.local\noptions ndots:5\n",
        );
        expect(await run("ip -4 -o address show eth0")).toContain("10.244.7.2/32");
        expect(await run("ls /proc | grep -c '^[0-9]'")).toMatch(/^[1-5]\n/);
      });
    });

    test("containers of a pod meet on localhost and in shared memory", async () => {
      await inPod(async (_engine, run) => {
        const listen = `node -e 'require("net").createServer(s=>{s.end("hello",()=>process.exit())}).listen(8080,"127.0.0.1")'`;
        const serving = run(`echo shared > /dev/shm/x; ${listen}`);
        const client = `until cat /dev/shm/x 2>/dev/null; do sleep 0.02; done; until node -e 'require("net").connect(8080,"127.0.0.1").on("error",()=>process.exit(1)).pipe(process.stdout)'; do sleep 0.05; done`;
        expect(await run(client)).toBe("shared\nhello[Completed 0]");
        await serving;
      });
    });

    test("volumes are mounted, read-only ones cannot be written, files too, through the host's links", async () => {
      await inPod(async (_engine, run) => {
        const mounts = [
          { containerPath: "/var/run/secrets/token", hostPath: "/etc/hostname", readonly: true },
          { containerPath: "/data dir", hostPath: "/usr/share", readonly: true },
        ];
        const text = await run("cat /run/secrets/token; ls '/data dir' | head -1; touch '/data dir/x' 2>&1", {
          mounts,
        });
        expect(text).toContain(readFileSync("/etc/hostname", "utf8"));
        expect(text).toContain("Read-only file system");
      });
    });

    test("user, groups, capabilities and a read-only root", async () => {
      const base = containerConfig("").linux.securityContext;
      const as = (security: object) => ({ linux: { resources: {}, securityContext: { ...base, ...security } } });
      await inPod(async (_engine, run) => {
        expect(await run("id -u; id -g; id -G", as({ runAsUser: 1234, runAsGroup: 99, supplementalGroups: [7] }))).toBe(
          "1234\n99\n99 7\n[Completed 0]",
        );
        expect(await run("grep CapEff /proc/self/status", as({}))).toContain("00000000a80425fb");
        expect(await run("grep CapEff /proc/self/status", as({ dropCapabilities: ["ALL"] }))).toContain(
          "0000000000000000",
        );
        expect(await run("touch /x 2>&1", as({ readonlyRootfs: true }))).toContain("Read-only file system");
      });
    });

    test("mounts that are made later are seen on the other side, where that was asked for", async () => {
      const volume = mkdtempSync("/tmp/flotilla-shared-");
      mkdirSync(join(volume, "below"));
      const mount = (...args: string[]) => execFileSync("mount", args);
      mount("--bind", volume, volume);
      mount("--make-shared", volume);
      const at = (propagation: Mount["propagation"], more: Partial<Mount> = {}) => ({
        mounts: [{ containerPath: "/v", hostPath: volume, readonly: false, propagation, ...more }],
      });
      const wait = "touch /v/$0; until [ -e /v/go ]; do sleep 0.02; done; ls /v/below";
      try {
        await inPod(async (_engine, run) => {
          const security = { ...containerConfig("").linux.securityContext, privileged: true };
          const linux = { resources: {}, securityContext: security };
          const inside = "mkdir -p /v/made && mount -t tmpfs tmpfs /v/made && touch /v/made/x";
          expect(await run(inside, { ...at("PROPAGATION_BIDIRECTIONAL"), linux })).toBe("[Completed 0]");
          expect(existsSync(join(volume, "made/x"))).toBe(true);
          const [follower, loner] = [
            run("", { ...at("PROPAGATION_HOST_TO_CONTAINER"), command: ["sh", "-c", wait, "a"] }),
            run("", { ...at("PROPAGATION_PRIVATE"), command: ["sh", "-c", wait, "b"] }),
          ];
          while (!existsSync(join(volume, "a")) || !existsSync(join(volume, "b"))) await delay(5);
          mount("-t", "tmpfs", "tmpfs", join(volume, "below"));
          writeFileSync(join(volume, "below/late"), "");
          writeFileSync(join(volume, "go"), "");
          expect(await follower).toBe("late\n[Completed 0]");
          expect(await loner).toBe("[Completed 0]");
          const write = "touch /v/x 2>/dev/null || echo no; touch /v/below/x 2>/dev/null || echo no";
          expect(await run(write, at(undefined, { readonly: true }))).toBe("no\n[Completed 0]");
          const whole = { readonly: true, recursiveReadOnly: true };
          expect(await run(write, at(undefined, whole))).toBe("no\nno\n[Completed 0]");
        });
        expect(existsSync(volume)).toBe(true);
      } finally {
        execFileSync("umount", ["-R", volume]);
        rmSync(volume, { recursive: true, force: true });
      }
    });

    test("device nodes that root makes in a container or on a volume cannot be opened", async () => {
      await inPod(async (_engine, run) => {
        const volume = mkdtempSync("/tmp/flotilla-nodev-");
        const mounts = [{ containerPath: "/v", hostPath: volume, readonly: false }];
        const make =
          "for d in / /v /dev; do mknod $d/m c 1 3 && { echo x > $d/m; } 2>/dev/null && echo opened $d; done; echo x > /dev/null && echo null";
        expect(await run(make, { mounts })).toBe("null\n[Completed 0]");
        rmSync(volume, { recursive: true });
      });
    });

    test("a container that takes more memory than its limit ends as OOMKilled", async () => {
      const linux = {
        ...containerConfig("").linux,
        resources: { memoryLimitInBytes: 32 << 20, cpuShares: 2, cpuQuota: 50_000, cpuPeriod: 100_000 },
      };
      await inPod(async (_engine, run) => {
        expect(await run("x=$(head -c 200000000 /dev/zero | tr '\\0' x); echo survived", { linux })).toBe(
          "[OOMKilled 137]",
        );
      });
    });
  });
});
