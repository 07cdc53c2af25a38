/**
 * The disk as the write-ahead log needs it: the one seam between the log and the machine. `node-files.ts` is the real one,
 * `memory-files.ts` its twin that can crash. Paths are plain strings joined with "/". Every method rejects with the error
 * of the platform.
 */
export interface Files {
  /** Creates the directory and its parents, mode 0700; an existing one is fine. */
  makeDirectory(path: string): Promise<void>;
  /** Names in the directory, sorted; empty if there is no such directory. */
  list(path: string): Promise<string[]>;
  /** Creates an empty file, mode 0600, cutting an existing one to nothing. */
  create(path: string): Promise<File>;
  /** Opens an existing file for reading and writing. */
  open(path: string): Promise<File>;
  /** Atomic, and durable only after `syncDirectory`. Replaces an existing `to`. */
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Makes the creations, renames and removals in this directory durable. */
  syncDirectory(path: string): Promise<void>;
  /** Takes the file as a lock against other processes; rejects with a `Failure` if a living process holds it. */
  lock(path: string): Promise<{ release(): Promise<void> }>;
}

export interface File {
  /** In bytes. */
  size(): Promise<number>;
  /** At most `length` bytes from `position`; fewer only at the end of the file. */
  read(position: number, length: number): Promise<Uint8Array>;
  /**
   * Writes all of `bytes` and makes them durable: one write and one sync of data, in whatever way is cheapest. A callback and
   * no promise, because it is the hot path of every put. `bytes` belongs to the file until `done` is called.
   */
  writeDurably(bytes: Uint8Array, position: number, done: (error: Error | undefined) => void): void;
  /** Sets the size; new bytes read as zeros. Durable when the promise resolves. */
  truncate(size: number): Promise<void>;
  close(): Promise<void>;
}
