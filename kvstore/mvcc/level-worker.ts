import { once } from "node:events";
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import type { WorkOrder, WorkReply, WorkRequest } from "./level-worker-thread.ts";

const slotBytes = 256 * 1024;
/** One is used while the next is filled. */
const slotCount = 2;
/** It keeps no more than a few runs; without a limit, V8 would let garbage come together. */
const resourceLimits = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 };

/** A thread that works on a LevelDB database of this process, until it is done or closed. */
export class LevelWorker {
  readonly #worker: Worker;
  readonly #slots: readonly SharedArrayBuffer[];
  readonly #opened: Promise<unknown>;
  /** The thread is gone. */
  readonly closed: Promise<void>;
  /** Pieces that were asked for, in order. */
  readonly #asked: PromiseWithResolvers<WorkReply>[] = [];
  #failure: unknown;

  /** The database must be open in this process until `closed`. */
  constructor(order: Omit<WorkOrder, "slots">) {
    this.#slots = Array.from({ length: slotCount }, () => new SharedArrayBuffer(slotBytes));
    const script = new URL(`./level-worker-thread${extname(import.meta.url)}`, import.meta.url);
    this.#worker = new Worker(script, { workerData: { ...order, slots: this.#slots }, resourceLimits });
    this.#opened = once(this.#worker, "message");
    this.#opened.catch(() => undefined); // heard of by whoever waits for it
    this.#worker.on("message", (reply: WorkReply) => {
      if (reply !== "opened") this.#asked.shift()?.resolve(reply);
    });
    this.#worker.on("error", (error) => {
      this.#failure = error;
    });
    this.closed = new Promise((resolve) => {
      this.#worker.once("exit", () => {
        this.#failure ??= new Error("the database was closed while it was read");
        for (const { reject } of this.#asked) reject(this.#failure);
        resolve();
      });
    });
  }

  /** What is scanned is as of a moment before this resolves. A piece may be used until the next one is asked for. */
  async pieces(): Promise<AsyncGenerator<Uint8Array>> {
    await this.#opened;
    return this.#pieces();
  }

  /** Pieces that are yet to come fail. */
  close(): Promise<void> {
    this.#post("close");
    return this.closed;
  }

  async *#pieces(): AsyncGenerator<Uint8Array> {
    try {
      const coming = this.#slots.map((_, slot) => this.#ask(slot));
      for (let slot = 0; ; slot = (slot + 1) % slotCount) {
        const reply = await (coming[slot] as Promise<WorkReply>);
        if (reply === "end" || reply === "opened") return;
        if ("error" in reply) throw reply.error;
        yield "large" in reply ? reply.large : new Uint8Array(this.#slots[slot] as SharedArrayBuffer, 0, reply.length);
        coming[slot] = this.#ask(slot);
      }
    } finally {
      await this.close();
    }
  }

  #ask(slot: number): Promise<WorkReply> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const asked = Promise.withResolvers<WorkReply>();
    asked.promise.catch(() => undefined); // heard of when it is waited for, if it is
    this.#asked.push(asked);
    this.#post({ slot });
    return asked.promise;
  }

  #post(request: WorkRequest): void {
    this.#worker.postMessage(request);
  }
}
