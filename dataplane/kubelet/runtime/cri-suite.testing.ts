import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildBusyboxImage, buildImage, writeLayout } from "../images/mod.testing.ts";
import type { TestRegistry } from "../images/registry/registry.testing.ts";
import type {
  ContainerConfig,
  ContainerStatus,
  ImageService,
  LinuxContainerResources,
  LinuxContainerSecurityContext,
  PodSandboxConfig,
  RuntimeService,
  SecurityProfile,
} from "./cri.ts";
import { containerConfig, sandboxConfig, textOfLog } from "./runtime.testing.ts";

/** What not every engine does. `true`, or why it is otherwise. */
export interface Traits {
  /** CPU, memory and process limits are the kernel's, and containers read them below /sys/fs/cgroup. */
  readonly kernelLimits: true | string;
  /** Containers run as whatever user and groups they name. */
  readonly manyUsers: true | string;
  /** The engine tells what happens, instead of being asked again and again. */
  readonly events: true | string;
  /** Output that a container wrote before it ended is in its log, though the engine was not there. */
  readonly outputWhileDown: true | string;
}

/** One engine, as a node has it: alone with its state, in a network namespace of its own. */
export interface SuiteEngine {
  readonly traits: Traits;
  readonly runtime: RuntimeService & ImageService;
  /** Loads a file of images, as `flotilla image load` does. */
  load(file: string): Promise<void>;
  /** A registry that the engine reaches at its `host`. */
  startRegistry(): Promise<TestRegistry>;
  /** Kills the process that runs the engine with SIGKILL, and starts another on the same state after `meanwhile`. */
  crash(meanwhile: () => Promise<void>): Promise<void>;
  /** Ends everything; returns what is left of it on the machine. */
  destroy(): Promise<readonly string[]>;
}

type Security = Partial<LinuxContainerSecurityContext>;
interface Wanted extends Omit<Partial<ContainerConfig>, "linux"> {
  readonly resources?: LinuxContainerResources;
  readonly security?: Security;
}

