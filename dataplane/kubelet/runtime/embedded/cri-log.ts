/**
 * The log format of CRI: `<RFC 3339 with nanoseconds> <stdout|stderr> <F|P> <text>`, one per line. P says that the line of the
 * container goes on in the next entry of the same stream.
 */
export type LogStream = "stdout" | "stderr";

/** Longest text of one entry; longer lines become several, all but the last P (containerd's limit). */
export const maxEntryBytes = 16_384;

const newline = 0x0a;

/**
 * Entries for a chunk of a container's output. A rest without newline is written at once as P, as conmon does: nothing is held in
 * memory, so nothing is lost when the kubelet is killed.
 */
export function encodeEntries(chunk: Buffer, stream: LogStream, nowMs: number): Buffer {
  const stamp = `${new Date(nowMs).toISOString().slice(0, -1)}000000Z ${stream} `;
  const full = Buffer.from(`${stamp}F `);
  const partial = Buffer.from(`${stamp}P `);
  const parts: Buffer[] = [];
  for (let at = 0; at < chunk.length; ) {
    const end = chunk.indexOf(newline, at);
    const lineEnd = end === -1 ? chunk.length : end;
    while (lineEnd - at > maxEntryBytes) {
      parts.push(partial, chunk.subarray(at, at + maxEntryBytes), lineBreak);
      at += maxEntryBytes;
    }
    if (end === -1) parts.push(partial, chunk.subarray(at), lineBreak);
    else parts.push(full, chunk.subarray(at, end + 1));
    at = lineEnd + 1;
  }
  return Buffer.concat(parts);
}

const lineBreak = Buffer.from("\n");

export interface LogEntry {
  readonly timestamp: string;
  readonly stream: LogStream;
  /** The text goes on in the next entry of this stream. */
  readonly partial: boolean;
  /** With its newline, when it has one. */
  readonly text: Buffer;
}

/** Undefined: not an entry (a torn write after a crash); readers skip it. */
export function decodeEntry(line: Buffer): LogEntry | undefined {
  const first = line.indexOf(0x20);
  const second = line.indexOf(0x20, first + 1);
  const third = line.indexOf(0x20, second + 1);
  if (first === -1 || second === -1 || third === -1) return undefined;
  const stream = line.toString("latin1", first + 1, second);
  const tag = line.toString("latin1", second + 1, third);
  if ((stream !== "stdout" && stream !== "stderr") || (tag !== "F" && tag !== "P")) return undefined;
  const text = line.subarray(third + 1);
  return {
    timestamp: line.toString("latin1", 0, first),
    stream,
    partial: tag === "P",
    text: tag === "P" ? text : Buffer.concat([text, lineBreak]),
  };
}
