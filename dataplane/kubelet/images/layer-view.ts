import { lstatSync, readFileSync, readlinkSync, type Stats } from "node:fs";
import { dirname, join } from "node:path";
import { ImageError } from "./image-error.ts";

const maxLinks = 40;

/**
 * Several unpacked layers seen as the one tree that a container will see, without mounting anything. Paths are relative to the image's root; symbolic
 * links are followed as inside the image: `..` of the root is the root, and an absolute target starts there.
 */
export class LayerView {
  readonly #roots: readonly string[];

  /** Topmost first. */
  constructor(roots: readonly string[]) {
    this.#roots = roots;
  }

  /** The layer that shows a path, and what is there; the path itself is not followed when it is a link, its directories must be resolved. */
  lookup(path: string): { readonly root: string; readonly stat: Stats } | undefined {
    for (const root of this.#roots) {
      const stat = lstatSync(join(root, path), { throwIfNoEntry: false });
      if (stat !== undefined) return isWhiteout(stat) ? undefined : { root, stat };
    }
    return undefined;
  }

  /** Where a path leads, existing or not. Rejects with ImageError when links chase each other. */
  resolve(path: string): string {
    let resolved = "";
    const rest = path.split("/").filter((part) => part !== "");
    for (let links = 0; rest.length > 0; ) {
      const part = rest.shift() as string;
      if (part === ".") continue;
      if (part === "..") {
        resolved = parentOf(resolved);
        continue;
      }
      const found = this.lookup(join(resolved, part));
      if (found?.stat.isSymbolicLink() !== true) {
        resolved = join(resolved, part);
        continue;
      }
      if (++links > maxLinks) throw new ImageError(`too many symbolic links in ${JSON.stringify(path)}`);
      const target = readlinkSync(join(found.root, resolved, part));
      if (target.startsWith("/")) resolved = "";
      rest.unshift(...target.split("/").filter((word) => word !== ""));
    }
    return resolved;
  }

  /** Text of a file; undefined when there is none. */
  read(path: string): string | undefined {
    const resolved = this.resolve(path);
    const found = this.lookup(resolved);
    return found?.stat.isFile() ? readFileSync(join(found.root, resolved), "utf8") : undefined;
  }
}

/** Of a path relative to a root, which is "". */
export function parentOf(path: string): string {
  const parent = dirname(path);
  return parent === "." ? "" : parent;
}

/** overlayfs's mark of a name that is not there. */
export function isWhiteout(stat: Stats): boolean {
  return stat.isCharacterDevice() && stat.rdev === 0;
}
