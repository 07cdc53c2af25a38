import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type {
  ContainerConfig,
  ContainerEvent,
  ContainerStatus,
  ImageService,
  PodSandboxConfig,
  RuntimeService,
} from "./cri.ts";
import { decodeEntry } from "./embedded/cri-log.ts";

/** One engine under test. */
export interface Engine {
  readonly runtime: RuntimeService & ImageService;
  readonly isolates: boolean;
  /** Opens the same state again, as a kubelet that was killed does; `meanwhile` nobody watches over the containers. */
  restart(meanwhile?: () => Promise<void>): Promise<Engine>;
  /** Whether a container has ended, asked without the engine. */
  hasEnded(id: string): boolean;
  /** Removes everything; afterwards nothing of it may be left on the machine. */
  destroy(): Promise<void>;
}

export function sandboxConfig(dir: string, name = "web"): PodSandboxConfig {
  return {
    metadata: { name, uid: `uid-${name}`, namespace: "default", attempt: 0 },
    hostname: name,
    logDirectory: join(dir, "logs", name),
    dnsConfig: { servers: ["10.96.0.10"], searches: ["default.svc.cluster.local"], options: ["ndots:5"] },
    labels: { "io.kubernetes.pod.uid": `uid-${name}` },
    annotations: {},
    linux: {
      cgroupParent: `kubepods/pod-uid-${name}`,
      namespaceOptions: { network: "POD", pid: "CONTAINER", ipc: "POD" },
      privileged: false,
      sysctls: {},
    },
  };
}

export function containerConfig(script: string, change: Partial<ContainerConfig> = {}): ContainerConfig {
  return {
    metadata: { name: "main", attempt: 0 },
    image: "host",
    command: ["sh", "-c", script],
    args: [],
    workingDir: "",
    envs: [],
    mounts: [],
    labels: {},
    annotations: {},
    logPath: "main/0.log",
    linux: {
      resources: {},
      securityContext: {
        privileged: false,
        supplementalGroups: [],
        readonlyRootfs: false,
        noNewPrivs: false,
        addCapabilities: [],
        dropCapabilities: [],
      },
    },
    ...change,
  };
}

/** What a log file says, without stamps. */
export function textOfLog(file: string): string {
  let text = "";
  for (const line of readFileSync(file).toString("latin1").split("\n").slice(0, -1)) {
    const entry = decodeEntry(Buffer.from(line, "latin1"));
    if (entry !== undefined) text += entry.text.toString("utf8");
  }
  return text;
}

