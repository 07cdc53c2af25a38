// Runs on a thread of its own, started by level-reader.ts: reads a range of a LevelDB database that the process has open, and hands it over in packed runs.
import { parentPort, workerData } from "node:worker_threads";
import { levelDatabase } from "./level-database.ts";
import { packRun } from "./packed-run.ts";

/** What is read: entries with `from` <= key < `to`, so many times. */
export interface ReadOrder {
  readonly directory: string;
  readonly from: Uint8Array;
  readonly to: Uint8Array;
  readonly streams: number;
}

export type ReadRequest =
  /** The next run of a stream; or that nobody wants more of it. */
  { readonly stream: number; readonly want: "run" | "end" } | "close";

export type ReadReply =
  /** All streams are of this moment. */
  | "opened"
  /** The next run, packed; none: that was the last, or reading failed. */
  | { readonly stream: number; readonly run: ArrayBuffer | undefined; readonly error?: unknown };

const runEntries = 500;
const runBytes = 128 * 1024;

const port = parentPort as NonNullable<typeof parentPort>;
const { directory, from, to, streams } = workerData as ReadOrder;
const database = levelDatabase(directory);
await database.open();
const snapshot = database.snapshot();
const iterators = Array.from({ length: streams }, () =>
  database.iterator({ gte: from, lt: to, snapshot, highWaterMarkBytes: runBytes }),
);

async function answer(request: ReadRequest): Promise<void> {
  if (request === "close") {
    await database.close();
    port.close();
    return;
  }
  const { stream, want } = request;
  const iterator = iterators[stream] as (typeof iterators)[number];
  if (want === "end") return iterator.close();
  try {
    const entries = await iterator.nextv(runEntries);
    const run = entries.length === 0 ? undefined : packRun(entries);
    reply({ stream, run }, run);
  } catch (error) {
    reply({ stream, run: undefined, error });
  }
}

function reply(reply: ReadReply, run?: ArrayBuffer): void {
  port.postMessage(reply, run === undefined ? [] : [run]);
}

port.on("message", (request: ReadRequest) => {
  answer(request);
});
reply("opened");
