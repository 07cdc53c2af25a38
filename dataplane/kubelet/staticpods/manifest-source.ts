import { type FSWatcher, watch } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock, Log, Timer } from "../../../base/mod.ts";
import { type Pod, timeAt } from "../../../controlplane/api/mod.ts";
import { parseManifest } from "./manifest.ts";

export interface ManifestSourceOptions {
  readonly dir: string;
  readonly nodeName: string;
  readonly clock: Clock;
  readonly log: Log;
  /** A file changed: its pod of before is removed and another added. */
  readonly onAdd: (pod: Pod) => void;
  readonly onRemove: (uid: string) => void;
}

const everyMs = 20_000;
/** An editor writes a file in several steps. */
const settleMs = 100;

/** The pods of a directory of manifests: looked at when something changes there, and every twenty seconds in any case. */
export class ManifestSource {
  readonly #options: ManifestSourceOptions;
  /** By file name. */
  readonly #texts = new Map<string, { readonly text: string; readonly pod: Pod | undefined }>();
  #watcher: FSWatcher | undefined;
  #timer: Timer | undefined;
  #reading = Promise.resolve();
  #stopped = false;

  constructor(options: ManifestSourceOptions) {
    this.#options = options;
  }

  /** Resolves when all that is there now has been told. */
  async start(): Promise<void> {
    this.#watch();
    await this.read();
    this.#wait(everyMs);
  }

  stop(): void {
    this.#stopped = true;
    this.#watcher?.close();
    this.#timer?.cancel();
  }

  pods(): Pod[] {
    return [...this.#texts.values()].flatMap(({ pod }) => (pod === undefined ? [] : [pod]));
  }

  #watch(): void {
    const { dir, log } = this.#options;
    try {
      this.#watcher = watch(dir, { persistent: false }, () => this.#wait(settleMs));
      this.#watcher.on("error", (error) => log("warn", "manifests are not watched", { dir, error: error.message }));
    } catch (error) {
      log("warn", "manifests are not watched, but looked at now and then", { dir, error: (error as Error).message });
    }
  }

  #wait(ms: number): void {
    if (this.#stopped) return;
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(ms, () => void this.read().finally(() => this.#wait(everyMs)));
  }

  /** Looks at the directory now. */
  read(): Promise<void> {
    this.#reading = this.#reading.then(() => this.#read());
    return this.#reading;
  }

  async #read(): Promise<void> {
    const { dir, log } = this.#options;
    let found: Map<string, string>;
    try {
      found = await manifestsIn(dir);
    } catch (error) {
      // A directory that cannot be read says nothing about its pods: they go on.
      log("warn", "manifests could not be read", { dir, error: (error as Error).message });
      return;
    }
    for (const [file, { pod }] of this.#texts) {
      if (found.has(file)) continue;
      this.#texts.delete(file);
      if (pod !== undefined) this.#remove(pod);
    }
    for (const [file, text] of found) {
      const before = this.#texts.get(file);
      if (before?.text !== text) await this.#take(file, text, before?.pod);
    }
  }

  async #take(file: string, text: string, before: Pod | undefined): Promise<void> {
    const { dir, nodeName, clock, log, onAdd } = this.#options;
    let pod: Pod;
    try {
      pod = await parseManifest(text, join(dir, file), nodeName, timeAt(clock.now()));
    } catch (error) {
      // The pod that was there stays: a slip of the pen shall not end it.
      log("error", "a manifest is not understood", { file: join(dir, file), error: (error as Error).message });
      this.#texts.set(file, { text, pod: before });
      return;
    }
    this.#texts.set(file, { text, pod });
    if (before?.metadata.uid === pod.metadata.uid) return;
    if (before !== undefined) this.#remove(before);
    onAdd(pod);
  }

  #remove({ metadata }: Pod): void {
    this.#options.onRemove(metadata.uid ?? "");
  }
}

/** Texts of a directory's files, by name, in order; hidden ones are left out. */
async function manifestsIn(dir: string): Promise<Map<string, string>> {
  const entries = await readdir(dir, { withFileTypes: true });
  const names = entries.filter((entry) => !entry.isDirectory() && !entry.name.startsWith(".")).map(({ name }) => name);
  const texts = new Map<string, string>();
  for (const name of names.sort()) texts.set(name, await readFile(join(dir, name), "utf8"));
  return texts;
}
