// Runs on a thread of its own, started by level-worker.ts: does a piece of work on a LevelDB database that the process has open.
import { parentPort, workerData } from "node:worker_threads";
import { levelDatabase, runsOf } from "./level-database.ts";
import type { Work } from "./work.ts";

export interface WorkOrder {
  readonly directory: string;
  /** The work is about entries with `from` <= key < `to`. */
  readonly from: Uint8Array;
  readonly to: Uint8Array;
  /** URL of the module that exports the work. */
  readonly module: string;
  /** Memory for pieces, shared with who ordered them: nobody has to allocate or free anything for them. */
  readonly slots: readonly SharedArrayBuffer[];
}

/** The next piece, into a slot. */
export type WorkRequest = { readonly slot: number } | "close";

export type WorkReply =
  /** What is scanned is as of a moment before this. */
  | "opened"
  /** The next piece is in the slot that was given for it. */
  | { readonly length: number }
  /** It does not fit a slot. */
  | { readonly large: Uint8Array }
  | { readonly error: unknown }
  | "end";

const runEntries = 500;
const runBytes = 128 * 1024;

const port = parentPort as NonNullable<typeof parentPort>;
const { directory, from, to, module, slots } = workerData as WorkOrder;
const { work } = (await import(module)) as { readonly work: Work };
const database = levelDatabase(directory);
await database.open();
const snapshot = database.snapshot();
const range = { gte: from, lt: to, snapshot, highWaterMarkBytes: runBytes };
const scans = Array.from({ length: work.scans }, () => runsOf(database.iterator(range), runEntries));
const pieces = work.run(scans);

async function nextPiece(slot: number): Promise<void> {
  try {
    const { value, done } = await pieces.next();
    if (done) return reply("end");
    const room = slots[slot] as SharedArrayBuffer;
    if (value.length > room.byteLength) return reply({ large: value });
    new Uint8Array(room).set(value);
    reply({ length: value.length });
  } catch (error) {
    reply({ error });
  }
}

async function close(): Promise<void> {
  await database.close();
  port.close();
}

function reply(reply: WorkReply): void {
  port.postMessage(reply);
}

/** Pieces are made in order. */
let last = Promise.resolve();
port.on("message", (request: WorkRequest) => {
  if (request === "close") close();
  else last = last.then(() => nextPiece(request.slot));
});
reply("opened");
