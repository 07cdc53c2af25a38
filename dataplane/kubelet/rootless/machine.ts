import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Failure } from "../../../base/mod.ts";
import { findProgramIfThere } from "../runtime/embedded/find-program.ts";
import { quote, runAny } from "../runtime/embedded/spawn.ts";
import { asRoot, whyNoUserNamespace } from "./user-namespace.ts";

/**
 * What an ordinary user has in place of a machine: a user, mount, PID and network namespace in which they are root. Nodes, and the network between
 * them, are made in it as root makes them; with its first process all of it is gone.
 */
export interface Machine {
  /** Its first process, as seen from here: everything ends with it. */
  readonly pid: number;
  /** Ends when that has ended, and not before. */
  readonly holder: ChildProcess;
  /** Beginning of a command line whose command is root in there. It waits for the command, and takes it along when it is killed. */
  readonly enter: readonly string[];
}

/** Its first process: makes the places that programs of root count on, says so, and takes in processes that lost their parent. */
function firstProcess({ keep, own }: MachineOptions): string {
  const held = keep.map((dir, index) => `exec ${index + 4}<${quote(dir)}`);
  const kept = keep.map((dir, index) => {
    const at = quote(dir);
    return `[ -e ${at} ] || { mkdir -p ${at}; mount --no-canonicalize --bind /proc/self/fd/${index + 4} ${at}; }`;
  });
  const released = keep.map((_, index) => `exec ${index + 4}<&-`);
  return [
    "set -e",
    "trap 'exit 0' TERM",
    "ip link set lo up",
    ...held,
    ...own.map((dir) => `mount -t tmpfs -o mode=755 tmpfs ${quote(dir)}`),
    ...kept,
    ...released,
    "echo ready",
    "exec >/dev/null 2>&1",
    "while :; do sleep infinity & wait $! || :; done",
  ].join("\n");
}

const namespaces = ["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"];

export interface MachineOptions {
  /** Directories of the system that the machine has as its own, empty at first. */
  readonly own: readonly string[];
  /** Directories that stay in sight all the same; the first is where commands start. */
  readonly keep: readonly string[];
}

/** Rejects with Failure (NoUserNamespace). */
export async function startMachine(options: MachineOptions): Promise<Machine> {
  const [cwd = "/"] = options.keep;
  const why = await whyNoUserNamespace();
  if (why !== undefined) throw noMachine(why);
  const flags = [...(await asRoot()), ...namespaces];
  const holder = spawn("unshare", [...flags, "--", "/bin/sh", "-c", firstProcess(options)], {
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  holder.stderr.on("data", (chunk: Buffer) => {
    said += chunk;
  });
  const [chunk] = (await Promise.race([once(holder.stdout, "data"), once(holder, "exit")])) as [unknown];
  const init = childOf(holder.pid as number);
  if (!Buffer.isBuffer(chunk) || init === undefined) {
    holder.kill("SIGKILL");
    throw noMachine(said.trim());
  }
  const all = ["--user", "--mount", "--net", "--pid"];
  return {
    pid: init,
    holder,
    enter: [
      ...["nsenter", `--target=${init}`, ...all, "--preserve-credentials", `--wdns=${cwd}`, "--"],
      ...["setpriv", "--pdeathsig", "KILL", "--"],
    ],
  };
}

function noMachine(why: string): Failure {
  const advice = "Let the kernel permit user namespaces, run as root, or choose --runtime process";
  return new Failure("NoUserNamespace", `a user namespace cannot be made: ${why}`, advice);
}

function childOf(pid: number): number | undefined {
  const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean);
  return child === undefined ? undefined : Number(child);
}

const needed = ["unshare", "nsenter", "setpriv", "ip", "nft", "mount"];

/** Why this user cannot have such a machine here; undefined: they can. Tries the real thing: kernels, seccomp and AppArmor all have a say. */
export async function whyNoMachine(): Promise<string | undefined> {
  if (process.platform !== "linux") return `it needs Linux, this is ${process.platform}`;
  const missing = needed.filter((name) => findProgramIfThere(name) === undefined);
  if (missing.length > 0) return `${missing.join(", ")} not installed`;
  const why = await whyNoUserNamespace();
  if (why !== undefined) return why;
  const script = [
    "PATH=$PATH:/usr/sbin:/sbin",
    "mount -t tmpfs tmpfs /run",
    "mkdir /run/up /run/work /run/root",
    "mount -t overlay -o userxattr,lowerdir=/usr,upperdir=/run/up,workdir=/run/work overlay /run/root",
    "ip link add probe0 type veth peer name probe1",
    "echo 1 > /proc/sys/net/ipv4/ip_forward",
    "nft add table ip probe",
  ].join("\n");
  const { exitCode, stderr } = await runAny(["unshare", ...(await asRoot()), ...namespaces, "/bin/sh", "-ec", script]);
  return exitCode === 0 ? undefined : stderr.toString().trim().split("\n")[0];
}
