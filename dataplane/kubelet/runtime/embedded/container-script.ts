import { join } from "node:path";
import { setprivArgv } from "./capabilities.ts";
import type { Cgroups } from "./cgroups.ts";
import type { Launch } from "./driver.ts";
import { fstabLine, hardeningMounts, machineDevices, makeTarget, planMounts } from "./mount-plan.ts";
import { rootScript } from "./root-script.ts";
import { filterWords } from "./seccomp/filter.ts";
import { becomeCommand, scriptPreamble } from "./shim.ts";
import { quote } from "./spawn.ts";
import { onTerminal } from "./terminal.ts";
import type { Tools } from "./tools.ts";
import type { IdMap } from "./user-namespace.ts";

export interface ContainerScriptOptions {
  readonly tools: Tools;
  /** Directory with the symbolic links of /dev, made once per node. */
  readonly devLinks: string;
  readonly ids: IdMap;
  readonly diskLayers: boolean;
  /** Directories of the host that no container of the host image may see. */
  readonly maskedPaths: readonly string[];
}

/** Where containers see the tools, read-only, for as long as they live: `exec` needs them too. */
export const toolsInside = "/dev/.flotilla";
/** Where they see the machine's root until their own is complete. */
const hostRoot = "/dev/.host";

/**
 * The files with which a fresh mount namespace becomes a container: root file system, /proc, /sys and /dev below it; then pivot_root, with the
 * machine's root still in sight; then volumes, whose targets the kernel thus resolves inside; then the machine's root goes, and the command
 * is executed. Programs are started as rarely as possible: `mount -a` makes a list of mounts in one process.
 */
export function containerFiles(launch: Launch, options: ContainerScriptOptions): Record<string, string> {
  const { container, dir } = launch;
  const security = container.config.linux.securityContext;
  const root = join(dir, "layer/root");
  const made = rootScript({
    ...options,
    source: container.root,
    dir,
    inUserNamespace: options.ids.inUserNamespace,
    privileged: security.privileged,
  });
  const base = [...made.mounts, ...systemMounts(root, launch, options)];
  const plan = planMounts({
    mounts: allMounts(launch),
    devices: [...standardDevices(security.privileged), ...(container.config.devices ?? [])],
    hostRoot,
    allowDevices: security.privileged,
    images: container.volumeRoots,
    inUserNamespace: options.ids.inUserNamespace,
  });
  const outside = (tool: Parameters<Tools["words"]>[0]) => options.tools.words(tool, join(hostRoot, options.tools.dir));
  const inside = (tool: Parameters<Tools["words"]>[0]) => options.tools.words(tool, toolsInside);
  const here = join(hostRoot, dir);
  const lines = [
    scriptPreamble,
    ...launch.cgroupFiles.map(
      (file, i) => `exec ${firstCgroupFd + i}>${quote(file)} || fail 'cannot join control group'`,
    ),
    ...made.lines,
    'for dir in proc sys dev; do [ ! -L layer/root/$dir ] || fail "the image\'s /$dir is a link"; done',
    "mount -T base.fstab -a || fail 'cannot mount /proc, /sys and /dev'",
    links(options.devLinks),
    "cd layer/root && mkdir dev/.host && pivot_root . dev/.host && cd / || fail 'cannot change the root'",
    ...plan.fileTargets
      .filter((path) => path.startsWith("/dev/"))
      .map((path) => makeTarget(path, outside("mkdir"), "cannot make a device")),
  ];
  if (plan.directories.length > 0) {
    lines.push(`${outside("mount")} -T ${quote(`${here}/volumes.fstab`)} -a || fail 'cannot mount volumes'`);
  }
  for (const target of plan.readOnlyBelow) {
    lines.push(
      `${outside("mount")} -o remount,bind,ro ${quote(target)} || fail 'cannot make a volume recursively read-only'`,
    );
  }
  for (const path of plan.fileTargets.filter((one) => !one.startsWith("/dev/"))) {
    lines.push(makeTarget(path, outside("mkdir"), "cannot make a mount point"));
  }
  lines.push(
    `${outside("mount")} -T ${quote(`${here}/files.fstab`)} -a || fail 'cannot mount files'`,
    `[ -d ${quote(container.config.workingDir)} ] || ${outside("mkdir")} -p ${quote(container.config.workingDir)} || fail 'cannot make the working directory'`,
  );
  if (security.readonlyRootfs)
    lines.push(`${outside("mount")} -o remount,bind,ro / || fail 'cannot make the root file system read-only'`);
  // Unmounting what the machine shares would reach the machine.
  if (sharesMounts(launch)) lines.push(`${outside("mount")} --make-rslave ${hostRoot} || fail 'cannot leave the host'`);
  lines.push(`${inside("umount")} -l ${hostRoot} || fail 'cannot leave the host'`);
  const score = container.config.linux.resources.oomScoreAdj;
  // Lowering it needs CAP_SYS_RESOURCE, which even root may lack: the container runs all the same, and its output does not tell.
  if (score !== undefined) lines.push(`echo ${score} > /proc/self/oom_score_adj || :`);
  for (const i of launch.cgroupFiles.keys()) {
    lines.push(`echo 0 >&${firstCgroupFd + i} || fail 'cannot join control group'`, `exec ${firstCgroupFd + i}>&-`);
  }
  lines.push(
    becomeCommand({
      workingDir: container.config.workingDir,
      env: container.env,
      argv: container.argv,
      become: becomeUser(launch, options),
      onTerminal: container.config.tty === true ? (words) => terminalInside(options.tools, words) : undefined,
    }),
  );
  return {
    "run.sh": lines.join("\n"),
    "base.fstab": `${base.join("\n")}\n`,
    "volumes.fstab": `${plan.directories.join("\n")}\n`,
    "files.fstab": `${plan.files.join("\n")}\n`,
  };
}

