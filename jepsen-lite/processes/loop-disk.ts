import { spawnSync } from "node:child_process";
import { mkdirSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";

/** EXT4_IOC_SHUTDOWN, and its flag EXT4_GOING_FLAGS_NOLOGFLUSH (fs/ext4/ext4.h): nothing more reaches the device, nor does what the journal holds. */
const [shutdownRequest, withoutFlush] = [0x8004587d, 2];

/** Node has no ioctl; perl-base is on every Debian. */
const shutdownScript = `for (@ARGV) { open(my $dir, "<", $_) or die "$_: $!"; my $how = pack("L", ${withoutFlush});
  ioctl($dir, ${shutdownRequest}, $how) or die "$_: shutdown: $!" }`;

/**
 * A file system of its own, whose power can be cut: what was written and not synced is gone then, as are names whose directory was not synced.
 * Needs root, ext4 and a loop device.
 */
export class LoopDisk {
  readonly mountpoint: string;
  readonly #image: string;
  #mounted = false;

  /** Hidden space of `megabytes` at `image`, mounted on the directory `mountpoint`. */
  constructor(mountpoint: string, image: string, megabytes = 1024) {
    this.mountpoint = mountpoint;
    this.#image = image;
    writeFileSync(image, "");
    truncateSync(image, megabytes * 1024 * 1024);
    run("mkfs.ext4", ["-q", "-F", "-m0", "-E", "lazy_itable_init=1,lazy_journal_init=1", image]);
    this.mount();
  }

  /** Nothing is written but what is asked to be: the kernel's own habits would save what nobody synced. */
  mount(): void {
    run("mount", ["-o", "loop,noatime,commit=300,noauto_da_alloc", this.#image, this.mountpoint]);
    this.#mounted = true;
  }

  unmount(): void {
    if (!this.#mounted) return;
    run("umount", [this.mountpoint]);
    this.#mounted = false;
    if (until(1000, () => isFree(this.#image))) return;
    // A mount namespace made meanwhile holds a copy of the mount, so this file system stays without power. Its like goes on.
    run("cp", ["--sparse=always", this.#image, `${this.#image}.copy`]);
    renameSync(`${this.#image}.copy`, this.#image);
  }

  remove(): void {
    this.unmount();
    if (statSync(this.#image, { throwIfNoEntry: false }) !== undefined) rmSync(this.#image);
  }

  /** At once. What goes on using them gets EIO until they are unmounted and mounted again. */
  static cutPower(disks: readonly LoopDisk[]): void {
    run("perl", ["-e", shutdownScript, ...disks.map(({ mountpoint }) => mountpoint)]);
  }

  /** Why there can be none here. */
  static probe(directory: string): string | undefined {
    const mountpoint = `${directory}/probe`;
    let disk: LoopDisk | undefined;
    try {
      mkdirSync(mountpoint, { recursive: true });
      disk = new LoopDisk(mountpoint, `${mountpoint}.img`, 16);
      LoopDisk.cutPower([disk]);
      return undefined;
    } catch (error) {
      return (error as Error).message;
    } finally {
      disk?.remove();
      rmSync(mountpoint, { recursive: true, force: true });
      rmSync(`${mountpoint}.img`, { force: true });
    }
  }
}

function isFree(image: string): boolean {
  return spawnSync("losetup", ["-j", image], { encoding: "utf8" }).stdout.trim() === "";
}

function until(ms: number, isSo: () => boolean): boolean {
  for (const deadline = performance.now() + ms; !isSo(); spawnSync("sleep", ["0.05"])) {
    if (performance.now() > deadline) return false;
  }
  return true;
}

function run(program: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(program, args, { encoding: "utf8" });
  if (error !== undefined) throw new Error(`${program} cannot be run, a power loss needs it: ${error.message}`);
  if (status !== 0) throw new Error(`${program} ${args.at(-1)}: ${stderr.trim()} (needs root, ext4 and loop devices)`);
}
