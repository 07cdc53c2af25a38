import { run, runAny } from "../runtime/embedded/spawn.ts";

/** Flags of unshare(1) that make an ordinary user, with their own id alone, root of a new user namespace. */
const alone = ["--user", "--map-root-user"];

/** Why a user namespace cannot be made; undefined: it can. */
export async function whyNoUserNamespace(): Promise<string | undefined> {
  const { exitCode, stderr } = await runAny(["unshare", ...alone, "true"]);
  return exitCode === 0 ? undefined : stderr.toString().trim();
}

/**
 * The same flags, with the range of further ids that /etc/subuid gives the user where the setuid programs of uidmap are installed. To be asked only where a user
 * namespace can be made: unshare leaves a process behind that waits for ever where its helper for ranges cannot go on.
 */
export async function asRoot(): Promise<readonly string[]> {
  const withRange = [...alone, "--map-auto"];
  const { exitCode } = await runAny(["unshare", ...withRange, "true"]);
  return exitCode === 0 ? withRange : alone;
}

/** Removes a directory of a rootless node: files of its containers' users are nobody's but root's of such a namespace. */
export async function removeAsRoot(dir: string): Promise<void> {
  await run(["unshare", ...(await asRoot()), "rm", "-rf", "--", dir]);
}