/** The behaviour of every engine behind CRI that runs images. Engines differ only where their traits say so. */
export function criSuite(name: string, open: (dir: string) => Promise<SuiteEngine>): void {
  describe(`${name}: an engine behind CRI that runs images`, () => {
    let dir: string;
    let engine: SuiteEngine;
    let pods = 0;

    beforeAll(async () => {
      // Short: the path of a unix socket has 107 bytes.
      dir = mkdtempSync(join(tmpdir(), "fl-"));
      engine = await open(dir);
      const file = join(dir, "busybox.tar");
      await writeLayout(file, [await buildBusyboxImage()]);
      await engine.load(file);
    }, 60_000);

    afterAll(async () => {
      expect(await engine.destroy()).toEqual([]);
      rmSync(dir, { recursive: true, force: true });
    }, 60_000);

    type Change = Partial<PodSandboxConfig["linux"]>;
    class Pod {
      readonly config: PodSandboxConfig;
      readonly id: string;
      #containers = 0;

      constructor(config: PodSandboxConfig, id: string) {
        this.config = config;
        this.id = id;
      }

      async create(command: readonly string[], wanted: Wanted = {}): Promise<string> {
        const { resources = {}, security = {}, ...change } = wanted;
        const base = containerConfig("");
        const number = this.#containers++;
        const namespaceOptions = this.config.linux.namespaceOptions;
        const securityContext = { ...base.linux.securityContext, namespaceOptions, ...security };
        const config: ContainerConfig = {
          ...base,
          metadata: { name: `c${number}`, attempt: 0 },
          image: "busybox",
          command,
          logPath: `c${number}/0.log`,
          ...change,
          linux: { resources, securityContext },
        };
        return (await engine.runtime.createContainer(this.id, config, this.config)).containerId;
      }

      async start(script: string, wanted: Wanted = {}): Promise<string> {
        const id = await this.create(["sh", "-c", script], wanted);
        await engine.runtime.startContainer(id);
        return id;
      }

      /** What a container says until its end, and how it ends. */
      async run(script: string, wanted: Wanted = {}): Promise<string> {
        const status = await ended(await this.start(script, wanted));
        return `${textOfLog(status.logPath)}[${status.reason} ${status.exitCode}]`;
      }

      async remove(): Promise<void> {
        await engine.runtime.stopPodSandbox(this.id);
        await engine.runtime.removePodSandbox(this.id);
      }
    }

    /** Runs `body` with a pod of its own. */
    async function inPod<T>(body: (pod: Pod) => Promise<T>, linux: Change = {}): Promise<T> {
      const base = sandboxConfig(dir, `pod-${pods++}`);
      const config = { ...base, linux: { ...base.linux, ...linux } };
      const { podSandboxId } = await engine.runtime.runPodSandbox(config);
      const pod = new Pod(config, podSandboxId);
      // Not in a finally block: what made the body fail says more than what then fails as well. The engine's end takes all.
      const result = await body(pod);
      await pod.remove();
      return result;
    }

    async function until<T>(what: () => Promise<T | undefined>): Promise<T> {
      for (;;) {
        const found = await what();
        if (found !== undefined) return found;
        await delay(10);
      }
    }

    const ended = (id: string): Promise<ContainerStatus> =>
      until(async () => {
        const status = await engine.runtime.containerStatus(id);
        return status.state === "CONTAINER_EXITED" ? status : undefined;
      });
    const logged = async (id: string, text: string): Promise<string> => {
      const { logPath } = await engine.runtime.containerStatus(id);
      return until(async () => {
        const said = existsSync(logPath) ? textOfLog(logPath) : "";
        return said.includes(text) ? said : undefined;
      });
    };
    const exec = async (id: string, script: string) => {
      const { stdout, stderr, exitCode } = await engine.runtime.execSync(id, ["sh", "-c", script], 10);
      return { out: Buffer.from(stdout).toString(), err: Buffer.from(stderr).toString(), exitCode };
    };
    const differs = (trait: keyof Traits) => engine.traits[trait] !== true;

    test("images are found under every form of their names, and gone when removed", async () => {
      const file = join(dir, "small.tar");
      const entries = [{ path: "hello", type: "file" as const, content: "hello" }];
      await writeLayout(file, [
        await buildImage({ name: "example.com/team/small:v1", layers: [{ entries }], config: { User: "7" } }),
      ]);
      await engine.load(file);
      const image = await until(() => engine.runtime.imageStatus("example.com/team/small:v1"));
      expect(image).toMatchObject({ repoTags: ["example.com/team/small:v1"], uid: 7 });
      expect(await engine.runtime.imageStatus(image.id)).toMatchObject({ id: image.id });
      expect((await engine.runtime.listImages()).map(({ id }) => id)).toContain(image.id);
      for (const form of ["busybox", "busybox:latest", "docker.io/library/busybox"])
        expect((await engine.runtime.imageStatus(form))?.repoTags).toEqual(["docker.io/library/busybox:latest"]);
      expect(await engine.runtime.imageStatus("example.com/team/other:v1")).toBeUndefined();
      for (let i = 0; i < 2; i++) await engine.runtime.removeImage("example.com/team/small:v1");
      expect(await engine.runtime.imageStatus("example.com/team/small:v1")).toBeUndefined();
      expect((await engine.runtime.imageFsInfo()).mountpoint).toContain(dir);
    });

    test("images are pulled from a registry; what is not there is said to be not found", async () => {
      const registry = await engine.startRegistry();
      try {
        const entries = [{ path: "hello", type: "file" as const, content: "hello" }];
        const built = await buildImage({ name: "unused", layers: [{ entries }] });
        registry.push("team/web:v1", built);
        const name = `${registry.host}/team/web:v1`;
        const { imageRef } = await engine.runtime.pullImage(name);
        expect(imageRef).toBe(built.blobs[1]?.descriptor.digest);
        expect(await engine.runtime.imageStatus(name)).toMatchObject({
          id: imageRef,
          repoTags: [name],
          repoDigests: [`${registry.host}/team/web@${built.manifest.descriptor.digest}`],
        });
        const none = `${registry.host}/team/none:v1`;
        await expect(engine.runtime.pullImage(none)).rejects.toMatchObject({
          code: "NotFound",
          message: `failed to pull and unpack image "${none}": failed to resolve reference "${none}": ${none}: not found`,
        });
        await engine.runtime.removeImage(name);
      } finally {
        await registry.stop();
      }
    });

    test("containers of a pod share network, host name and IPC, and nothing else", async () => {
      await inPod(async (pod) => {
        const spaces = "for n in net uts ipc pid mnt; do readlink /proc/self/ns/$n; done; echo .; sleep 1000";
        const [first, second] = [await pod.start(spaces), await pod.start(spaces)];
        const [one, two] = [await logged(first, "."), await logged(second, ".")].map((text) => text.split("\n"));
        expect(one?.slice(0, 3)).toEqual(two?.slice(0, 3));
        expect(one?.[3]).not.toBe(two?.[3]);
        expect(one?.[4]).not.toBe(two?.[4]);
        const server = await pod.start("hostname; while :; do echo hello | nc -l -p 8080; done");
        await logged(server, pod.config.hostname);
        expect(await pod.run("until nc 127.0.0.1 8080; do sleep 0.05; done")).toBe("hello\n[Completed 0]");
        const { network } = await engine.runtime.podSandboxStatus(pod.id);
        expect(network?.ip).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
        expect((await exec(server, "ip -4 -o addr show eth0")).out).toContain(`${network?.ip}/`);
        expect((await exec(server, "cat /etc/resolv.conf")).out).toContain("nameserver 10.96.0.10");
        expect(await pod.run("echo x > /dev/shm/y")).toBe("[Completed 0]");
        expect(await pod.run("cat /dev/shm/y")).toBe("x\n[Completed 0]");
      });
    });

    test("a pod may share its processes among its containers", async () => {
      const namespaceOptions = { network: "POD", pid: "POD", ipc: "POD" } as const;
      await inPod(
        async (pod) => {
          const other = await pod.start("exec sleep 1234");
          expect(await pod.run("echo $$; ps | grep -c '[s]leep 1234'")).toMatch(/^([2-9]|\d\d+)\n1\n\[Completed 0\]$/);
          // Who lost its parent is taken in by the pod's first process, not by the container's.
          await engine.runtime.stopContainer(other, 0);
          expect(await ended(other)).toMatchObject({ exitCode: 137, reason: "Error" });
          const orphan = await pod.start("sleep 4321 & exec sleep 0.1");
          await ended(orphan);
          expect(await pod.run("ps | grep -c '[s]leep 4321'")).toMatch(/^0\n/);
        },
        { namespaceOptions },
      );
    });

    test("a pod may be in the node's network and among its processes", async () => {
      const namespaceOptions = { network: "NODE", pid: "NODE", ipc: "NODE" } as const;
      await inPod(
        async (pod) => {
          expect((await engine.runtime.podSandboxStatus(pod.id)).network).toBeUndefined();
          const spaces = "for n in net ipc pid; do readlink /proc/self/ns/$n; done";
          const [net, ipc, pid] = (await pod.run(spaces)).split("\n");
          expect(await pod.run("echo $$")).not.toMatch(/^1\n/);
          await inPod(
            async (other) => expect((await other.run(spaces)).split("\n").slice(0, 3)).toEqual([net, ipc, pid]),
            {
              namespaceOptions,
            },
          );
        },
        { namespaceOptions },
      );
    });

    test("exit codes, reasons and output by stream", async () => {
      await inPod(async (pod) => {
        const status = await ended(await pod.start("echo to out; echo to err >&2; printf half; exit 3"));
        expect(status).toMatchObject({ exitCode: 3, reason: "Error" });
        expect(status.imageRef).toMatch(/sha256:[0-9a-f]{64}$/);
        const log = readFileSync(status.logPath, "utf8");
        // containerd's stamps end with their last digit that is not 0.
        expect(log).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z stdout F to out$/m);
        expect(log).toMatch(/ stderr F to err$/m);
        expect(log).toMatch(/ stdout [FP] half$/m);
        expect(await pod.run("exit 0")).toBe("[Completed 0]");
        const killed = await pod.start("sleep 1000");
        await engine.runtime.stopContainer(killed, 0);
        expect(await ended(killed)).toMatchObject({ exitCode: 137, reason: "Error" });
        const polite = await pod.start('trap "echo bye; exit 5" TERM; echo up; while :; do sleep 0.05; done');
        await logged(polite, "up");
        await engine.runtime.stopContainer(polite, 10);
        expect(await engine.runtime.containerStatus(polite)).toMatchObject({ exitCode: 5 });
        expect(await logged(polite, "bye")).toBe("up\nbye\n");
      });
    });

    test("a command that is not in the image fails the start", async () => {
      await inPod(async (pod) => {
        for (const command of ["no-such-program", "/no/such/file"]) {
          const id = await pod.create([command]);
          await expect(engine.runtime.startContainer(id)).rejects.toThrow(command);
          expect(await engine.runtime.containerStatus(id)).toMatchObject({
            state: "CONTAINER_EXITED",
            exitCode: 128,
            reason: "StartError",
          });
        }
      });
    });

    test("a log that was moved away is gone on with in a new file", async () => {
      await inPod(async (pod) => {
        const id = await pod.start("echo one; until [ -e /go ]; do sleep 0.05; done; echo two; sleep 1000");
        await logged(id, "one");
        const { logPath } = await engine.runtime.containerStatus(id);
        renameSync(logPath, `${logPath}.1`);
        await engine.runtime.reopenContainerLog(id);
        await exec(id, "touch /go");
        expect(await logged(id, "two")).toBe("two\n");
        expect(textOfLog(`${logPath}.1`)).toBe("one\n");
      });
    });

    test("environment, arguments, working directory and the image's own words", async () => {
      const value = "a 'quoted' \"value\" with $dollar, `ticks`, \\ and\nnewline";
      await inPod(async (pod) => {
        const id = await pod.create(["sh", "-c", 'printf "%s|%s|%s|%s" "$WORD" "$1" "$(pwd)" "$HOSTNAME"', "sh"], {
          args: [value],
          envs: [{ key: "WORD", value }],
          workingDir: "/made/for/it",
        });
        await engine.runtime.startContainer(id);
        const { logPath } = await ended(id);
        expect(textOfLog(logPath)).toBe(`${value}|${value}|/made/for/it|${pod.config.hostname}`);
        const plain = await pod.create([], { args: ["sh", "-c", "echo $PATH"] });
        await engine.runtime.startContainer(plain);
        expect(textOfLog((await ended(plain)).logPath)).toContain("/usr/local/sbin");
      });
    });

    test("user, groups, capabilities, a read-only root and no new privileges", async () => {
      await inPod(async (pod) => {
        const caps = "grep -E '^Cap(Inh|Eff|Bnd|Amb)' /proc/self/status | tr '\\n' ' '";
        const set = (bits: string) =>
          new RegExp(`CapInh:\\s0000000000000000 CapEff:\\s${bits} CapBnd:\\s${bits} CapAmb:\\s0000000000000000 `);
        expect(await pod.run(caps)).toMatch(set("00000000a80425fb"));
        expect(await pod.run(caps, { security: { dropCapabilities: ["ALL"] } })).toMatch(set("0000000000000000"));
        const some = { dropCapabilities: ["ALL"], addCapabilities: ["NET_BIND_SERVICE"] };
        expect(await pod.run(caps, { security: some })).toMatch(set("0000000000000400"));
        const readonly = await pod.run("touch /x 2>&1; touch /dev/shm/x", { security: { readonlyRootfs: true } });
        expect(readonly).toContain("Read-only file system");
        expect(await pod.run("grep NoNewPrivs /proc/self/status", { security: { noNewPrivs: true } })).toContain("1");
        expect(await pod.run("echo 1 > /proc/sys/kernel/printk 2>&1")).toContain("Read-only file system");
        expect(await pod.run("cat /proc/keys /proc/timer_list 2>/dev/null | wc -c; ls /sys/firmware | wc -l")).toBe(
          "0\n0\n[Completed 0]",
        );
        const user = { runAsUser: 33, runAsGroup: 44, supplementalGroups: [55] };
        if (differs("manyUsers")) return;
        expect(await pod.run("id -u; id -g; id -G", { security: user })).toBe("33\n44\n44 50 55\n[Completed 0]");
        const named = { runAsUsername: "www-data" };
        expect(await pod.run("id -un; id -gn; grep CapEff /proc/self/status", { security: named })).toMatch(
          /^www-data\nwww-data\nCapEff:\s0000000000000000\n/,
        );
        await expect(pod.create(["true"], { security: { runAsUsername: "ghost" } })).rejects.toThrow(
          /ghost|no users found/,
        );
      });
    });

    test("system calls are filtered by the default profile, and by one of the node's", async () => {
      const localhostRef = join(dir, "no-mkdir.json");
      const noMkdir = { names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO" };
      writeFileSync(localhostRef, JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", syscalls: [noMkdir] }));
      await inPod(async (pod) => {
        const script = [
          "grep ^Seccomp: /proc/self/status",
          "unshare -U true && echo a namespace",
          "mkdir /tmp/it && echo a directory",
        ].join("; ");
        const under = (seccomp: SecurityProfile) => pod.run(`{ ${script}; } 2>/dev/null; :`, { security: { seccomp } });
        expect(await under({ profileType: "Unconfined" })).toBe("Seccomp:\t0\na namespace\na directory\n[Completed 0]");
        expect(await under({ profileType: "RuntimeDefault" })).toBe("Seccomp:\t2\na directory\n[Completed 0]");
        const own = await under({ profileType: "Localhost", localhostRef });
        expect(own).toBe("Seccomp:\t2\na namespace\n[Completed 0]");
      });
    });

    test("a privileged container has every capability and the machine's devices", async () => {
      await inPod(
        async (pod) => {
          const text = await pod.run(
            "grep CapEff /proc/self/status; ls /dev/net/tun; echo 0 > /proc/sys/net/ipv4/ip_forward && echo written",
            {
              security: { privileged: true },
            },
          );
          expect(text).toMatch(/CapEff:\s0*[13]f+[ef]f{5}/);
          expect(text).toContain("/dev/net/tun");
          expect(text).toContain("written");
        },
        { privileged: true },
      );
    });

    test("volumes: directories and files, read-only or not, one in the other", async () => {
      const volume = join(dir, "volume");
      mkdirSync(join(volume, "inner"), { recursive: true });
      chmodSync(volume, 0o777); // whoever the engine's root is
      writeFileSync(join(volume, "file"), "content");
      const mounts = [
        { containerPath: "/data", hostPath: volume, readonly: false },
        { containerPath: "/data/inner", hostPath: join(volume, "inner"), readonly: true },
        { containerPath: "/etc/config/file", hostPath: join(volume, "file"), readonly: true },
      ];
      await inPod(async (pod) => {
        const text = await pod.run("echo new > /data/new; touch /data/inner/x 2>&1; cat /etc/config/file", { mounts });
        expect(text).toMatch(/Read-only file system\ncontent\[Completed 0\]$/);
        expect(readFileSync(join(volume, "new"), "utf8")).toBe("new\n");
        // A link of the volume leads where it leads inside.
        expect(await pod.run("ln -s /etc /data/link; ls -d /data/link/config", { mounts })).toContain(
          "/data/link/config",
        );
        expect(existsSync("/etc/config/file")).toBe(false);
      });
    });

    test("limits are seen below /sys/fs/cgroup and changed while the container runs", async () => {
      const resources = { memoryLimitInBytes: 64 << 20, cpuShares: 512, cpuQuota: 20_000, cpuPeriod: 100_000 };
      await inPod(async (pod) => {
        const id = await pod.start("sleep 1000", { resources });
        expect((await engine.runtime.containerStatus(id)).state).toBe("CONTAINER_RUNNING");
        const limits =
          "cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes cpu/cpu.shares cpu/cpu.cfs_quota_us 2>/dev/null || cat memory.max cpu.max";
        if (!differs("kernelLimits")) {
          expect((await exec(id, limits)).out.split("\n").slice(0, 3)).toEqual([`${64 << 20}`, "512", "20000"]);
        }
        await engine.runtime.updateContainerResources(id, {
          memoryLimitInBytes: 96 << 20,
          cpuQuota: 30_000,
          cpuPeriod: 100_000,
        });
        if (!differs("kernelLimits")) {
          expect((await exec(id, limits)).out.split("\n").slice(0, 3)).toEqual([`${96 << 20}`, "512", "30000"]);
        }
      });
    });

    test("who takes more memory than allowed ends as OOMKilled", async () => {
      await inPod(async (pod) => {
        const greedy = "x=$(head -c 200000000 /dev/zero | tr '\\0' x); sleep 5; echo survived";
        expect(await pod.run(greedy, { resources: { memoryLimitInBytes: 32 << 20 } })).toBe("[OOMKilled 137]");
      });
    });

    test("commands are executed inside, with their output, code and deadline", async () => {
      await inPod(async (pod) => {
        const id = await pod.start("sleep 1000", { envs: [{ key: "WORD", value: "inside" }], workingDir: "/tmp" });
        expect(await exec(id, "echo $WORD; pwd; echo oops >&2; exit 4")).toEqual({
          out: "inside\n/tmp\n",
          err: "oops\n",
          exitCode: 4,
        });
        await expect(engine.runtime.execSync(id, ["sleep", "1000.25"], 1)).rejects.toMatchObject({
          code: "DeadlineExceeded",
        });
        expect((await exec(id, "ps | grep -c '[s]leep 1000.25'")).out).toBe("0\n");
        const missing = await engine.runtime.execSync(id, ["/no/such/file"], 5).then(
          ({ exitCode }) => exitCode,
          ({ code }) => code,
        );
        // containerd and CRI-O reject; the kubelet takes both for a failed probe.
        expect([126, 127, "Unknown"]).toContain(missing);
        await engine.runtime.stopContainer(id, 0);
        await expect(engine.runtime.execSync(id, ["true"], 5)).rejects.toThrow();
      });
    });

    test("statistics tell CPU time, memory and what was written", async () => {
      await inPod(async (pod) => {
        const id = await pod.start("head -c 3000000 /dev/urandom > /written; echo done; sleep 1000");
        await logged(id, "done");
        const stats = await until(async () => {
          const found = await engine.runtime.containerStats(id);
          return (found.memoryWorkingSetBytes ?? 0) > 0 ? found : undefined;
        });
        expect(stats).toMatchObject({ id, metadata: { name: "c0", attempt: 0 } });
        expect(stats.cpuUsageCoreNanoSeconds).toBeGreaterThan(0);
        const [sandbox] = (await engine.runtime.listPodSandboxStats()).filter((one) => one.id === pod.id);
        if (!differs("kernelLimits")) expect(sandbox?.containers.map((one) => one.id)).toEqual([id]);
        expect((await engine.runtime.listContainerStats({ podSandboxId: pod.id })).map((one) => one.id)).toEqual([id]);
      });
    });

    test("events tell of what happens, where the engine has them", async () => {
      const stop = new AbortController();
      const events = engine.runtime.getContainerEvents(stop.signal)[Symbol.asyncIterator]();
      const first = events.next();
      if (differs("events")) {
        await expect(first).rejects.toMatchObject({ code: "Unimplemented" });
        return;
      }
      await delay(50); // a stream over a socket is open some moment after it was asked for
      await inPod(async (pod) => {
        await pod.run("true");
      });
      expect((await first).value).toMatchObject({ type: expect.stringMatching(/_EVENT$/) });
      stop.abort();
    });

    test("lists are filtered; what is gone is not found; taking away twice is no error", async () => {
      let sandbox = "";
      let container = "";
      await inPod(async (pod) => {
        sandbox = pod.id;
        container = await pod.start("sleep 1000", { labels: { app: "web" } });
        expect((await engine.runtime.listContainers({ labels: { app: "web" } })).map(({ id }) => id)).toEqual([
          container,
        ]);
        expect(await engine.runtime.listContainers({ labels: { app: "other" } })).toEqual([]);
        expect((await engine.runtime.listContainers({ podSandboxId: pod.id })).map(({ id }) => id)).toEqual([
          container,
        ]);
        expect(await engine.runtime.listContainers({ id: container })).toMatchObject([{ state: "CONTAINER_RUNNING" }]);
        await engine.runtime.stopPodSandbox(pod.id);
        expect(await engine.runtime.containerStatus(container)).toMatchObject({
          state: "CONTAINER_EXITED",
          exitCode: 137,
        });
        expect((await engine.runtime.podSandboxStatus(pod.id)).state).toBe("SANDBOX_NOTREADY");
        for (let i = 0; i < 2; i++) await engine.runtime.removeContainer(container);
      });
      await engine.runtime.removePodSandbox(sandbox);
      await expect(engine.runtime.containerStatus(container)).rejects.toMatchObject({ code: "NotFound" });
      await expect(engine.runtime.podSandboxStatus(sandbox)).rejects.toMatchObject({ code: "NotFound" });
    });

    test("containers outlive their engine; what they did meanwhile is known afterwards", async () => {
      await inPod(async (pod) => {
        const shared = join(dir, "shared");
        mkdirSync(shared);
        chmodSync(shared, 0o777);
        const mounts = [{ containerPath: "/shared", hostPath: shared, readonly: false }];
        const lasting = await pod.start(
          "echo before; until [ -e /shared/more ]; do sleep 0.05; done; echo after; sleep 1000",
          { mounts },
        );
        const brief = await pod.start(
          "until [ -e /shared/end ]; do sleep 0.05; done; echo last words; touch /shared/gone; exit 42",
          { mounts },
        );
        await logged(lasting, "before");
        await engine.crash(async () => {
          writeFileSync(join(shared, "end"), "");
          while (statSync(join(shared, "gone"), { throwIfNoEntry: false }) === undefined) await delay(10);
          await delay(50); // it has said and done all; let it be dead
        });
        expect(await ended(brief)).toMatchObject({ exitCode: 42, reason: "Error" });
        const { logPath } = await engine.runtime.containerStatus(brief);
        if (!differs("outputWhileDown")) expect(textOfLog(logPath)).toBe("last words\n");
        expect(await engine.runtime.containerStatus(lasting)).toMatchObject({ state: "CONTAINER_RUNNING" });
        writeFileSync(join(shared, "more"), "");
        await logged(lasting, "after");
        expect((await exec(lasting, "echo again")).out).toBe("again\n");
        expect((await engine.runtime.podSandboxStatus(pod.id)).state).toBe("SANDBOX_READY");
      });
    }, 30_000);
  });
}
