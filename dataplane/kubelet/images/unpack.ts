import {
  chmodSync,
  createWriteStream,
  existsSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { basename, dirname, join, posix } from "node:path";
import { pipeline } from "node:stream/promises";
import { extract, type Header } from "tar-stream";
import { ImageError } from "./image-error.ts";
import { LayerView, parentOf } from "./layer-view.ts";

export interface UnpackOptions {
  /** Empty directory the layer becomes: the form overlayfs wants of a lower layer. */
  readonly dir: string;
  /** Unpacked layers below this one, the next first. */
  readonly below: readonly string[];
  /** Makes the mark of overlayfs for "not here": a character device 0/0. */
  readonly makeWhiteout: (path: string) => void;
  readonly warn: (message: string) => void;
}

const whiteoutPrefix = ".wh.";
const opaqueMarker = ".wh..wh..opq";

/**
 * Unpacks one layer of an image, given as a plain tar. What a stranger packed stays inside `dir`: names with `..` are refused, and links are
 * followed as they would be inside the image, never outside. Owners that this process may not give are dropped (one id: everything
 * belongs to it); device nodes are left out, with a warning. Rejects with ImageError when the archive is damaged or means harm.
 */
export async function unpackLayer(source: AsyncIterable<Uint8Array>, options: UnpackOptions): Promise<void> {
  const unpacker = new Unpacker(options);
  const entries = extract();
  const fed = pipeline(source, entries as unknown as NodeJS.WritableStream);
  fed.catch(() => undefined); // told by the loop below, which the same error ends
  try {
    for await (const entry of entries) {
      await unpacker.add(entry.header, entry as unknown as AsyncIterable<Uint8Array>);
      entry.resume();
    }
    await fed;
  } catch (error) {
    if (error instanceof ImageError || (error as NodeJS.ErrnoException).syscall !== undefined) throw error;
    throw new ImageError(`the layer cannot be read: ${(error as Error).message}`, { cause: error });
  }
  unpacker.finish();
}

class Unpacker {
  readonly #options: UnpackOptions;
  readonly #view: LayerView;
  /** Times of directories are set last: what is put into them changes them. */
  readonly #directoryTimes = new Map<string, Date>();
  #ownersKept = true;
  /** Names this layer has put somewhere, so that an opaque mark that comes late spares them. */
  readonly #added = new Set<string>();

  constructor(options: UnpackOptions) {
    this.#options = options;
    this.#view = new LayerView([options.dir, ...options.below]);
  }

  async add(header: Header, content: AsyncIterable<Uint8Array>): Promise<void> {
    const path = this.#inside(header.name);
    if (path === "") return this.#directory("", header);
    const parent = this.#view.resolve(parentOf(path));
    this.#ensureDirectory(parent);
    const name = basename(path);
    if (name === opaqueMarker) return this.#hideAll(parent);
    const target = join(parent, name.startsWith(whiteoutPrefix) ? name.slice(whiteoutPrefix.length) : name);
    if (name.startsWith(whiteoutPrefix)) return this.#hide(target);
    this.#added.add(target);
    if (header.type === "directory") return this.#directory(target, header);
    const file = join(this.#options.dir, target);
    rmSync(file, { recursive: true, force: true });
    switch (header.type) {
      case "file":
      case "contiguous-file":
        await pipeline(content, createWriteStream(file, { flags: "wx", mode: 0o600 }));
        break;
      case "symlink":
        symlinkSync(header.linkname, file);
        break;
      case "link":
        this.#link(header, file);
        return; // owner, mode and time are those of the file it names
      default:
        this.#options.warn(`${path}: a ${header.type} is left out`);
        return;
    }
    this.#stamp(file, header);
  }

  finish(): void {
    for (const [path, time] of this.#directoryTimes) lutimesSync(join(this.#options.dir, path), time, time);
  }

  /** The name without leading slashes; "" is the root. */
  #inside(name: string): string {
    if (name.split("/").includes(".."))
      throw new ImageError(`the layer names a path outside the image: ${JSON.stringify(name)}`);
    const path = posix.normalize(`/${name}`).slice(1);
    return path.replace(/\/+$/, "");
  }

  /** Directories that the layer itself does not mention are as the layers below have them. */
  #ensureDirectory(path: string): void {
    if (path === "") return;
    const dir = join(this.#options.dir, path);
    const here = lstatSync(dir, { throwIfNoEntry: false });
    if (here?.isDirectory()) return;
    this.#ensureDirectory(parentOf(path));
    const below = this.#view.lookup(path);
    rmSync(dir, { recursive: true, force: true });
    mkdirSync(dir);
    if (below?.stat.isDirectory()) {
      this.#own(dir, below.stat.uid, below.stat.gid);
      chmodSync(dir, below.stat.mode & 0o7777);
    } else chmodSync(dir, 0o755);
  }

  #directory(path: string, header: Header): void {
    const dir = join(this.#options.dir, path);
    const here = lstatSync(dir, { throwIfNoEntry: false });
    if (here !== undefined && !here.isDirectory()) rmSync(dir, { force: true });
    mkdirSync(dir, { recursive: true });
    this.#own(dir, header.uid, header.gid);
    chmodSync(dir, header.mode & 0o7777);
    this.#directoryTimes.set(path, header.mtime);
  }

  #link(header: Header, file: string): void {
    const named = this.#inside(header.linkname);
    const target = join(this.#view.resolve(parentOf(named)), basename(named));
    const source = join(this.#options.dir, target);
    // Of a file of a lower layer: a link cannot lead there, but the format allows none either.
    if (!existsSync(dirname(source)) || lstatSync(source, { throwIfNoEntry: false }) === undefined)
      throw new ImageError(`the layer links to what it does not have: ${JSON.stringify(header.linkname)}`);
    linkSync(source, file);
  }

  #hide(path: string): void {
    const file = join(this.#options.dir, path);
    if (this.#added.has(path)) return;
    rmSync(file, { recursive: true, force: true });
    if (this.#options.below.some((root) => lstatSync(join(root, path), { throwIfNoEntry: false }) !== undefined)) {
      this.#options.makeWhiteout(file);
    }
  }

  /** Instead of overlayfs's mark for an opaque directory, which needs extended attributes: everything the layers below show in it is hidden. */
  #hideAll(dir: string): void {
    for (const root of this.#options.below) {
      const there = lstatSync(join(root, dir), { throwIfNoEntry: false });
      if (there === undefined || !there.isDirectory()) continue;
      for (const name of readdirSync(join(root, dir))) {
        const path = join(dir, name);
        if (lstatSync(join(this.#options.dir, path), { throwIfNoEntry: false }) === undefined) this.#hide(path);
      }
    }
  }

  #stamp(file: string, header: Header): void {
    this.#own(file, header.uid, header.gid);
    // After the owner: changing that takes the set-user-id bit away.
    if (header.type !== "symlink") chmodSync(file, header.mode & 0o7777);
    lutimesSync(file, header.mtime, header.mtime);
  }

  #own(file: string, uid: number, gid: number): void {
    if (!this.#ownersKept) return;
    try {
      lchownSync(file, uid, gid);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // EINVAL: the id has no meaning in this user namespace. EPERM: no root here.
      if (code !== "EINVAL" && code !== "EPERM") throw error;
      this.#ownersKept = code === "EINVAL";
      this.#options.warn("owners of files are not kept: this process may not give files away");
    }
  }
}
