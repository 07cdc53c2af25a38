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
