import { AlarmAction, AlarmType, type EtcdErrorName, MaintenanceService, Status } from "../../proto/mod.ts";
import { type Failure, isFailure } from "../mvcc/mod.ts";
import type { Answers, Member } from "../server/member.ts";
import { minorOf } from "../server/version.ts";
import { hashOfState } from "../snap/mod.ts";
import type { Access } from "./access.ts";
import { failCall } from "./answer.ts";
import { downgrade } from "./downgrade.ts";
import { failureToRpcError, rpcError } from "./errors.ts";
import { type Implementation, implement, RpcError } from "./grpc/mod.ts";
import type { Headers } from "./headers.ts";
import { streamSnapshot } from "./snapshot.ts";

/** The Maintenance service: how this member is, and what an operator does to it. */
export function maintenanceService(member: Member, headers: Headers, access: Access): Implementation {
  return implement(MaintenanceService, {
    status(_, call) {
      const { leadership, state, isLearner, version, quotaBytes } = member;
      call.reply({
        header: headers.current(),
        version,
        dbSize: state.backend.sizeBytes,
        // Of what is on the disk, where it may lie compressed.
        dbSizeInUse: Math.min(state.store.sizeInUseBytes, state.backend.sizeBytes),
        dbSizeQuota: Math.max(0, quotaBytes),
        leader: leadership.leader,
        raftIndex: member.committed,
        raftAppliedIndex: member.applied,
        raftTerm: leadership.term,
        errors: statusErrors(member),
        isLearner,
        storageVersion: storageVersion(member),
        downgradeInfo: member.membership.downgrade,
      });
    },

    alarm(request, call) {
      if (request.action === AlarmAction.GET) access.requireUser(call);
      else access.requireRoot(call);
      const done = (outcome: Answers["alarm"] | Failure<EtcdErrorName>) => {
        if (isFailure(outcome)) failCall(call, outcome);
        else call.reply({ header: headers.current(), alarms: outcome });
      };
      member.propose("alarm", request, done, access.caller(call));
    },

    async hashKV({ revision }, call) {
      const found = await member.state.store.hashKv(revision);
      if (isFailure(found)) throw failureToRpcError(found);
      const { hash, compactRevision, hashRevision, currentRevision } = found;
      call.reply({ header: headers.at(currentRevision), hash, compactRevision, hashRevision });
    },

    async hash(_, call) {
      const { backend, store } = member.state;
      const { revision } = store;
      const { clock, metrics } = member;
      const startMs = clock.monotonic();
      const hash = await hashOfState(backend.exportRecords());
      metrics.hashSeconds.observe((clock.monotonic() - startMs) / 1000);
      call.reply({ header: headers.at(revision), hash });
    },

    async defragment(_, call) {
      member.log("info", "defragmenting");
      await member.state.backend.defragment();
      // As etcd: not even a header.
      call.reply({});
    },

    async moveLeader({ targetID }, call) {
      if (!member.isLeader) throw rpcError("NotLeader");
      const target = member.membership.member(targetID);
      if (target === undefined || target.isLearner) throw rpcError("BadLeaderTransferee");
      if (targetID !== member.id) {
        member.host.transferLeader(targetID);
        const moved = await member.leaderChange(member.id, member.electionMs);
        const text = "etcdserver: request timed out, leader transfer took too long";
        if (!moved) throw new RpcError(Status.Unknown, text);
      }
      call.reply({});
    },

    snapshot: (_, call) => streamSnapshot(member, call),

    async downgrade(request, call) {
      const version = await downgrade(member, request);
      call.reply({ header: headers.current(), version });
    },
  });
}

function statusErrors(member: Member): string[] {
  const names = Object.fromEntries(Object.entries(AlarmType).map(([name, type]) => [type, name]));
  // As protobuf prints a message: what has its default is left out.
  const errors = member.alarms.active.map(({ memberID, alarm }) => {
    return `${memberID === 0n ? "" : `memberID:${memberID} `}${alarm === AlarmType.NONE ? "" : `alarm:${names[alarm]} `}`;
  });
  if (member.leadership.leader === 0n) errors.push(rpcError("NoLeader").message);
  return errors;
}

/** Of the cluster: major and minor, and 0. */
export function storageVersion(member: Member): string {
  return minorOf(member.membership.version ?? member.version);
}
