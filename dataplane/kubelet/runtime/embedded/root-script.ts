import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import type { RootSource } from "./embedded-images.ts";
import { fstabLine, rootParts } from "./mount-plan.ts";
import { quote } from "./spawn.ts";

export interface RootScriptOptions {
  readonly source: RootSource;
  /** The container's directory; `layer/` in it becomes the writable layer, `layer/root` the root. */
  readonly dir: string;
  readonly inUserNamespace: boolean;
  /** Whether overlayfs takes this file system for writable layers; else they lie in memory. */
  readonly diskLayers: boolean;
  readonly privileged: boolean;
}

/** Shell lines that make a container's root file system at `layer/root`, to be followed by `mounts` (fstab lines). */
export function rootScript(options: RootScriptOptions): {
  readonly lines: readonly string[];
  readonly mounts: readonly string[];
} {
  const { source, dir, inUserNamespace } = options;
  const inMemory = source.kind === "host" || !options.diskLayers;
  const layer = join(dir, "layer");
  const lines = [
    // In memory it vanishes with the container's mount namespace. The machine's own root cannot have its upper layer on itself.
    ...(inMemory ? ["mount -t tmpfs -o mode=755 layer layer || fail 'cannot make the writable layer'"] : []),
    "mkdir -p layer/up layer/work layer/root || fail 'cannot make the writable layer'",
  ];
  // Device nodes that root makes inside would open the machine's disks: nobody else limits devices here.
  const flags = `${options.privileged ? "" : "nodev,"}${inUserNamespace ? "userxattr," : ""}`;
  if (source.kind === "layers") {
    const lower = source.layers.length === 0 ? "." : source.layers.join(":");
    lines.push(
      `( cd ${quote(source.layers.length === 0 ? join(layer, "work") : source.dir)} && mount -t overlay -o ${quote(`${flags}lowerdir=${lower},upperdir=${layer}/up,workdir=${layer}/work`)} overlay ${quote(`${layer}/root`)} ) || fail 'cannot mount the root file system'`,
    );
    return { lines, mounts: [] };
  }
  if (!inUserNamespace) {
    lines.push(
      `mount -t overlay -o ${quote(`${flags}lowerdir=/,upperdir=${layer}/up,workdir=${layer}/work`)} overlay layer/root || fail 'cannot mount the root file system'`,
    );
    return { lines, mounts: rootParts().map((path) => fstabLine(path, join(layer, "root", path), "none", "rbind,ro")) };
  }
  return hostRootInUserNamespace(layer, flags, lines);
}

/** Nothing of these is wanted: containers have their own. */
const ownEntries = new Set(["proc", "sys", "dev", "tmp", "run", "lost+found"]);

/** The kernel refuses an overlay of `/` here, since what is mounted below it is not the namespace's to show: one for each directory instead. */
function hostRootInUserNamespace(layer: string, flags: string, lines: string[]) {
  const mounts: string[] = [];
  const targets = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "");
  const hasMounts = (name: string) => targets.some((target) => target.startsWith(`/${name}/`));
  const root = join(layer, "root");
  // Only a mount can become the root of a container.
  lines.push("mount --bind layer/root layer/root || fail 'cannot make the root file system'");
  lines.push("mkdir -m 1777 layer/root/tmp && mkdir layer/root/run layer/root/proc layer/root/sys layer/root/dev");
  for (const name of readdirSync("/").sort()) {
    if (ownEntries.has(name)) continue;
    const stat = lstatSync(join("/", name));
    if (stat.isSymbolicLink())
      lines.push(`ln -s ${quote(readlinkSync(join("/", name)))} ${quote(`layer/root/${name}`)}`);
    if (!stat.isDirectory()) continue;
    const [up, work] = [join(layer, "up", name), join(layer, "work", name)];
    lines.push(`mkdir ${[join(root, name), up, work].map(quote).join(" ")}`);
    const options = `${flags}lowerdir=/${name},upperdir=${up},workdir=${work}`;
    if (!hasMounts(name)) mounts.push(fstabLine("overlay", join(root, name), "overlay", options));
    else mounts.push(fstabLine(join("/", name), join(root, name), "none", "rbind,ro"));
  }
  return { lines, mounts };
}
