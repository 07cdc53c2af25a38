import { watch } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import type { Clock } from "../../../base/mod.ts";
import { decodeEntry } from "../runtime/embedded/cri-log.ts";

export interface ReadLogOptions {
  /** Go on until the container ends or the signal aborts. */
  readonly follow: boolean;
  /** Only the last so many lines. */
  readonly tailLines?: number;
  /** Only entries not older than this. */
  readonly sinceMs?: number;
  /** Begin each line with its time. */
  readonly timestamps: boolean;
  /** End after this many bytes of output. */
  readonly limitBytes?: number;
  readonly clock: Clock;
  /** Whether more may come. */
  readonly isRunning: () => Promise<boolean>;
  readonly signal: AbortSignal;
}

const chunkBytes = 64 * 1024;
/** A file system that does not tell of changes is looked at this often. */
const pollMs = 500;

/** The text of a container's log file, as `kubectl logs` shows it (cri-client/pkg/logs). */
export async function* readLog(path: string, options: ReadLogOptions): AsyncGenerator<Buffer> {
  const file = await open(path, "r");
  try {
    let limit = options.limitBytes ?? Number.POSITIVE_INFINITY;
    let at = options.tailLines === undefined ? 0 : await tailStart(file, options.tailLines);
    let rest: Buffer = Buffer.alloc(0);
    let midLine = false;
    for (;;) {
      // Asked before reading: what it wrote before it ended is then surely in the file.
      const running = options.follow && (await options.isRunning());
      const buffer = Buffer.allocUnsafe(chunkBytes);
      const { bytesRead } = await file.read(buffer, 0, chunkBytes, at);
      at += bytesRead;
      if (bytesRead > 0) {
        const {
          text,
          rest: left,
          midLine: open,
        } = render(Buffer.concat([rest, buffer.subarray(0, bytesRead)]), midLine, options);
        rest = left;
        midLine = open;
        if (text.length > 0) yield text.subarray(0, limit);
        limit -= text.length;
        if (limit <= 0) return;
      } else if (!running || options.signal.aborted) return;
      else await changed(path, options);
    }
  } finally {
    await file.close();
  }
}

/** Whole entries of `bytes` as text; `midLine`: the last entry was a part, so the next begins no line. */
function render(
  bytes: Buffer,
  midLine: boolean,
  options: ReadLogOptions,
): { text: Buffer; rest: Buffer; midLine: boolean } {
  const parts: Buffer[] = [];
  let at = 0;
  let open = midLine;
  for (let end = bytes.indexOf(0x0a, at); end !== -1; end = bytes.indexOf(0x0a, at)) {
    const entry = decodeEntry(bytes.subarray(at, end));
    at = end + 1;
    if (entry === undefined) continue;
    if (options.sinceMs !== undefined && Date.parse(entry.timestamp) < options.sinceMs) continue;
    if (options.timestamps && !open) parts.push(Buffer.from(`${entry.timestamp} `));
    parts.push(entry.text);
    open = entry.partial;
  }
  return { text: Buffer.concat(parts), rest: bytes.subarray(at), midLine: open };
}

/** Where the last `lines` entries begin. */
async function tailStart(file: FileHandle, lines: number): Promise<number> {
  const { size } = await file.stat();
  if (lines === 0) return size;
  const buffer = Buffer.allocUnsafe(chunkBytes);
  let found = 0;
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - chunkBytes);
    const { bytesRead } = await file.read(buffer, 0, end - start, start);
    for (let i = bytesRead - 1; i >= 0; i--) {
      // The newline at the very end closes the last line, it does not begin one.
      if (buffer[i] === 0x0a && start + i !== size - 1 && ++found === lines) return start + i + 1;
    }
    end = start;
  }
  return 0;
}

async function changed(path: string, { clock, signal }: ReadLogOptions): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const watcher = watch(path, { persistent: false }, () => resolve());
  watcher.on("error", () => resolve());
  const timer = clock.after(pollMs, resolve);
  const onAbort = () => resolve();
  signal.addEventListener("abort", onAbort, { once: true });
  await promise;
  watcher.close();
  timer.cancel();
  signal.removeEventListener("abort", onAbort);
}
