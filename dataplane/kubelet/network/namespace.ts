import { createHash } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../../../base/mod.ts";
import { pinnedNamespace } from "../runtime/embedded/procfs.ts";
import { run, runAny } from "../runtime/embedded/spawn.ts";

/** Where `ip netns` looks for namespaces by name. */
const directory = "/run/netns";

/** The underlay's name has no `_`, a node's has one, and neither cluster nor node may: no two can be the same. */
export function underlayNamespace(cluster: string): string {
  return join(directory, `flotilla-${cluster}`);
}

export function nodeNamespace(cluster: string, node: string): string {
  return join(directory, `flotilla-${cluster}_${node}`);
}

/** The underlay's end of a node's cable. Interface names have 15 bytes at most. */
export function underlayPort(node: string): string {
  return `n${createHash("sha256").update(node).digest("hex").slice(0, 10)}`;
}

export function exists(path: string): boolean {
  return pinnedNamespace(path, "net") !== undefined;
}

/**
 * Makes a network namespace known by name. Not `ip netns add`: that would turn /run/netns into a mount of the host that
 * nobody removes. Returns false when it is there already.
 */
export async function createNamespace(path: string): Promise<boolean> {
  if (exists(path)) return false;
  try {
    mkdirSync(directory, { recursive: true });
    writeFileSync(path, "");
    await run(["unshare", `--net=${path}`, "--", "ip", "link", "set", "lo", "up"]);
  } catch (error) {
    rmSync(path, { force: true });
    throw new Failure(
      "NetworkNamespaceFailed",
      `the network namespace ${path} cannot be made: ${(error as Error).message}`,
      "Run as root with CAP_SYS_ADMIN, or choose the process runtime",
      error,
    );
  }
  return true;
}

/** Idempotent. What is in the namespace goes with it once no process is left inside. */
export async function destroyNamespace(path: string): Promise<void> {
  if (exists(path)) await run(["umount", "-l", path]);
  rmSync(path, { force: true });
}

/** Runs `ip -batch` in a namespace. With `force` goes on after a command that fails. */
export async function ipBatch(
  path: string,
  commands: readonly string[],
  options: { force?: boolean } = {},
): Promise<void> {
  const argv = ["nsenter", `--net=${path}`, "--", "ip", ...(options.force === true ? ["-force"] : []), "-batch", "-"];
  const input = `${commands.join("\n")}\n`;
  if (options.force === true) await runAny(argv, input);
  else await run(argv, input);
}
