import { fromUtf8, toUtf8 } from "../../base/mod.ts";
import { type EtcdErrorName, LeaseTimeToLiveResponse } from "../../proto/mod.ts";
import { failpoints } from "../failpoint/mod.ts";
import type { TimeToLive } from "../lease/mod.ts";
import { type Failure, fail, fromByteString, isFailure, toByteString } from "../mvcc/mod.ts";
import type { Member } from "../server/member.ts";
import { type PeerRequest, peerRequests } from "../server/transport.ts";
import type { LeaderLeases } from "./lease.ts";

type Outcome<T> = T | Failure<EtcdErrorName | "NotPrimary">;

/**
 * The leader's leases, asked over the peer connection. An answer starts with a byte: 0 and a LeaseTimeToLiveResponse, or 1 and
 * the name of a failure.
 */
export function leaderLeases(member: Member, local: LeaderLeases): LeaderLeases {
  member.answerPeers(peerRequests.leaseRenew, async (payload) => {
    if (failpoints.armed) await failpoints.pause("beforeServeHTTPLeaseRenew");
    const id = readId(payload);
    const renewed = await local.renew(id);
    return isFailure(renewed) ? failed(renewed) : answered({ id, ttl: renewed.ttl });
  });
  member.answerPeers(peerRequests.leaseTimeToLive, async (payload) => {
    if (failpoints.armed) await failpoints.pause("beforeLookupWhenForwardLeaseTimeToLive");
    const id = readId(payload);
    const found = await local.timeToLive(id);
    if (isFailure(found)) return failed(found);
    return answered({ id, ttl: found.ttl, grantedTTL: found.grantedTtl, keys: found.keys.map(fromByteString) });
  });

  async function ask(kind: PeerRequest, id: bigint): Promise<Outcome<LeaseTimeToLiveResponse>> {
    const { leadership, transport, id: self } = member;
    if (leadership.leader === 0n || leadership.leader === self) return fail("NotPrimary");
    const payload = new Uint8Array(8);
    new DataView(payload.buffer).setBigInt64(0, id);
    try {
      const answer = await transport.request(leadership.leader, kind, payload);
      if (answer[0] === 0) return LeaseTimeToLiveResponse.decode(answer.subarray(1));
      return fail(fromUtf8(answer.subarray(1)) as EtcdErrorName);
    } catch {
      return fail("NotPrimary"); // unreachable, or gone: whoever asked tries again until its time is over
    }
  }

  return {
    async renew(id) {
      const renewed = await ask(peerRequests.leaseRenew, id);
      return isFailure(renewed) ? renewed : { ttl: renewed.ttl };
    },
    async timeToLive(id): Promise<Outcome<TimeToLive>> {
      const found = await ask(peerRequests.leaseTimeToLive, id);
      if (isFailure(found)) return found;
      return { ttl: found.ttl, grantedTtl: found.grantedTTL, keys: found.keys.map(toByteString) };
    },
  };
}

function answered(response: { id: bigint; ttl: number; grantedTTL?: number; keys?: Uint8Array[] }): Uint8Array {
  return Buffer.concat([Uint8Array.of(0), LeaseTimeToLiveResponse.encode(response)]);
}

function failed({ failure }: Failure<string>): Uint8Array {
  return Buffer.concat([Uint8Array.of(1), toUtf8(failure)]);
}

function readId(payload: Uint8Array): bigint {
  return new DataView(payload.buffer, payload.byteOffset).getBigInt64(0);
}
