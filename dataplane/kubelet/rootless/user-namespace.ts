import { run, runAny } from "../runtime/embedded/spawn.ts";

/**
 * Flags of unshare(1) that make an ordinary user root of a new user namespace: with the range of further ids that /etc/subuid gives them where the setuid
 * programs of uidmap are installed, else with their own id alone.
 */
export async function asRoot(): Promise<readonly string[]> {
  const alone = ["--user", "--map-root-user"];
  const withRange = [...alone, "--map-auto"];
  const { exitCode } = await runAny(["unshare", ...withRange, "true"]);
  return exitCode === 0 ? withRange : alone;
}

/** Removes a directory of a rootless node: files of its containers' users are nobody's but root's of such a namespace. */
export async function removeAsRoot(dir: string): Promise<void> {
  await run(["unshare", ...(await asRoot()), "rm", "-rf", "--", dir]);
}
