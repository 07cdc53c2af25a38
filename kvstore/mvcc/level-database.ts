import { type GetOptions, type Iterator, Level } from "level";
import type { Entry } from "./engine.ts";

/** What `level` does not declare, since browsers do not have it; in Node it is ClassicLevel. */
interface InNode {
  compactRange(start: Uint8Array, end: Uint8Array): Promise<void>;
  snapshot(): NonNullable<GetOptions<Uint8Array, Uint8Array>["snapshot"]>;
}

export type Database = Level<Uint8Array, Uint8Array> & InNode;

/** To be opened. Threads of one process share a database: what the first to open it says of its buffers holds, so that must be the last to close it. */
export function levelDatabase(directory: string): Database {
  const options = {
    keyEncoding: "buffer",
    valueEncoding: "buffer",
    writeBufferSize: 16 << 20,
    multithreading: true,
  };
  return new Level<Uint8Array, Uint8Array>(directory, options) as Database;
}

/** One run is read, on a thread of the pool, while the one before it is worked on. */
export async function* runsOf(
  iterator: Iterator<Database, Uint8Array, Uint8Array>,
  run: number,
): AsyncGenerator<readonly Entry[]> {
  try {
    for (let next = iterator.nextv(run); ; ) {
      const entries = await next;
      if (entries.length === 0) return;
      next = iterator.nextv(run);
      next.catch(() => undefined); // heard of when it is waited for, if it is
      yield entries.map(([key, value]) => ({ key, value }));
    }
  } finally {
    await iterator.close();
  }
}
