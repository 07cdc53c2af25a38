import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Mount } from "../cri.ts";

/** Mounts to make below a container's root: directories make their own target, files need one made. */
export interface MountPlan {
  /** fstab(5) lines in order. */
  readonly directories: readonly string[];
  /** Paths, below the root, that must exist as files before `files` are mounted. */
  readonly fileTargets: readonly string[];
  readonly files: readonly string[];
}

/** Fields of fstab are separated by blanks: what would end one is written in octal. */
export function fstabLine(source: string, target: string, type: string, options: string): string {
  const field = (text: string) =>
    text.replaceAll(/[\s\\#]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, "0")}`);
  return `${field(source)} ${field(target)} ${type} ${options} 0 0`;
}

/** Mounts of a pod's volumes, outer before inner; files last, since their directory may be a volume. */
export function planMounts(root: string, mounts: readonly Mount[]): MountPlan {
  const plan = { directories: [] as string[], fileTargets: [] as string[], files: [] as string[] };
  const byDepth = [...mounts].sort((a, b) => a.containerPath.split("/").length - b.containerPath.split("/").length);
  for (const mount of byDepth) {
    const target = join(root, resolveOnHost(mount.containerPath));
    const options = mount.readonly ? "rbind,ro" : "rbind";
    if (statSync(mount.hostPath).isDirectory()) {
      plan.directories.push(fstabLine(mount.hostPath, target, "none", `${options},X-mount.mkdir=0755`));
    } else {
      plan.fileTargets.push(target);
      plan.files.push(fstabLine(mount.hostPath, target, "none", options));
    }
  }
  return plan;
}

/**
 * The path with symbolic links of the host's root followed, as far as it exists. The host's root is the container's, so this is
 * where the path leads inside; followed outside, an absolute link would lead out of the container's root.
 */
function resolveOnHost(path: string): string {
  let existing = join("/", path);
  let rest = "";
  while (!existsSync(existing)) {
    rest = join(existing.slice(dirname(existing).length), rest);
    existing = dirname(existing);
  }
  return join(realpathSync(existing), rest);
}

/** Paths of /proc and /sys that tell or change too much (as containerd), where this kernel has them. */
export function hardeningMounts(root: string): readonly string[] {
  const readOnly = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];
  const maskedFiles = ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/latency_stats", "/proc/sched_debug"];
  const maskedDirectories = ["/proc/acpi", "/proc/scsi", "/sys/firmware"];
  return [
    ...readOnly.filter(existsSync).map((path) => fstabLine(path, join(root, path), "none", "bind,ro")),
    ...maskedFiles.filter(existsSync).map((path) => fstabLine("/dev/null", join(root, path), "none", "bind")),
    ...maskedDirectories.filter(existsSync).map((path) => fstabLine("tmpfs", join(root, path), "tmpfs", "ro,size=0")),
  ];
}

/** File systems that hold parts of the host's root, e.g. a separate /usr: an overlay of / does not show them. */
export function rootParts(mountInfo = readFileSync("/proc/self/mountinfo", "utf8")): readonly string[] {
  const wanted = /^\/(usr|bin|sbin|lib|lib64|lib32|opt|etc|nix)(\/|$)/;
  return mountInfo
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .filter((target) => wanted.test(target));
}
