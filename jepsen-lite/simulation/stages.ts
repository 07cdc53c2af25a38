import { decodeRun, type SnapshotStage, type Stages } from "../../kvstore/mod.ts";
import type { Owner } from "./timeline.ts";

/** Where snapshots wait to be installed: what is finished survives a crash, what is not does not. */
export class VirtualStages {
  readonly #finished = new Map<string, readonly Uint8Array[]>();
  #opened = 0;

  wipe(): void {
    this.#finished.clear();
  }

  for(owner: Owner): Stages {
    return {
      open: async () => this.#open(owner),
      read: (name) => this.#read(name),
      removeAll: async () => this.#finished.clear(),
    };
  }

  #open(owner: Owner): SnapshotStage {
    const name = `stage-${++this.#opened}`;
    const chunks: Uint8Array[] = [];
    return {
      name,
      write: async (chunk) => {
        chunks.push(chunk);
      },
      finish: async () => {
        if (owner.alive) this.#finished.set(name, chunks);
      },
      discard: async () => undefined,
    };
  }

  async *#read(name: string) {
    const chunks = this.#finished.get(name);
    if (chunks === undefined) throw new Error(`${name} is not there`);
    for (const chunk of chunks) yield decodeRun(chunk);
  }
}
