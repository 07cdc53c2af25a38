import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe } from "vitest";
import { systemClock } from "../controlplane/client/mod.ts";
import { importImages } from "../dataplane/kubelet/images/archive.ts";
import { ImageStore } from "../dataplane/kubelet/images/image-store.ts";
import { TestRegistry } from "../dataplane/kubelet/images/registry/registry.testing.ts";
import {
  createClusterNetwork,
  createNodeNetwork,
  destroyClusterNetwork,
  destroyNode,
  importIntoContainerd,
  startContainerd,
} from "../dataplane/kubelet/mod.ts";
import { criSuite, type SuiteEngine, type Traits } from "../dataplane/kubelet/runtime/cri-suite.testing.ts";
import { cgroupNameOf } from "../dataplane/kubelet/runtime/embedded/cgroup-name.ts";
import { openCgroups } from "../dataplane/kubelet/runtime/embedded/cgroups.ts";
import { openEmbeddedRuntime } from "../dataplane/kubelet/runtime/embedded/open.ts";
import { allProcesses, commandLine, isAlive } from "../dataplane/kubelet/runtime/embedded/procfs.ts";
import { CriRuntime } from "../dataplane/kubelet/runtime/grpc/cri-runtime.ts";
import { registryIn } from "./support/registry.ts";

// One suite of behaviour for every engine that nodes may have. Differences are data: the traits, each with its reason.

const cluster = `r${process.pid}`;
const podCIDR = "10.244.7.0/24";
const log = () => undefined;
/** A process of our own starts from its sources: on a busy machine that takes its time. */
const startsWithinMs = 60_000;
const flotilla = join(import.meta.dirname, "../cli/flotilla.ts");

const root: Traits = {
  kernelLimits: true,
  manyUsers: true,
  events: true,
  outputWhileDown: true,
};
const rootless: Traits = {
  ...root,
  kernelLimits: "no control groups without root: memory is watched instead",
  manyUsers: "a user without a range of subordinate ids has one id only",
};
const containerd: Traits = {
  ...root,
  events: "containerd 1.6 knows the method and answers Unimplemented",
  outputWhileDown: "containerd's daemon copies the output itself",
};

/** What still names a directory: mounts and processes. */
function leftovers(dir: string): string[] {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => line.includes(dir));
  const processes = allProcesses()
    .filter((pid) => pid !== process.pid && isAlive(pid, "") && commandLine(pid).includes(dir))
    .map((pid) => `process ${pid}: ${commandLine(pid).replaceAll("\0", " ")}`);
  const groups = ["", "/runtime"]
    .map((suffix) => cgroupNameOf(`${dir}/node${suffix}`))
    .flatMap((name) => ["cpu", "memory", "pids", "freezer", "devices"].map((tree) => `/sys/fs/cgroup/${tree}/${name}`))
    .filter(existsSync);
  return [...mounts, ...processes, ...groups];
}

/** Control groups of pods that were removed: nothing may be left in them, nor they. */
function podGroups(name: string): string[] {
  const parents = ["cpu", "memory", "pids"].map((tree) => `/sys/fs/cgroup/${tree}/${name}/kubepods`).filter(existsSync);
  return parents.flatMap((parent) =>
    readdirSync(parent)
      .filter((entry) => entry.startsWith("pod"))
      .map((entry) => join(parent, entry)),
  );
}

async function loadOnDisk(rootDir: string, file: string): Promise<void> {
  await importImages(new ImageStore(join(rootDir, "images")), file, { nowMs: Date.now() });
}

/** In the process that uses it, as in a node agent. Its crash is as near as one gets without dying oneself: everything is let go of at once. */
async function inProcess(dir: string, namespace: string): Promise<SuiteEngine> {
  const rootDir = join(dir, "node");
  const open = async () => {
    const { runtime } = await openEmbeddedRuntime({
      stateDir: join(rootDir, "runtime"),
      imagesDir: join(rootDir, "images"),
      driver: "namespaces",
      maskedPaths: [],
      nodeNamespace: namespace,
      clock: systemClock,
      log,
    });
    await runtime.updateRuntimeConfig({ podCidr: podCIDR });
    return runtime;
  };
  let runtime = await open();
  return {
    traits: root,
    get runtime() {
      return runtime;
    },
    load: (file) => loadOnDisk(rootDir, file),
    startRegistry: () => new TestRegistry().start(),
    async crash(meanwhile) {
      runtime.close();
      await meanwhile();
      runtime = await open();
    },
    async destroy() {
      const left = podGroups(cgroupNameOf(join(rootDir, "runtime")));
      runtime.close();
      await destroyNode({ rootDir });
      return [...left, ...leftovers(dir)];
    },
  };
}

/** In a process of its own, behind its CRI socket: that one can be killed. */
async function behindSocket(dir: string, namespace: string): Promise<SuiteEngine> {
  const rootDir = join(dir, "node");
  const socket = join(dir, "cri.sock");
  const launch = (): ChildProcess => {
    const flags = ["cri", "--socket", socket, "--root-dir", rootDir, "--runtime", "namespaces", "--pod-cidr", podCIDR];
    const output = openSync(join(dir, "cri.log"), "a");
    return spawn("nsenter", [`--net=${namespace}`, "--", process.execPath, flotilla, ...flags], {
      stdio: ["ignore", output, output],
    });
  };
  let server = launch();
  const runtime = await CriRuntime.connect({ endpoint: `unix://${socket}`, clock: systemClock, log }, startsWithinMs);
  const kill = async () => {
    server.kill("SIGKILL");
    await new Promise((resolve) => server.once("exit", resolve));
  };
  return {
    traits: root,
    runtime,
    load: (file) => loadOnDisk(rootDir, file),
    startRegistry: () => registryIn(namespace),
    async crash(meanwhile) {
      await kill();
      await meanwhile();
      server = launch();
      await answers(runtime);
    },
    async destroy() {
      runtime.close();
      await kill();
      await destroyNode({ rootDir });
      return leftovers(dir);
    },
  };
}

