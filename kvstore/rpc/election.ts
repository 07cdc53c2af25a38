import {
  type CampaignRequest,
  ElectionService,
  EventType,
  type Init,
  type KeyValue,
  type LeaderKey,
  type LeaderResponse,
  type ResponseHeader,
  Status,
} from "../../proto/mod.ts";
import { type Call, type GrpcServer, type Implementation, implement, RpcError, type StreamCall } from "./grpc/mod.ts";
import { OwnCalls, unlessAbandoned } from "./own-calls.ts";
import { afterPrefix, createdAt, firstUnder, keyOf, leaseOf, olderGone, prefixOf } from "./waiting-line.ts";

/** v3electionpb.Election: campaigns wait in line as for a lock, and the first in line has a value that all can see. */
export function electionService(server: () => Pick<GrpcServer, "call">): Implementation {
  const callsFor = (call: Call) => OwnCalls.of(server(), call);

  return implement(ElectionService, {
    campaign: (request, call) =>
      unlessAbandoned(async () => {
        call.reply(await campaign(callsFor(call), request));
      }),

    proclaim: ({ leader, value }, call) =>
      unlessAbandoned(async () => {
        const calls = callsFor(call);
        call.reply({ header: await proclaim(calls, await resumed(calls, leader), value) });
      }),

    leader: ({ name }, call) =>
      unlessAbandoned(async () => {
        const { header, kvs } = await callsFor(call).range(firstUnder(prefixOf(name)));
        if (kvs.length === 0) throw unknown("election: no leader");
        call.reply({ header, kv: kvs[0] });
      }),

    observe: ({ name }, call) => unlessAbandoned(() => observe(callsFor(call), prefixOf(name), call)),

    resign: ({ leader }, call) =>
      unlessAbandoned(async () => {
        const calls = callsFor(call);
        call.reply({ header: await resign(calls, await resumed(calls, leader)) });
      }),
  });
}

async function campaign(calls: OwnCalls, { name, lease, value }: CampaignRequest) {
  const prefix = prefixOf(name);
  const id = await leaseOf(calls, lease);
  const key = keyOf(prefix, id);
  const { header, succeeded, responses } = await calls.txn({
    compare: [createdAt(key, 0)],
    success: [{ requestPut: { key, value, lease: id } }],
    failure: [{ requestRange: { key } }],
  });
  const before = succeeded ? undefined : responses[0]!.responseRange!.kvs[0]!;
  const leader: LeaderKey = { name, key, rev: before?.createRevision ?? header!.revision, lease: id };
  try {
    if (before !== undefined && !Buffer.from(before.value).equals(value)) await proclaim(calls, leader, value);
    await olderGone(calls, prefix, leader.rev - 1);
  } catch (error) {
    // A candidate that has gone must not win; one that failed otherwise may try again with the same lease.
    if (calls.abandoned) await resign(calls.afterwards(), leader);
    throw error;
  }
  return { header, leader };
}

/** Says a new value, as long as the key is still that of the leader. */
async function proclaim(calls: OwnCalls, leader: LeaderKey, value: Uint8Array): Promise<ResponseHeader | undefined> {
  const { key, rev, lease } = leader;
  const { header, succeeded } = await calls.txn({
    compare: [createdAt(key, rev)],
    success: [{ requestPut: { key, value, lease } }],
  });
  if (!succeeded) throw unknown("election: not leader");
  return header;
}

async function resign(calls: OwnCalls, { key, rev }: LeaderKey): Promise<ResponseHeader | undefined> {
  const { header } = await calls.txn({
    compare: [createdAt(key, rev)],
    success: [{ requestDeleteRange: { key } }],
  });
  return header;
}

/** Tells of every leader, and of every value that it says, though not of those that were overtaken. */
async function observe(calls: OwnCalls, prefix: Uint8Array, call: StreamCall<LeaderResponse>): Promise<void> {
  try {
    for (;;) {
      const { key, revision } = await tellFirst(calls, prefix, call);
      let deleted = false;
      await calls.watch({ key, startRevision: revision + 1 }, ({ header, events }) => {
        for (const { type, kv } of events) {
          deleted = type === EventType.DELETE;
          if (deleted) break;
          call.write({ header, kv });
        }
        return deleted;
      });
    }
  } catch (error) {
    // As etcd: the stream ends, and whoever still wants to know asks again.
    if (error instanceof RpcError) call.end();
    else throw error;
  }
}

/** Tells who leads now, or who does first. */
async function tellFirst(
  calls: OwnCalls,
  prefix: Uint8Array,
  call: StreamCall<LeaderResponse>,
): Promise<{ readonly key: Uint8Array; readonly revision: number }> {
  const { header, kvs } = await calls.range(firstUnder(prefix));
  const [leader] = kvs;
  if (leader !== undefined) {
    call.write({ header, kv: leader });
    return { key: leader.key, revision: header!.revision };
  }
  let first: { readonly header: Init<ResponseHeader>; readonly kv: KeyValue } | undefined;
  const keys = { key: prefix, rangeEnd: afterPrefix(prefix), startRevision: header!.revision };
  await calls.watch(keys, (response) => {
    const put = response.events.find(({ type }) => type === EventType.PUT);
    if (put?.kv === undefined) return false;
    first = { header: { ...response.header, revision: put.kv.modRevision }, kv: put.kv };
    return true;
  });
  const { kv } = first!;
  call.write(first!);
  return { key: kv.key, revision: kv.modRevision };
}

/** The leader that a request names; its lease may be left to the server, as in a campaign. */
async function resumed(calls: OwnCalls, leader: LeaderKey | undefined): Promise<LeaderKey> {
  if (leader === undefined) throw unknown('"leader" field must be provided');
  return { ...leader, lease: await leaseOf(calls, leader.lease) };
}

function unknown(text: string): RpcError {
  return new RpcError(Status.Unknown, text);
}
