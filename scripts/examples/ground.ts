import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

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
  readonly environment: Readonly<Record<string, string>>;
  /** Typed first in every shell. */
  readonly prelude: string;
  remove(): Promise<void>;
}

const directory = join(import.meta.dirname, "..", "..");

/** Why there cannot be a cluster of that kind on this machine. */
export function obstacleTo(runtime: RuntimeName): string | undefined {
  const isRoot = process.getuid?.() === 0;
  if (runtime === "namespaces") return isRoot ? undefined : "needs root";
  return "`up` does not start such nodes yet";
}

/** Starts a cluster with two nodes that have the image `busybox:stable`. */
export async function prepareGround(runtime: RuntimeName): Promise<Ground> {
  const scratch = mkdtempSync(join(tmpdir(), "flotilla-examples-"));
  // Clusters live below it: also those that an example starts itself, and the caches of clients.
  const environment = { XDG_STATE_HOME: join(scratch, "state"), HOME: scratch, TMPDIR: scratch, NO_COLOR: "1" };
  const flotilla = (...args: string[]) =>
    execute(join(directory, "bin", "flotilla"), args, { env: { ...process.env, ...environment }, cwd: scratch });
  const remove = async () => {
    await flotilla("down");
    rmSync(scratch, { recursive: true, force: true });
  };
  try {
    await flotilla("up", "--detach", "--members", "1", "--nodes", "2", "--runtime", upRuntime[runtime]);
    const images = join(scratch, "images.tar");
    await execute(process.execPath, [join(directory, "scripts", "busybox-image.ts"), images]);
    await flotilla("image", "load", images);
    const { stdout } = await flotilla("kubeconfig", "--path");
    return {
      runtime,
      directory,
      scratch,
      kubeconfig: stdout.trim(),
      environment,
      prelude: preludeFor(runtime),
      remove,
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

const upRuntime: Readonly<Record<RuntimeName, string>> = {
  namespaces: "namespaces",
  rootless: "namespaces",
  containerd: "containerd",
};

/** Clusters that an example starts itself are of the same kind. */
function preludeFor(runtime: RuntimeName): string {
  return `bin/flotilla() { if [ "$1" = up ]; then command bin/flotilla "$@" --runtime ${upRuntime[runtime]}; else command bin/flotilla "$@"; fi; }`;
}