/** First of the descriptors that keep control group files open over pivot_root. */
const firstCgroupFd = 3;

/** The prefix that turns root of the container into its user. Its environment is empty: the container's could make the prefix do its will. */
export function becomeUser(
  launch: Launch,
  { tools, ids }: Pick<ContainerScriptOptions, "tools" | "ids">,
): readonly string[] {
  const { user, config } = launch.container;
  const setpriv = setprivArgv(config.linux.securityContext, user, ids.maySetGroups);
  const env = tools.argv("env", toolsInside);
  const filter = tools.has("perl") ? filterWords(config.linux.securityContext) : [];
  const filtered = filter.length === 0 ? [] : [...tools.argv("perl", toolsInside), ...filter];
  return [...env, "-i", ...filtered, ...tools.argv("setpriv", toolsInside), ...setpriv, "--", ...env, "-i"];
}

/** On a terminal of the container's own. */
export function terminalInside(tools: Tools, words: readonly string[]): readonly string[] {
  const script = tools.argv("script", toolsInside);
  return onTerminal({
    env: tools.terminalEnv(toolsInside),
    script,
    become: [...tools.argv("env", toolsInside), "-i"],
    words,
  });
}

/** Whether a mount made in the container shall be seen outside: its mount namespace then stays joined to the machine's. */
export function sharesMounts({ container }: Launch): boolean {
  return container.config.mounts.some(({ propagation }) => propagation === "PROPAGATION_BIDIRECTIONAL");
}

/** Copied from a directory of the node: one program instead of five. */
const links = (dir: string) => `cp -P ${quote(dir)}/* layer/root/dev/ || fail 'cannot fill /dev'`;

function systemMounts(root: string, launch: Launch, options: ContainerScriptOptions): string[] {
  const { container, sandbox, sandboxDir } = launch;
  const security = container.config.linux.securityContext;
  const hostIpc = sandbox.config.linux.namespaceOptions.ipc === "NODE";
  const shm = hostIpc ? "/dev/shm" : join(sandboxDir, "shm");
  const sysFlags = `${security.privileged ? "rw" : "ro"},nosuid,nodev,noexec`;
  return [
    fstabLine("proc", join(root, "proc"), "proc", "nosuid,nodev,noexec,X-mount.mkdir"),
    fstabLine("sysfs", join(root, "sys"), "sysfs", `${sysFlags},X-mount.mkdir`),
    ...cgroupMounts(root, launch.cgroupMounts, security.privileged),
    fstabLine("tmpfs", join(root, "dev"), "tmpfs", "nosuid,nodev,mode=755,size=64k,X-mount.mkdir"),
    fstabLine(
      "devpts",
      join(root, "dev/pts"),
      "devpts",
      "newinstance,ptmxmode=0666,mode=0620,nosuid,noexec,X-mount.mkdir",
    ),
    fstabLine(shm, join(root, "dev/shm"), "none", "bind,X-mount.mkdir"),
    ...(hostIpc ? [] : [fstabLine("mqueue", join(root, "dev/mqueue"), "mqueue", "nosuid,nodev,noexec,X-mount.mkdir")]),
    fstabLine(options.tools.dir, join(root, toolsInside), "none", "bind,ro,nosuid,nodev,X-mount.mkdir"),
    ...(container.root.kind === "host"
      ? options.maskedPaths.map((path) => fstabLine("tmpfs", join(root, path), "tmpfs", "ro,size=0,X-mount.mkdir"))
      : []),
    ...(security.privileged ? [] : hardeningMounts(root, security.maskedPaths, security.readonlyPaths)),
  ];
}

/** The container's own groups, where programs look for their limits. */
function cgroupMounts(root: string, groups: ReturnType<Cgroups["visible"]>, writable: boolean): string[] {
  const at = join(root, "sys/fs/cgroup");
  const options = `bind,${writable ? "rw" : "ro"},nosuid,nodev,noexec`;
  const [first] = groups;
  if (first === undefined) return [];
  if (first.name === "") return [fstabLine(first.dir, at, "none", options)];
  return [
    fstabLine("tmpfs", at, "tmpfs", "nosuid,nodev,noexec,mode=755,size=64k"),
    ...groups.map(({ name, dir }) => fstabLine(dir, join(at, name), "none", `${options},X-mount.mkdir`)),
  ];
}

function standardDevices(privileged: boolean) {
  const usual = ["null", "zero", "full", "random", "urandom", "tty"].map((name) => `/dev/${name}`);
  const paths = privileged ? [...new Set([...usual, ...machineDevices()])] : usual;
  return paths.map((path) => ({ containerPath: path, hostPath: path, permissions: "rwm" }));
}

function allMounts({ container, sandboxDir }: Launch) {
  const own = ["resolv.conf", "hostname"].map((name) => ({
    containerPath: `/etc/${name}`,
    hostPath: join(sandboxDir, name),
    readonly: false,
  }));
  const given = new Set(container.config.mounts.map((mount) => mount.containerPath));
  return [...own.filter((mount) => !given.has(mount.containerPath)), ...container.config.mounts];
}
