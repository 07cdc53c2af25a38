import { once } from "node:events";
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import type { Entry } from "./engine.ts";
import type { ReadOrder, ReadReply, ReadRequest } from "./level-reader-thread.ts";
import { unpackRun } from "./packed-run.ts";

interface Waiter {
  resolve(run: ArrayBuffer | undefined): void;
  reject(error: unknown): void;
}

/** Reads a large range of LevelDB on another thread: what the binding makes of each entry is made, and freed, there, and the event loop of
 * this one gets runs in one piece. The thread ends when its streams have, or when it is closed. */
export class LevelReader {
  readonly #worker: Worker;
  /** The thread is gone. */
  readonly closed: Promise<void>;
  readonly #opened: Promise<void>;
  readonly #streams: number;
  /** Whoever waits for the next run of a stream. */
  readonly #waiting = new Map<number, Waiter>();
  #openStreams: number;
  #failure: unknown;

  /** The database must be open in this process until the reader is closed. */
  constructor(order: ReadOrder) {
    this.#streams = this.#openStreams = order.streams;
    const thread = new URL(`./level-reader-thread${extname(import.meta.url)}`, import.meta.url);
    this.#worker = new Worker(thread, { workerData: order, resourceLimits });
    this.#opened = once(this.#worker, "message").then(() => undefined);
    this.#opened.catch(() => undefined); // heard of by whoever asks for the streams
    this.#worker.on("message", (reply: ReadReply) => this.#hear(reply));
    this.#worker.on("error", (error) => {
      this.#failure = error;
    });
    this.closed = new Promise((resolve) => {
      this.#worker.once("exit", () => {
        this.#end();
        resolve();
      });
    });
  }

  /** All of one moment before this resolves. */
  async streams(): Promise<AsyncGenerator<readonly Entry[]>[]> {
    await this.#opened;
    return Array.from({ length: this.#streams }, (_, stream) => this.#stream(stream));
  }

  /** Streams that are not at their end fail when they are asked for more. */
  close(): Promise<void> {
    this.#post("close");
    return this.closed;
  }

  async *#stream(stream: number): AsyncGenerator<readonly Entry[]> {
    try {
      let next = this.#next(stream);
      for (;;) {
        const run = await next;
        if (run === undefined) return;
        next = this.#next(stream);
        next.catch(() => undefined); // heard of when it is waited for, if it is
        yield unpackRun(run);
      }
    } finally {
      this.#post({ stream, want: "end" });
      if (--this.#openStreams === 0) await this.close();
    }
  }

  #next(stream: number): Promise<ArrayBuffer | undefined> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const { promise, resolve, reject } = Promise.withResolvers<ArrayBuffer | undefined>();
    this.#waiting.set(stream, { resolve, reject });
    this.#post({ stream, want: "run" });
    return promise;
  }

  #hear(reply: ReadReply): void {
    if (reply === "opened") return;
    const { stream, run, error } = reply;
    const waiter = this.#waiting.get(stream);
    this.#waiting.delete(stream);
    if (error === undefined) waiter?.resolve(run);
    else waiter?.reject(error);
  }

  #end(): void {
    this.#failure ??= new Error("the database was closed while it was read");
    for (const { reject } of this.#waiting.values()) reject(this.#failure);
    this.#waiting.clear();
  }

  #post(request: ReadRequest): void {
    this.#worker.postMessage(request);
  }
}

/** It keeps no more than a few runs; without a limit, V8 would let garbage come together. */
const resourceLimits = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 };
