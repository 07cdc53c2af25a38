import { CompactedError } from "./error.ts";
import { Inbox } from "./inbox.ts";
import type { WatchBatch, Watcher, WatchListener } from "./types.ts";

/** A watch as an iteration. The watch begins with the first `next`. */
export async function* watchBatches(
  open: (listener: WatchListener) => Watcher,
  signal: AbortSignal | undefined,
): AsyncGenerator<WatchBatch, void, void> {
  signal?.throwIfAborted();
  const inbox = new Inbox<WatchBatch>();
  const abort = () => inbox.end({ error: signal?.reason });
  signal?.addEventListener("abort", abort, { once: true });
  const watcher = open({
    onCreated: (revision) => inbox.put({ kind: "created", revision }),
    onEvents: (events, revision) => inbox.put({ kind: "events", revision, events }),
    onProgress: (revision) => inbox.put({ kind: "progress", revision }),
    onEnd: (end) =>
      inbox.end({ error: end.kind === "compacted" ? new CompactedError(end.compactRevision) : end.error }),
  });
  try {
    yield* inbox.take();
  } finally {
    signal?.removeEventListener("abort", abort);
    watcher.close();
  }
}
