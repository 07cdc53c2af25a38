import { fromUtf8 } from "../../base/mod.ts";
import type { SnapshotResponse } from "../../proto/mod.ts";
import type { Member } from "../server/member.ts";
import { readStateFile, stateFile } from "../snap/mod.ts";
import type { StreamCall } from "./grpc/mod.ts";

/** As etcd's. */
const blobBytes = 32 * 1024;

/**
 * Streams the state as of now as the file that etcd would have, then the SHA-256 of all of it. Nothing is put on the disk: the state is
 * gone through twice, first for the length, which each message counts down from. While a client takes its time, the engine keeps that state
 * for it, as etcd's open transaction does.
 */
export async function streamSnapshot(member: Member, call: StreamCall<SnapshotResponse>): Promise<void> {
  const { log, clock, state } = member;
  const startedMs = clock.monotonic();
  const version = storedVersion(member);
  const unwanted = new AbortController();
  let goOn: (() => void) | undefined;
  call.onDrain = () => goOn?.();
  call.onCancel = () => {
    unwanted.abort();
    goOn?.();
  };
  const room = () =>
    new Promise<void>((resolve) => {
      goOn = resolve;
      if (call.cancelled) resolve();
    });
  try {
    const made = await state.backend.work(stateFile, unwanted.signal);
    const { sizeBytes, pieces, sha256 } = await readStateFile(made);
    log("info", "sending database snapshot to client", { "total-bytes": sizeBytes, "storage-version": version });
    let remainingBytes = sizeBytes;
    for await (const piece of pieces) {
      for (let at = 0; at < piece.length && !call.cancelled; at += blobBytes) {
        const blob = piece.subarray(at, at + blobBytes);
        remainingBytes -= blob.length;
        if (!call.write({ remainingBytes, blob, version })) await room();
      }
      unwanted.signal.throwIfAborted();
    }
    call.write({ remainingBytes: 0, blob: sha256(), version });
    call.end();
    member.metrics.snapshotSeconds.observe((clock.monotonic() - startedMs) / 1000);
    log("info", "successfully sent database snapshot to client", {
      "total-bytes": sizeBytes,
      "took-ms": Math.round(clock.monotonic() - startedMs),
    });
  } catch (error) {
    if (!call.cancelled) throw error;
    log("info", "the client of a snapshot is gone");
  }
}

/** Empty before 3.6, which was the first to write it down. */
function storedVersion({ state }: Member): string {
  const version = state.backend.get("meta", "storageVersion");
  return version === undefined ? "" : fromUtf8(version);
}
