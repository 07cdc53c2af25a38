import { pause } from "../../base/mod.ts";
import {
  ClusterService,
  type EtcdErrorName,
  type Init,
  type Member as MemberMessage,
  type ResponseHeader,
  raftpb,
} from "../../proto/mod.ts";
import { type Failure, fail, isFailure } from "../mvcc/mod.ts";
import { addedMemberId } from "../server/ids.ts";
import type { Member } from "../server/member.ts";
import type { ClusterMember } from "../server/membership.ts";
import { defaults } from "../server/options.ts";
import { peerRequests } from "../server/transport.ts";
import type { Access } from "./access.ts";
import { failureToRpcError, rpcError } from "./errors.ts";
import { type Implementation, implement } from "./grpc/mod.ts";
import type { Headers } from "./headers.ts";
import { checkPeerUrls } from "./peer-urls.ts";
import { additionRefusal, type Reconfiguration, removalRefusal } from "./reconfiguration.ts";

/** As for any other request, with two election timeouts on top. */
const requestTimeoutMs = 5000;
const retryMs = 50;

/** A member counts as healthy when the connection to it has stood this long. */
const healthyMs = 5000;

type Changed = readonly ClusterMember[] | Failure<EtcdErrorName>;

/** The Cluster service: who is a member. Changes are checked here, proposed, and checked again where they are applied. */
export function clusterService(member: Member, headers: Headers, access: Access): Implementation {
  const promote = new PromotionByAnyMember(member);
  const isStrict = member.options.strictReconfigCheck !== false;
  const header = (): Init<ResponseHeader> => headers.withoutRevision();

  const listed = (members: Changed): Init<MemberMessage>[] => {
    if (isFailure(members)) throw failureToRpcError(members);
    return members.map(toMessage);
  };

  return implement(ClusterService, {
    memberList(request, call) {
      const reply = () => call.reply({ header: header(), members: member.membership.members.map(toMessage) });
      if (!request.linearizable) {
        reply();
        return;
      }
      member.linearizable((failure) => {
        if (failure === undefined) reply();
        else call.fail(rpcError(failure).code, rpcError(failure).message);
      });
    },

    async memberAdd({ peerURLs, isLearner }, call) {
      // In etcd's order, which asks for the rights of all other changes first (`guard.ts`).
      const peerUrls = checkPeerUrls(peerURLs);
      access.requireRoot(call);
      const refused = isStrict ? additionRefusal(reconfiguration(member), isLearner) : undefined;
      if (refused !== undefined) throw rpcError(refused);
      const id = addedMemberId(peerUrls, member.options.initialClusterToken, member.clock.now());
      if (member.membership.member(id) !== undefined) throw rpcError("MemberExist");
      const taken = new Set(member.membership.members.flatMap((one) => one.peerUrls));
      if (peerUrls.some((url) => taken.has(url))) throw rpcError("PeerURLExist");
      const maxLearners = isLearner ? (member.options.maxLearners ?? defaults.maxLearners) : undefined;
      const learners = member.membership.members.filter((one) => one.isLearner).length;
      if (maxLearners !== undefined && learners >= maxLearners) throw rpcError("TooManyLearners");
      const added = { id, name: "", peerUrls, clientUrls: [], isLearner };
      const { ConfChangeAddLearnerNode, ConfChangeAddNode } = raftpb.ConfChangeType;
      const type = isLearner ? ConfChangeAddLearnerNode : ConfChangeAddNode;
      const change = { member: added, isPromote: false, maxLearners };
      const members = listed(await member.changeMembership(type, id, change));
      call.reply({ header: header(), member: toMessage(added), members });
    },

    async memberRemove({ id }, call) {
      const refused = isStrict ? removalRefusal(reconfiguration(member), id) : undefined;
      if (refused !== undefined) throw rpcError(refused);
      if (member.membership.member(id) === undefined) throw rpcError("MemberNotFound");
      const removed = await member.changeMembership(raftpb.ConfChangeType.ConfChangeRemoveNode, id, undefined);
      call.reply({ header: header(), members: listed(removed) });
    },

    async memberUpdate({ id, peerURLs }, call) {
      const known = member.membership.member(id);
      if (known === undefined) throw rpcError("MemberNotFound");
      // Beyond etcd, which believes anything here: whom nobody can reach any more is as good as lost.
      checkPeerUrls(peerURLs);
      const others = member.membership.members.filter((one) => one.id !== id);
      const taken = new Set(others.flatMap((one) => one.peerUrls));
      if (peerURLs.some((url) => taken.has(url))) throw rpcError("PeerURLExist");
      const change = { member: { ...known, peerUrls: peerURLs }, isPromote: false };
      const updated = await member.changeMembership(raftpb.ConfChangeType.ConfChangeUpdateNode, id, change);
      call.reply({ header: header(), members: listed(updated) });
    },

    async memberPromote({ id }, call) {
      call.reply({ header: header(), members: listed(await promote.run(id)) });
    },
  });
}

/** Only the leader knows how far a learner is: other members ask it. */
class PromotionByAnyMember {
  readonly #member: Member;

  constructor(member: Member) {
    this.#member = member;
    member.answerPeers(peerRequests.memberPromote, async (payload) => {
      const outcome = await this.#member.promotion.promoteOne(
        new DataView(payload.buffer, payload.byteOffset).getBigUint64(0),
      );
      return Buffer.from(isFailure(outcome) ? outcome.failure : "");
    });
  }

  /** Asks the leader, whoever that is by then, until one has decided or the time for a request is over. */
  async run(id: bigint): Promise<Changed> {
    const { clock, electionMs } = this.#member;
    const untilMs = clock.monotonic() + requestTimeoutMs + 2 * electionMs;
    for (;;) {
      const outcome = await this.#ask(id);
      if (!isFailure(outcome) || outcome.failure !== "NotLeader") return outcome;
      if (clock.monotonic() >= untilMs) return fail("Timeout");
      await pause(clock, retryMs);
    }
  }

  async #ask(id: bigint): Promise<Changed> {
    const { leadership, isLeader, transport, promotion } = this.#member;
    if (isLeader) return promotion.promoteOne(id);
    const payload = Buffer.alloc(8);
    payload.writeBigUInt64BE(id);
    let answer: string;
    try {
      answer = Buffer.from(await transport.request(leadership.leader, peerRequests.memberPromote, payload)).toString();
    } catch {
      return fail("NotLeader"); // nobody leads, or whoever does cannot be reached
    }
    if (answer !== "") return fail(answer as EtcdErrorName);
    // The members that are listed are those after the promotion.
    await new Promise<void>((resolve) => this.#member.linearizable(() => resolve()));
    return this.#member.membership.members;
  }
}

function toMessage({ id, name, peerUrls, clientUrls, isLearner }: ClusterMember): Init<MemberMessage> {
  return { id, name, peerURLs: peerUrls, clientURLs: clientUrls, isLearner };
}

function reconfiguration({ id: self, clock, membership, transport }: Member): Reconfiguration {
  return {
    members: membership.members,
    isConnected: (id) => id === self || transport.connectedSince(id) !== undefined,
    isHealthy: (id) => {
      const since = transport.connectedSince(id);
      return id === self || (since !== undefined && clock.monotonic() - since >= healthyMs);
    },
  };
}
