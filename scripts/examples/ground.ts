import { execFile, execFileSync } from "node:child_process";
import { chownSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { becoming, makeUser, type TestUser } from "../../test/support/user.ts";

const execute = promisify(execFile);

export const runtimeNames = ["namespaces", "rootless", "containerd"] as const;
export type RuntimeName = (typeof runtimeNames)[number];

/** A fresh cluster, and what a shell needs to speak to it. */
export interface Ground {
  readonly runtime: RuntimeName;
  /** Where commands are typed: the checkout. */
  readonly directory: string;
  /** Files of one run; gone with it. */
  readonly scratch: string;
  readonly kubeconfig: string;
  /** Beginning of a command line with whose user and in which environment everything is typed. */
  readonly as: readonly string[];
  /** Typed first in every shell. */
  readonly prelude: string;
  remove(): Promise<void>;
}

const directory = join(import.meta.dirname, "..", "..");
const isRoot = process.getuid?.() === 0;

/** Why there cannot be a cluster of that kind on this machine. */
export function obstacleTo(runtime: RuntimeName): string | undefined {
  if (runtime === "rootless") return succeeds("unshare", "--user", "true") ? undefined : "needs user namespaces";
  if (!isRoot) return "needs root";
  if (runtime === "namespaces" || succeeds("sh", "-c", "command -v containerd && command -v runc")) return undefined;
  return "needs containerd, runc and containernetworking-plugins";
}

function succeeds(command: string, ...args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Starts a cluster with two nodes that have the image `busybox:stable`. Run by root, a rootless one belongs to a user made for it. */
export async function prepareGround(runtime: RuntimeName): Promise<Ground> {
  const scratch = mkdtempSync(join(tmpdir(), "flotilla-examples-"));
  const user = runtime === "rootless" && isRoot ? makeUser() : undefined;
  if (user !== undefined) chownSync(scratch, user.id, user.id);
  const as = commandLine(scratch, user);
  const flotilla = (...args: string[]) => {
    const [program = "", ...words] = [...as, join(directory, "bin", "flotilla"), ...args];
    return execute(program, words, { cwd: scratch });
  };
  const remove = async () => {
    await flotilla("down");
    rmSync(scratch, { recursive: true, force: true });
    user?.remove();
  };
  try {
    await flotilla("up", "--detach", "--members", "1", "--nodes", "2", "--runtime", engines[runtime]);
    const images = join(scratch, "images.tar");
    await execute(process.execPath, [join(directory, "scripts", "busybox-image.ts"), images]);
    await flotilla("image", "load", images);
    const { stdout } = await flotilla("kubeconfig", "--path");
    return { runtime, directory, scratch, kubeconfig: stdout.trim(), as, prelude: preludeFor(runtime), remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** What `up` calls it. */
const engines: Readonly<Record<RuntimeName, string>> = {
  namespaces: "namespaces",
  rootless: "namespaces",
  containerd: "containerd",
};

function commandLine(scratch: string, user: TestUser | undefined): string[] {
  const environment = {
    // Clusters live below it: also those that an example starts itself, and the caches of clients.
    XDG_STATE_HOME: join(scratch, "state"),
    HOME: scratch,
    TMPDIR: scratch,
    NO_COLOR: "1",
    PATH: `${join(directory, "node_modules", ".bin")}:${process.env.PATH}`,
  };
  const assignments = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  return user === undefined ? ["env", ...assignments] : [...becoming(user), ...assignments];
}

/** Clusters that an example starts itself are of the same kind. */
function preludeFor(runtime: RuntimeName): string {
  return `bin/flotilla() { if [ "$1" = up ]; then command bin/flotilla "$@" --runtime ${engines[runtime]}; else command bin/flotilla "$@"; fi; }`;
}
