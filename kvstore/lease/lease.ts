import type { ByteString } from "../mvcc/byte-string.ts";
import type { Alarm } from "./expiry.ts";

/** One lease, as all members know it, and its expiry, which only the primary decides on. */
export interface Lease {
  readonly id: bigint;
  /** Seconds that were granted. */
  readonly ttl: number;
  /** Seconds that a checkpoint said were left; 0 when none did since the last renewal. */
  remainingTtl: number;
  /** When that was told here, on the monotonic clock: since then the lease has become so much shorter, whoever leads. */
  toldMs: number;
  /** A checkpoint was proposed by this primary, or told by an earlier one: a renewal has to take it back before it counts. */
  mayBeCheckpointed: boolean;
  /** On the monotonic clock; `Infinity` while its time does not run: on a member that is not the primary, or has only just become it. */
  expiryMs: number;
  /** Set on the primary alone. */
  readonly expiryAlarm: Alarm;
  readonly checkpointAlarm: Alarm;
  /** Keys that go with it; undefined before there was one. */
  keys: Set<ByteString> | undefined;
  /** Told when the lease has been revoked, or when nobody here can say any more. */
  waiting: (() => void)[] | undefined;
}
