/** Exact is equality of characters; Prefix compares whole elements between slashes and does not look at a final slash. */
export type PathType = "Exact" | "Prefix";

/** The paths of one host. Of two that say the same, the one added first stays. */
export class PathRules<T> {
  readonly #exact = new Map<string, T>();
  /** By path without final slash; "" stands for all paths. */
  readonly #prefix = new Map<string, T>();

  add(type: PathType, path: string, value: T): void {
    const [map, key] = type === "Exact" ? [this.#exact, path] : [this.#prefix, path.replace(/\/$/, "")];
    if (!map.has(key)) map.set(key, value);
  }

  /** The longest path that matches; of an exact one and a prefix of that length, the exact one. */
  match(path: string): T | undefined {
    // Nothing longer than the whole path can match it, so an exact match is always the longest.
    const exact = this.#exact.get(path);
    if (exact !== undefined) return exact;
    for (let head = path; ; head = head.slice(0, head.lastIndexOf("/"))) {
      const value = this.#prefix.get(head);
      if (value !== undefined) return value;
      if (!head.includes("/")) return undefined;
    }
  }
}