/** The behaviour every engine behind CRI has, one scenario per promise. */
export function runtimeSuite(name: string, open: (dir: string) => Promise<Engine>): void {
  describe(`${name}: an engine behind CRI`, () => {
    let dir: string;
    let engine: Engine;

    beforeEach(async () => {
      dir = mkdtempSync(join(tmpdir(), "flotilla-runtime-"));
      engine = await open(join(dir, "node"));
    });

    afterEach(async () => {
      await engine.destroy();
      expect(readdirSync(dir)).not.toContain("node");
      rmSync(dir, { recursive: true, force: true });
    });

    async function start(
      script: string,
      change: Partial<ContainerConfig> = {},
      pod = "web",
    ): Promise<{ sandbox: string; id: string }> {
      const config = sandboxConfig(dir, pod);
      const { podSandboxId } = await engine.runtime.runPodSandbox(config);
      const { containerId } = await engine.runtime.createContainer(
        podSandboxId,
        containerConfig(script, change),
        config,
      );
      await engine.runtime.startContainer(containerId);
      return { sandbox: podSandboxId, id: containerId };
    }

    /** The status of a container that has ended, waiting for the event that says so. */
    async function ended(id: string): Promise<ContainerStatus> {
      const stop = new AbortController();
      const events = engine.runtime.getContainerEvents(stop.signal)[Symbol.asyncIterator]();
      try {
        let next = events.next();
        for (;;) {
          const status = await engine.runtime.containerStatus(id);
          if (status.state === "CONTAINER_EXITED") return status;
          await next;
          next = events.next();
        }
      } finally {
        stop.abort();
        await events.return?.(undefined);
      }
    }

    /** Waits until the container has written that. */
    async function logged(id: string, text: string): Promise<void> {
      const { logPath } = await engine.runtime.containerStatus(id);
      while (!textOfLog(logPath).includes(text)) await setTimeout(5);
    }

    const output = async (script: string, change: Partial<ContainerConfig> = {}) => {
      const { id } = await start(script, change);
      return textOfLog((await ended(id)).logPath);
    };

    test("a container runs, its output is logged by stream, its exit is known", async () => {
      const { id } = await start("echo to out; echo to err >&2; printf half; exit 3");
      const status = await ended(id);
      expect(status).toMatchObject({ exitCode: 3, reason: "Error", imageRef: "flotilla://host" });
      expect(status.startedAtMs).toBeGreaterThan(0);
      expect(status.finishedAtMs).toBeGreaterThanOrEqual(status.startedAtMs);
      const entries = readFileSync(status.logPath, "utf8");
      expect(entries).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z stdout F to out$/m);
      expect(entries).toMatch(/ stderr F to err$/m);
      expect(entries).toMatch(/ stdout P half$/m);
    });

    test("an exit with 0 is Completed, death by a signal is 128 and the signal", async () => {
      expect(await ended((await start("true")).id)).toMatchObject({ exitCode: 0, reason: "Completed" });
      expect(await ended((await start("kill -KILL $$", {}, "killed")).id)).toMatchObject({
        exitCode: engine.isolates ? 0 : 137, // process 1 of a PID namespace cannot kill itself
      });
    });

    test("a command that does not exist fails the start, and says which", async () => {
      const config = sandboxConfig(dir);
      const { podSandboxId } = await engine.runtime.runPodSandbox(config);
      for (const [command, message] of [
        ["no-such-program", 'exec: "no-such-program": executable file not found in $PATH'],
        ["/no/such/file", 'exec: "/no/such/file": stat /no/such/file: no such file or directory'],
        ["/etc/passwd", 'exec: "/etc/passwd": permission denied'],
      ] as const) {
        const { containerId } = await engine.runtime.createContainer(
          podSandboxId,
          containerConfig("", { command: [command] }),
          config,
        );
        await expect(engine.runtime.startContainer(containerId)).rejects.toThrow(message);
        expect(await engine.runtime.containerStatus(containerId)).toMatchObject({
          state: "CONTAINER_EXITED",
          exitCode: 128,
          reason: "StartError",
        });
      }
    });

    test("environment, arguments and working directory arrive unharmed", async () => {
      const value = "a 'quoted' \"value\" with $dollar, `ticks`, \\ and\nnewline";
      const text = await output('printf "%s|%s|%s|%s" "$WORD" "$1" "$(pwd)" "$HOSTNAME"', {
        envs: [{ key: "WORD", value }],
        command: ["sh", "-c", 'printf "%s|%s|%s|%s" "$WORD" "$1" "$(pwd)" "$HOSTNAME"', "sh"],
        args: [value],
        workingDir: "/usr",
      });
      expect(text).toBe(`${value}|${value}|/usr|web`);
    });

    test("stop asks with SIGTERM and waits, then insists", async () => {
      const polite = await start('trap "echo bye; exit 0" TERM; echo up; while :; do sleep 0.05; done');
      await logged(polite.id, "up");
      await engine.runtime.stopContainer(polite.id, 10);
      expect(await engine.runtime.containerStatus(polite.id)).toMatchObject({ state: "CONTAINER_EXITED", exitCode: 0 });
      expect(textOfLog((await engine.runtime.containerStatus(polite.id)).logPath)).toContain("bye");
      const stubborn = await start('trap "" TERM; echo deaf; while :; do sleep 0.05; done', {}, "stubborn");
      await logged(stubborn.id, "deaf");
      await engine.runtime.stopContainer(stubborn.id, 0.2);
      expect(await engine.runtime.containerStatus(stubborn.id)).toMatchObject({ exitCode: 137, reason: "Error" });
    });

    test("a command is executed inside, with output, code and deadline", async () => {
      const { id } = await start("sleep 1000", { envs: [{ key: "WORD", value: "inside" }] });
      const result = await engine.runtime.execSync(id, ["sh", "-c", "echo $WORD; echo oops >&2; exit 4"], 5);
      expect(Buffer.from(result.stdout).toString()).toBe("inside\n");
      expect(Buffer.from(result.stderr).toString()).toBe("oops\n");
      expect(result.exitCode).toBe(4);
      await expect(engine.runtime.execSync(id, ["sleep", "1000.25"], 0.2)).rejects.toMatchObject({
        code: "DeadlineExceeded",
      });
      expect(pidsWhere((line) => line.includes("1000.25"))).toEqual([]);
    });

    test("containers, output and exit codes outlive the kubelet", async () => {
      const go = join(dir, "go");
      // The outside world talks to the container by a directory both see, mounted or linked.
      const { id } = await start(
        "d=$FLOTILLA_ROOT/shared; echo before; until [ -e $d/go ]; do sleep 0.02; done; echo after; printf end; exit 7",
        {
          mounts: [{ containerPath: "/shared", hostPath: dir, readonly: false }],
        },
      );
      const lasting = await start("sleep 1000", {}, "lasting");
      engine = await engine.restart();
      expect(await engine.runtime.containerStatus(id)).toMatchObject({ state: "CONTAINER_RUNNING" });
      writeFileSync(go, "");
      const status = await ended(id);
      expect(status).toMatchObject({ exitCode: 7, reason: "Error" });
      expect(textOfLog(status.logPath)).toBe("before\nafter\nend");
      expect(await engine.runtime.containerStatus(lasting.id)).toMatchObject({ state: "CONTAINER_RUNNING" });
      expect((await engine.runtime.execSync(lasting.id, ["true"], 5)).exitCode).toBe(0);
    });

    test("what happened while no kubelet was there is found: output and exit code", async () => {
      const { id } = await start("sleep 0.1; echo unseen; exit 9");
      engine = await engine.restart(async () => {
        while (!engine.hasEnded(id)) await setTimeout(5);
      });
      const status = await ended(id);
      expect(status).toMatchObject({ exitCode: 9 });
      expect(textOfLog(status.logPath)).toBe("unseen\n");
    });

    test("a container that vanished without a trace ends as Unknown", async () => {
      const { id } = await start("sleep 1000");
      engine = await engine.restart();
      for (const pid of shimsBelow(dir)) process.kill(pid, "SIGKILL");
      for (let i = 0; i < 200; i++) {
        await engine.runtime.listContainers();
        const status = await engine.runtime.containerStatus(id);
        if (status.state === "CONTAINER_EXITED") {
          expect(status).toMatchObject({ exitCode: 255, reason: "Unknown" });
          return;
        }
        await setTimeout(10);
        if (i === 0) for (const pid of childrenOf(dir)) process.kill(pid, "SIGKILL");
      }
      expect.unreachable("the loss was not noticed");
    });

    test("events tell of creation, start, stop and removal, with the pod's uid", async () => {
      const stop = new AbortController();
      const seen: ContainerEvent[] = [];
      const collecting = (async () => {
        for await (const event of engine.runtime.getContainerEvents(stop.signal)) seen.push(event);
      })();
      const { id, sandbox } = await start("true");
      await ended(id);
      await engine.runtime.removePodSandbox(sandbox);
      await new Promise((resolve) => setImmediate(resolve));
      stop.abort();
      await collecting;
      expect(seen.filter((event) => event.containerId === id).map((event) => event.type)).toEqual(
        [
          "CONTAINER_CREATED_EVENT",
          "CONTAINER_STARTED_EVENT",
          "CONTAINER_STOPPED_EVENT",
          "CONTAINER_DELETED_EVENT",
        ].sort((a, b) => order(a) - order(b)),
      );
      expect(new Set(seen.map((event) => event.podUid))).toEqual(new Set(["uid-web"]));
    });

    test("stopping a sandbox kills its containers; removing it forgets everything; both may be repeated", async () => {
      const { id, sandbox } = await start("sleep 1000");
      expect((await engine.runtime.podSandboxStatus(sandbox)).state).toBe("SANDBOX_READY");
      for (let i = 0; i < 2; i++) await engine.runtime.stopPodSandbox(sandbox);
      expect((await engine.runtime.podSandboxStatus(sandbox)).state).toBe("SANDBOX_NOTREADY");
      expect(await engine.runtime.containerStatus(id)).toMatchObject({ state: "CONTAINER_EXITED", exitCode: 137 });
      for (let i = 0; i < 2; i++) await engine.runtime.removePodSandbox(sandbox);
      expect(await engine.runtime.listPodSandbox()).toEqual([]);
      expect(await engine.runtime.listContainers()).toEqual([]);
      await expect(engine.runtime.containerStatus(id)).rejects.toMatchObject({ code: "NotFound" });
    });

    test("every sandbox has an address of its own, given back when it stops", async () => {
      const addresses: (string | undefined)[] = [];
      for (const name of ["a", "b", "c"]) {
        const { podSandboxId } = await engine.runtime.runPodSandbox(sandboxConfig(dir, name));
        addresses.push((await engine.runtime.podSandboxStatus(podSandboxId)).network?.ip);
      }
      expect(new Set(addresses).size).toBe(3);
      engine = await engine.restart();
      const { podSandboxId } = await engine.runtime.runPodSandbox(sandboxConfig(dir, "d"));
      expect(addresses).not.toContain((await engine.runtime.podSandboxStatus(podSandboxId)).network?.ip);
    });

    test("the host image has three names; others come from registries; bad names are told apart", async () => {
      for (const image of ["host", "host:latest", "flotilla/host", "docker.io/library/host:latest"]) {
        expect(await engine.runtime.imageStatus(image)).toMatchObject({ id: "flotilla://host" });
      }
      expect(await engine.runtime.imageStatus("nginx:1.27")).toBeUndefined();
      await expect(engine.runtime.pullImage("127.0.0.1:1/nginx:1.27")).rejects.toMatchObject({ code: "Unavailable" });
      await expect(engine.runtime.imageStatus("Not An Image")).rejects.toMatchObject({ code: "InvalidArgument" });
    });

    test("much output is neither lost nor torn", async () => {
      const { id } = await start(
        "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; head -c 40000 /dev/zero | tr '\\0' x",
      );
      const status = await ended(id);
      const expected = Array.from({ length: 20_000 }, (_, i) => `line ${i}\n`).join("") + "x".repeat(40_000);
      expect(textOfLog(status.logPath) === expected).toBe(true);
    });
  });
}

const order = (type: string) => ["CREATED", "STARTED", "STOPPED", "DELETED"].findIndex((word) => type.includes(word));

function shimsBelow(dir: string): number[] {
  return pidsWhere((line) => line.includes("flotilla-shim") && line.includes(dir));
}

function childrenOf(dir: string): number[] {
  const file = execFileSync("find", [dir, "-name", "pid"], { encoding: "utf8" }).trim();
  return file === "" ? [] : file.split("\n").map((path) => Number(readFileSync(path, "utf8")));
}

function pidsWhere(fits: (commandLine: string) => boolean): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => {
      try {
        return fits(readFileSync(`/proc/${name}/cmdline`, "utf8"));
      } catch {
        return false; // gone meanwhile
      }
    })
    .map(Number);
}
