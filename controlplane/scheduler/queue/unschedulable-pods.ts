import type { QueuedPod } from "./scheduling-queue.ts";

/** Pods that wait for an event, found again by the plugins that rejected them. */
export class UnschedulablePods {
  readonly #all = new Set<QueuedPod>();
  readonly #byPlugin = new Map<string, Set<QueuedPod>>();

  get size(): number {
    return this.#all.size;
  }

  [Symbol.iterator](): Iterator<QueuedPod> {
    return this.#all.values();
  }

  add(entry: QueuedPod): void {
    this.#all.add(entry);
    for (const plugin of entry.rejectedBy) {
      const entries = this.#byPlugin.get(plugin);
      if (entries === undefined) this.#byPlugin.set(plugin, new Set([entry]));
      else entries.add(entry);
    }
  }

  delete(entry: QueuedPod): boolean {
    for (const plugin of entry.rejectedBy) this.#byPlugin.get(plugin)?.delete(entry);
    return this.#all.delete(entry);
  }

  /** Each once, though several of the plugins may have rejected it. A copy: what comes out may be deleted meanwhile. */
  rejectedByAnyOf(plugins: ReadonlySet<string>): Set<QueuedPod> {
    const entries = new Set<QueuedPod>();
    for (const plugin of plugins) for (const entry of this.#byPlugin.get(plugin) ?? []) entries.add(entry);
    return entries;
  }
}
