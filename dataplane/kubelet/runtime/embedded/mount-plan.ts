import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Device, Mount } from "../cri.ts";
import { usualMaskedPaths, usualReadonlyPaths } from "../masked-paths.ts";
import type { RootSource } from "./embedded-images.ts";
import { quote } from "./spawn.ts";

/** Mounts to make when a container's root is already the root, and the machine's is seen at another place: directories make their own target, files need one made. */
export interface MountPlan {
  /** fstab(5) lines in order. */
  readonly directories: readonly string[];
  /** Paths that must exist as files before `files` are mounted. */
  readonly fileTargets: readonly string[];
  readonly files: readonly string[];
  /** Paths that mounts of the machine lie on, to be made read-only one by one. */
  readonly readOnlyBelow: readonly string[];
}

/** Fields of fstab are separated by blanks: what would end one is written in octal. */
export function fstabLine(source: string, target: string, type: string, options: string): string {
  const field = (text: string) =>
    text.replaceAll(/[\s\\#]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, "0")}`);
  return `${field(source)} ${field(target)} ${type} ${options} 0 0`;
}

const propagations = {
  PROPAGATION_PRIVATE: "rprivate",
  PROPAGATION_HOST_TO_CONTAINER: "rslave",
  PROPAGATION_BIDIRECTIONAL: "rshared",
} as const satisfies Record<NonNullable<Mount["propagation"]>, string>;

export interface MountPlanInput {
  readonly mounts: readonly Mount[];
  readonly devices: readonly Device[];
  /** Where the machine's root is seen from inside. */
  readonly hostRoot: string;
  /** Device nodes on volumes work. Only for privileged containers: root in a container may make any. */
  readonly allowDevices: boolean;
  readonly mountInfo?: string;
  /** What the images are made of that are mounted. */
  readonly images?: Readonly<Record<string, RootSource>>;
  readonly inUserNamespace?: boolean;
}

/**
 * Mounts of a pod's volumes, outer before inner; files last, since their directory may be a volume. Targets are resolved by the kernel inside the
 * container's root, so no link of an image or a volume leads out of it; sources are resolved here, on the machine.
 */
export function planMounts(input: MountPlanInput): MountPlan {
  const plan = {
    directories: [] as string[],
    fileTargets: [] as string[],
    files: [] as string[],
    readOnlyBelow: [] as string[],
  };
  const table = mountTable(input.mountInfo ?? readFileSync("/proc/self/mountinfo", "utf8"));
  const depth = ({ containerPath }: Mount) => containerPath.split("/").filter(Boolean).length;
  for (const mount of [...input.mounts].sort((a, b) => depth(a) - depth(b))) {
    if (mount.image !== undefined) {
      plan.directories.push(imageMount(mount.image, join("/", mount.containerPath), input));
      continue;
    }
    const source = realpathSync(mount.hostPath);
    const target = join("/", mount.containerPath);
    const options = [
      "rbind",
      ...(mount.readonly ? ["ro", ...lockedFlags(source, table)] : []),
      ...(input.allowDevices || statSync(source).isCharacterDevice() ? [] : ["nodev"]),
      propagations[mount.propagation ?? "PROPAGATION_PRIVATE"],
    ];
    const line = (more: readonly string[]) =>
      fstabLine(join(input.hostRoot, source), target, "none", [...new Set([...options, ...more])].join(","));
    if (statSync(source).isDirectory()) {
      plan.directories.push(line(["X-mount.mkdir=0755"]));
      if (mount.recursiveReadOnly === true) {
        const below = table.filter((one) => one.target.startsWith(source === "/" ? "/" : `${source}/`));
        plan.readOnlyBelow.push(...below.map((one) => join(target, one.target.slice(source.length))));
      }
    } else {
      plan.fileTargets.push(target);
      plan.files.push(line([]));
    }
  }
  for (const device of input.devices) {
    const source = realpathSync(device.hostPath);
    const options = device.permissions.includes("w") ? "rbind" : "rbind,ro";
    if (statSync(source).isDirectory()) {
      plan.directories.push(
        fstabLine(join(input.hostRoot, source), device.containerPath, "none", `${options},X-mount.mkdir`),
      );
    } else {
      plan.fileTargets.push(device.containerPath);
      plan.files.push(fstabLine(join(input.hostRoot, source), device.containerPath, "none", options));
    }
  }
  return plan;
}

/** An image's layers over each other, with nothing to write to above them. */
function imageMount(image: string, target: string, { images = {}, hostRoot, inUserNamespace }: MountPlanInput): string {
  const root = images[image];
  if (root?.kind !== "layers" || root.layers.length === 0) throw new Error(`image ${image} has no files to mount`);
  const [first = "", ...others] = root.layers.map((name) => join(hostRoot, root.dir, name));
  const flags = ["ro", "nosuid", "nodev", "X-mount.mkdir=0755"];
  // A single layer is a directory like any other; an overlay needs two.
  if (others.length === 0) return fstabLine(first, target, "none", ["bind", ...flags].join(","));
  const lower = `lowerdir=${[first, ...others].join(":")}`;
  return fstabLine(
    "overlay",
    target,
    "overlay",
    [...flags, ...(inUserNamespace ? ["userxattr"] : []), lower].join(","),
  );
}

interface MountEntry {
  readonly target: string;
  readonly flags: readonly string[];
}

function mountTable(mountInfo: string): MountEntry[] {
  return mountInfo
    .split("\n")
    .map((line) => line.split(" "))
    .filter((fields) => fields.length > 6)
    .map((fields) => ({
      target: (fields[4] as string).replaceAll(/\\(\d{3})/g, (_, octal) =>
        String.fromCharCode(Number.parseInt(octal, 8)),
      ),
      flags: (fields[5] as string).split(","),
    }));
}

/** Making a bind mount read-only sets its flags anew, and a user namespace may not take those away that the machine's own mount has. */
function lockedFlags(path: string, table: readonly MountEntry[]): string[] {
  const holder = table
    .filter(({ target }) => target === "/" || path === target || path.startsWith(`${target}/`))
    .reduce<MountEntry | undefined>(
      (best, one) => (best === undefined || one.target.length >= best.target.length ? one : best),
      undefined,
    );
  return ["nosuid", "nodev", "noexec", "noatime", "nodiratime"].filter((flag) => holder?.flags.includes(flag));
}

/** Paths of /proc and /sys that tell or change too much (as containerd), where this kernel has them. */
export function hardeningMounts(
  root: string,
  maskedPaths: readonly string[] = usualMaskedPaths,
  readonlyPaths: readonly string[] = usualReadonlyPaths,
): readonly string[] {
  return [
    ...readonlyPaths
      .filter(existsSync)
      .map((path) => fstabLine(join(root, path), join(root, path), "none", "bind,ro,nosuid,nodev,noexec")),
    ...maskedPaths
      .filter(existsSync)
      .map((path) =>
        statSync(path).isDirectory()
          ? fstabLine("tmpfs", join(root, path), "tmpfs", "ro,size=0")
          : fstabLine("/dev/null", join(root, path), "none", "bind"),
      ),
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

/** Device nodes of the machine, for privileged containers: all but terminals and what containers have of their own. */
export function machineDevices(dir = "/dev"): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry): string[] => {
    const path = join(dir, entry.name);
    if (["/dev/pts", "/dev/shm", "/dev/mqueue", "/dev/hugepages", "/dev/console"].includes(path)) return [];
    if (entry.isDirectory()) return machineDevices(path);
    return entry.isCharacterDevice() || entry.isBlockDevice() ? [path] : [];
  });
}

/** A shell line that makes an empty file, with its directories, where nothing is. */
export function makeTarget(path: string, mkdir: string, failure: string): string {
  const dir = path.slice(0, path.lastIndexOf("/")) || "/";
  return `[ -e ${quote(path)} ] || { [ -d ${quote(dir)} ] || ${mkdir} -p ${quote(dir)}; : > ${quote(path)}; } || fail ${quote(failure)}`;
}
