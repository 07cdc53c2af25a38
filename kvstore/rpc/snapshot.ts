import { createHash } from "node:crypto";
import { fromUtf8 } from "../../base/mod.ts";
import type { SnapshotResponse } from "../../proto/mod.ts";
import type { Member } from "../server/member.ts";
import { databaseFile, inBlobs, type StateRuns } from "../snap/mod.ts";
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
  const streams = await state.backend.exports(2);
  try {
    const [first, second] = streams as [StateRuns, StateRuns];
    const { sizeBytes, pieces } = await databaseFile(whileWanted(first, call), whileWanted(second, call));
    log("info", "sending database snapshot to client", { "total-bytes": sizeBytes, "storage-version": version });
    const sha256 = createHash("sha256");
    let remainingBytes = sizeBytes;
    for await (const blob of inBlobs(pieces, blobBytes)) {
      sha256.update(blob);
      remainingBytes -= blob.length;
      if (!call.write({ remainingBytes, blob, version })) await room(call);
    }
    call.write({ remainingBytes: 0, blob: sha256.digest(), version });
    call.end();
    member.metrics.snapshotSeconds.observe((clock.monotonic() - startedMs) / 1000);
    log("info", "successfully sent database snapshot to client", {
      "total-bytes": sizeBytes,
      "took-ms": Math.round(clock.monotonic() - startedMs),
    });
  } catch (error) {
    if (!call.cancelled) throw error;
    log("info", "the client of a snapshot is gone");
  } finally {
    // Streams of a state that another one has replaced are closed already.
    await Promise.allSettled(streams.map(leave));
  }
}

/** Empty before 3.6, which was the first to write it down. */
function storedVersion({ state }: Member): string {
  const version = state.backend.get("meta", "storageVersion");
  return version === undefined ? "" : fromUtf8(version);
}

/** Ends the work when nobody waits for it any more. */
async function* whileWanted(runs: StateRuns, call: StreamCall<SnapshotResponse>): StateRuns {
  for await (const run of runs) {
    if (call.cancelled) throw new Error("the call was cancelled");
    yield run;
  }
}

function room(call: StreamCall<SnapshotResponse>): Promise<void> {
  return new Promise((resolve) => {
    if (call.cancelled) {
      resolve();
      return;
    }
    call.onDrain = resolve;
    call.onCancel = resolve;
  });
}

/** Lets go of what a stream holds. One that was never begun has to begin for that: only then does it have an end. */
async function leave(stream: StateRuns): Promise<void> {
  for await (const _ of stream) break;
}
