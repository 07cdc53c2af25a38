import { dirname, join } from "node:path";
import { setprivArgv } from "./capabilities.ts";
import type { Launch } from "./driver.ts";
import { fstabLine, hardeningMounts, planMounts, rootParts } from "./mount-plan.ts";
import { becomeCommand, scriptPreamble } from "./shim.ts";
import { quote } from "./spawn.ts";

export interface ContainerScriptOptions {
  /** Directory with the symbolic links of /dev, made once per node. */
  readonly devLinks: string;
  readonly setpriv: string;
  /** Directories of the host that no container may see. */
  readonly maskedPaths: readonly string[];
}

/**
 * The files with which a fresh mount namespace becomes a container: an overlay over the host's root whose upper layer is a tmpfs of
 * that namespace (so it vanishes with the container), /proc, /sys, /dev, the volumes; then pivot_root, then the command. Programs are
 * started as rarely as possible: `mount -a` makes a list of mounts in one process.
 */
export function containerFiles(launch: Launch, options: ContainerScriptOptions): Record<string, string> {
  const { container, sandboxDir, dir } = launch;
  const security = container.config.linux.securityContext;
  const root = join(dir, "layer/root");
  const base = [
    ...rootParts().map((path) => fstabLine(path, join(root, path), "none", "rbind,ro")),
    fstabLine("proc", join(root, "proc"), "proc", "nosuid,nodev,noexec"),
    fstabLine("sysfs", join(root, "sys"), "sysfs", `${security.privileged ? "rw" : "ro"},nosuid,nodev,noexec`),
    fstabLine("tmpfs", join(root, "dev"), "tmpfs", "nosuid,mode=755,size=64k"),
    fstabLine("devpts", join(root, "dev/pts"), "devpts", "newinstance,ptmxmode=0666,mode=0620,X-mount.mkdir"),
    fstabLine(join(sandboxDir, "shm"), join(root, "dev/shm"), "none", "bind,X-mount.mkdir"),
    ...options.maskedPaths.map((path) => fstabLine("tmpfs", join(root, path), "tmpfs", "ro,size=0,X-mount.mkdir")),
    ...(security.privileged ? [] : hardeningMounts(root)),
  ];
  const own = [
    { containerPath: "/etc/resolv.conf", hostPath: join(sandboxDir, "resolv.conf"), readonly: false },
    { containerPath: "/etc/hostname", hostPath: join(sandboxDir, "hostname"), readonly: false },
  ];
  const given = new Set(container.config.mounts.map((mount) => mount.containerPath));
  const plan = planMounts(root, [
    ...own.filter((mount) => !given.has(mount.containerPath)),
    ...container.config.mounts,
  ]);
  const devices = ["null", "zero", "full", "random", "urandom", "tty"].map((name) => `/dev/${name}`).join(" ");
  const lines = [
    scriptPreamble,
    ...launch.cgroupFiles.map(
      (file, i) => `exec ${firstCgroupFd + i}>${quote(file)} || fail 'cannot join control group'`,
    ),
    "mount -t tmpfs -o mode=755 layer layer || fail 'cannot make the writable layer'",
    "mkdir layer/up layer/work layer/root || fail 'cannot make the writable layer'",
    `mount -t overlay -o ${quote(`lowerdir=/,upperdir=${dir}/layer/up,workdir=${dir}/layer/work`)} overlay layer/root || fail 'cannot mount the root file system'`,
    "mount -T base.fstab -a || fail 'cannot mount /proc, /sys and /dev'",
    `cp -a ${devices} ${quote(`${options.devLinks}/.`)} layer/root/dev/ || fail 'cannot fill /dev'`,
    `mkdir -p ${quote(join(root, container.config.workingDir))} || fail 'cannot make the working directory'`,
  ];
  if (plan.directories.length > 0) lines.push("mount -T volumes.fstab -a || fail 'cannot mount volumes'");
  for (const target of plan.fileTargets) {
    lines.push(
      `[ -e ${quote(target)} ] || { mkdir -p ${quote(dirname(target))} && : > ${quote(target)}; } || fail 'cannot make a mount point'`,
    );
  }
  lines.push("mount -T files.fstab -a || fail 'cannot mount files'");
  if (security.readonlyRootfs)
    lines.push("mount -o remount,bind,ro layer/root || fail 'cannot make the root file system read-only'");
  lines.push("cd layer/root && pivot_root . . && umount -l . && cd / || fail 'cannot change the root'");
  const score = container.config.linux.resources.oomScoreAdj;
  // Lowering it needs CAP_SYS_RESOURCE, which even root may lack: the container runs all the same.
  if (score !== undefined) lines.push(`{ echo ${score} > /proc/self/oom_score_adj; } 2>/dev/null || :`);
  for (const i of launch.cgroupFiles.keys()) {
    lines.push(`echo 0 >&${firstCgroupFd + i} || fail 'cannot join control group'`, `exec ${firstCgroupFd + i}>&-`);
  }
  lines.push(
    becomeCommand({
      workingDir: container.config.workingDir,
      env: container.env,
      argv: container.argv,
      restrict: setprivArgv(options.setpriv, security),
    }),
  );
  return {
    "run.sh": lines.join("\n"),
    "base.fstab": `${base.join("\n")}\n`,
    "volumes.fstab": `${plan.directories.join("\n")}\n`,
    "files.fstab": `${plan.files.join("\n")}\n`,
  };
}

/** First of the descriptors that keep control group files open over pivot_root; a shell has one digit. */
const firstCgroupFd = 3;
