import { LockService, type ResponseHeader, Status } from "../../proto/mod.ts";
import { type GrpcServer, type Implementation, implement, RpcError } from "./grpc/mod.ts";
import { OwnCalls, unlessAbandoned } from "./own-calls.ts";
import { createdAt, firstUnder, keyOf, leaseOf, olderGone, prefixOf } from "./waiting-line.ts";

/**
 * v3lockpb.Lock. The lock is advisory: a holder whose lease expires loses it without being told. Whoever writes under it should
 * compare the create revision of the lock's key in the same transaction.
 */
export function lockService(server: () => Pick<GrpcServer, "call">): Implementation {
  return implement(LockService, {
    lock: ({ name, lease }, call) =>
      unlessAbandoned(async () => {
        const calls = OwnCalls.of(server(), call);
        const prefix = prefixOf(name);
        const id = await leaseOf(calls, lease);
        const key = keyOf(prefix, id);
        call.reply({ header: await acquire(calls, prefix, key, id), key });
      }),

    unlock: ({ key }, call) =>
      unlessAbandoned(async () => {
        const { header } = await OwnCalls.of(server(), call).deleteRange({ key });
        call.reply({ header });
      }),
  });
}

/** Header of the answer that made sure of the lock. */
async function acquire(
  calls: OwnCalls,
  prefix: Uint8Array,
  key: Uint8Array,
  lease: bigint,
): Promise<ResponseHeader | undefined> {
  const first = { requestRange: firstUnder(prefix) };
  const { header, succeeded, responses } = await calls.txn({
    compare: [createdAt(key, 0)],
    success: [{ requestPut: { key, lease } }, first],
    // The session has the lock already, or waits for it with another call.
    failure: [{ requestRange: { key } }, first],
  });
  const own = succeeded ? header!.revision : responses[0]!.responseRange!.kvs[0]!.createRevision;
  const [holder] = responses[1]!.responseRange!.kvs;
  if (holder === undefined || holder.createRevision === own) return header;
  try {
    await olderGone(calls, prefix, own - 1);
    const found = await calls.range({ key });
    // While it waited, the lease may have expired, and the key with it.
    if (found.kvs.length === 0) throw new RpcError(Status.Unknown, "mutex: session is expired");
    return found.header;
  } catch (error) {
    await leave(calls, key);
    throw error;
  }
}

/** Whoever gives up waiting must not be handed the lock later. */
async function leave(calls: OwnCalls, key: Uint8Array): Promise<void> {
  try {
    await calls.afterwards().deleteRange({ key });
  } catch (error) {
    // What made the wait fail may well forbid this too; the lease ends it in the end.
    if (!(error instanceof RpcError)) throw error;
  }
}
