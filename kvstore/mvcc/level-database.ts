import { type GetOptions, Level } from "level";

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
