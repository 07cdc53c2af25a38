import type { LinuxContainerSecurityContext } from "../cri.ts";

/** What containerd and Docker leave a container that asks for nothing. */
const defaultCapabilities = [
  "chown",
  "dac_override",
  "fsetid",
  "fowner",
  "mknod",
  "net_raw",
  "setgid",
  "setuid",
  "setfcap",
  "setpcap",
  "net_bind_service",
  "sys_chroot",
  "kill",
  "audit_write",
];

const bare = (name: string) => name.toLowerCase().replace(/^cap_/, "");

/** The bounding set as setpriv wants it: `-all,+chown,…`. */
export function boundingSet(security: LinuxContainerSecurityContext): string {
  const added = security.addCapabilities.map(bare);
  const dropped = new Set(security.dropCapabilities.map(bare));
  const kept = added.includes("all")
    ? ["all"]
    : [...new Set([...(dropped.has("all") ? [] : defaultCapabilities), ...added])];
  return ["-all", ...kept.filter((name) => !dropped.has(name) || added.includes(name)).map((name) => `+${name}`)].join(
    ",",
  );
}

/** The setpriv command line that turns root into the container's user, in order user, groups, capabilities. */
export function setprivArgv(setpriv: string, security: LinuxContainerSecurityContext): readonly string[] {
  const argv = [setpriv];
  const { runAsUser, runAsGroup, supplementalGroups } = security;
  if (runAsUser !== undefined) argv.push(`--reuid=${runAsUser}`);
  if (runAsUser !== undefined || runAsGroup !== undefined) argv.push(`--regid=${runAsGroup ?? 0}`);
  if (supplementalGroups.length > 0) argv.push(`--groups=${supplementalGroups.join(",")}`);
  else if (argv.length > 1) argv.push("--clear-groups");
  if (!security.privileged) argv.push(`--bounding-set=${boundingSet(security)}`, "--inh-caps=-all");
  if (security.noNewPrivs) argv.push("--no-new-privs");
  return argv.length === 1 ? [] : [...argv, "--"];
}
