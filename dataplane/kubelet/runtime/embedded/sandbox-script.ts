import type { SandboxRecord } from "./records.ts";
import { quote } from "./spawn.ts";

/** Link-local gateway of every pod: the node's end of each veth has it, so no pod needs a subnet. */
const gateway = "169.254.1.1";

export interface SandboxScriptOptions {
  readonly sandbox: SandboxRecord;
  /** The sandbox's directory: namespaces are pinned at the files net, uts and ipc in it. */
  readonly dir: string;
  /** The pod's; undefined: it is in the node's network. */
  readonly address: string | undefined;
  readonly nodeAddress: string | undefined;
  /** Process or file that names the namespace for the node's end of the veth pair. */
  readonly nodeNamespace: string;
}

/** One shell makes it all: namespaces, then the veth pair from inside, then the node's end of it. */
export function sandboxScript(options: SandboxScriptOptions): string {
  const { sandbox, dir, address } = options;
  const { namespaceOptions, sysctls } = sandbox.config.linux;
  const cable = cableName(sandbox.id);
  const inside = ["link set lo up"];
  if (address !== undefined) {
    inside.push(
      `link add eth0 type veth peer name ${cable} netns ${options.nodeNamespace}`,
      `address add ${address}/32 dev eth0`,
      "link set eth0 up",
      `route add ${gateway} dev eth0 scope link`,
      `route add default via ${gateway}`,
    );
  }
  const outside = [
    `address add ${gateway}/32 dev ${cable}`,
    `link set ${cable} up`,
    `route replace ${address}/32 dev ${cable} src ${options.nodeAddress}`,
  ];
  const ownIpc = namespaceOptions.ipc !== "NODE";
  const unshare = [
    "unshare",
    ...(address === undefined ? [] : [`--net=${dir}/net`]),
    `--uts=${dir}/uts`,
    ...(ownIpc ? [`--ipc=${dir}/ipc`] : []),
    "--",
  ];
  const setUp = [
    ...(sandbox.config.hostname === "" ? [] : [`hostname ${quote(sandbox.config.hostname)}`]),
    ...Object.entries(sysctls).map(
      ([name, value]) => `echo ${quote(value)} > ${quote(`/proc/sys/${name.replaceAll(".", "/")}`)}`,
    ),
    ...(address === undefined ? [] : ["ip -batch -"]),
  ];
  return [
    ...(ownIpc ? [`mount -t tmpfs -o nosuid,nodev,noexec,mode=1777,size=64m shm ${quote(`${dir}/shm`)}`] : []),
    `${unshare.map(quote).join(" ")} /bin/sh -e -c ${quote(setUp.join("\n"))} <<'END'`,
    ...inside,
    "END",
    ...(address === undefined ? [] : ["ip -batch - <<'END'", ...outside, "END"]),
    ...(namespaceOptions.pid === "POD" ? [pauseCommand(options)] : []),
    "",
  ].join("\n");
}

/**
 * Process 1 of a pod whose containers see each other's processes: it reaps who lost their parent, and as long as it lives the
 * namespace does. Its number, as the node sees it, is in the file `pause`.
 */
function pauseCommand({ dir, address }: SandboxScriptOptions): string {
  const reap = "trap 'exit 0' TERM; while :; do sleep 86400 & wait $!; done";
  const first = `unshare --mount --propagation private /bin/sh -c ${quote(`mount -t proc proc /proc; cd /; ${reap}`)} flotilla-pause 4>&- &`;
  const wait = `${first}\necho $! > ${quote(`${dir}/pause`)}\nexec 4>&-\nwait`;
  const enter = [
    "nsenter",
    ...(address === undefined ? [] : [`--net=${dir}/net`]),
    `--uts=${dir}/uts`,
    "--",
    "unshare",
    "--pid",
    "--",
  ];
  const argv = ["setsid", ...enter, "/bin/sh", "-c", wait, "flotilla-pause", dir].map(quote).join(" ");
  // The pipe ends when the number is written: nobody needs to look for it again and again.
  return `: "$(${argv} 4>&1 >/dev/null 2>&1 </dev/null &)"`;
}

/** Name of the node's end of a pod's veth pair: 15 bytes at most. */
export function cableName(sandboxId: string): string {
  return `v${sandboxId.slice(0, 12)}`;
}
