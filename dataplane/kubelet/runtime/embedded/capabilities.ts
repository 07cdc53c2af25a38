import type { ProcessUser } from "../../images/image-user.ts";
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

/** What a container keeps, in small letters; `all` alone stands for every one. */
function keptCapabilities(security: LinuxContainerSecurityContext): readonly string[] {
  const added = security.addCapabilities.map(bare);
  const dropped = new Set(security.dropCapabilities.map(bare));
  const kept = added.includes("all")
    ? ["all"]
    : [...new Set([...(dropped.has("all") ? [] : defaultCapabilities), ...added])];
  return kept.filter((name) => !dropped.has(name) || added.includes(name));
}

/** The bounding set as setpriv wants it: `-all,+chown,…`. */
export function boundingSet(security: LinuxContainerSecurityContext): string {
  return ["-all", ...keptCapabilities(security).map((name) => `+${name}`)].join(",");
}

/** Whether a container has a capability, such as SYS_ADMIN. */
export function hasCapability(security: LinuxContainerSecurityContext, capability: string): boolean {
  const kept = keptCapabilities(security);
  return kept.includes("all") || kept.includes(bare(capability));
}

/** Arguments of setpriv(1) that turn root into the container's user: user, groups, capabilities. */
export function setprivArgv(
  security: LinuxContainerSecurityContext,
  user: ProcessUser,
  maySetGroups = true,
): readonly string[] {
  const groups = user.additionalGids;
  return [
    `--reuid=${user.uid}`,
    `--regid=${user.gid}`,
    ...(!maySetGroups ? ["--keep-groups"] : groups.length > 0 ? [`--groups=${groups.join(",")}`] : ["--clear-groups"]),
    // Nothing inheritable and nothing ambient, as with containerd: a user other than root gains capabilities from files only.
    ...(security.privileged ? [] : [`--bounding-set=${boundingSet(security)}`, "--inh-caps=-all"]),
    ...(security.noNewPrivs ? ["--no-new-privs"] : []),
  ];
}