async function answers(runtime: CriRuntime): Promise<void> {
  for (;;) {
    try {
      await runtime.version();
      return;
    } catch (error) {
      if ((error as { code?: string }).code !== "Unavailable") throw error;
      await delay(20);
    }
  }
}

/** A user that nobody has given a range of ids. */
const plainUser = 54_321;

/**
 * The same as an ordinary user: one user, mount, PID and network namespace is the machine. In a network namespace inside it, the node's,
 * the engine is started, and again after it was killed, unless a file says to wait.
 */
async function withoutRoot(dir: string): Promise<SuiteEngine> {
  const rootDir = join(dir, "node");
  const socket = join(dir, "cri.sock");
  const wait = join(dir, "wait");
  mkdirSync(rootDir);
  for (const path of [dir, rootDir]) execFileSync("chown", [`${plainUser}:${plainUser}`, path]);
  execFileSync("chmod", ["755", dir]);
  const flags = ["cri", "--socket", socket, "--root-dir", rootDir, "--runtime", "namespaces", "--pod-cidr", podCIDR];
  const engine = [process.execPath, flotilla, ...flags];
  const network = 'ip link set lo up; while :; do [ -e "$0" ] && { sleep 0.05; continue; }; "$@"; done';
  const node = ["unshare", "--net", "sh", "-c", network, wait, ...engine];
  const machine = [
    "unshare",
    "-Urnm",
    "--pid",
    "--fork",
    "--mount-proc",
    "--kill-child",
    "sh",
    "-c",
    '"$@"; exit',
    "machine",
  ];
  const output = openSync(join(dir, "cri.log"), "a");
  const become = [`--reuid=${plainUser}`, `--regid=${plainUser}`, "--clear-groups"];
  const holder = spawn("setpriv", [...become, ...machine, ...node], { stdio: ["ignore", output, output], cwd: dir });
  const runtime = await CriRuntime.connect({ endpoint: `unix://${socket}`, clock: systemClock, log }, startsWithinMs);
  const enginePid = () => {
    const found = allProcesses().find(
      (pid) =>
        isAlive(pid, "") && commandLine(pid).startsWith(`${process.execPath}\0${flotilla}\0cri\0--socket\0${socket}`),
    );
    if (found === undefined) throw new Error("the engine does not run");
    return found;
  };
  return {
    traits: rootless,
    runtime,
    async load(file) {
      await loadOnDisk(rootDir, file);
      // Loaded by root here; a command of the user's would leave its own files.
      execFileSync("chown", ["-R", `${plainUser}:${plainUser}`, join(rootDir, "images")]);
    },
    startRegistry: () => registryIn(`/proc/${enginePid()}/ns/net`),
    async crash(meanwhile) {
      writeFileSync(wait, "");
      process.kill(enginePid(), "SIGKILL");
      await meanwhile();
      rmSync(wait);
      await answers(runtime);
    },
    async destroy() {
      runtime.close();
      holder.kill("SIGKILL");
      await new Promise((resolve) => holder.once("exit", resolve));
      // All that the user's namespaces held has gone with their first process; that takes the kernel a moment.
      for (let i = 0; i < 200 && leftovers(dir).length > 0; i++) await delay(10);
      return leftovers(dir);
    },
  };
}

async function withContainerd(dir: string, netns: string): Promise<SuiteEngine> {
  const rootDir = join(dir, "node");
  mkdirSync(rootDir);
  const options = { rootDir, netns, podCIDR, log };
  let daemon = await startContainerd(options);
  const name = cgroupNameOf(rootDir);
  const podCgroups = { cgroups: openCgroups(name).cgroups, root: name };
  const runtime = await CriRuntime.connect({ endpoint: daemon.endpoint, podCgroups, clock: systemClock, log });
  return {
    traits: containerd,
    runtime,
    async load(file) {
      await importIntoContainerd(daemon.socket, file);
    },
    startRegistry: () => registryIn(netns),
    async crash(meanwhile) {
      process.kill(daemon.pid, "SIGKILL");
      await meanwhile();
      daemon = await startContainerd(options);
      await answers(runtime);
    },
    async destroy() {
      const left = podGroups(name);
      runtime.close();
      await daemon.destroy();
      return [...left, ...leftovers(dir)];
    },
  };
}

describe("engines", () => {
  let next = 1;
  const namespace = async () => {
    const number = next++;
    return (await createNodeNetwork({ cluster, node: `n${number}`, nodeIP: `172.30.0.${10 + number}` })).namespace;
  };
  beforeAll(() => createClusterNetwork(cluster));
  afterAll(() => destroyClusterNetwork(cluster));

  criSuite("embedded, in process", async (dir) => inProcess(dir, await namespace()));
  criSuite("embedded, behind its socket", async (dir) => behindSocket(dir, await namespace()));
  criSuite("embedded, without root", (dir) => withoutRoot(dir));
  criSuite("containerd", async (dir) => withContainerd(dir, await namespace()));
});
