import { AlarmType, MaintenanceService, Status } from "../../proto/mod.ts";
import { isFailure } from "../mvcc/mod.ts";
import type { Member } from "../server/member.ts";
import { failCall } from "./answer.ts";
import { failureToRpcError, rpcError } from "./errors.ts";
import { type Implementation, implement, RpcError } from "./grpc/mod.ts";
import type { Headers } from "./headers.ts";

/** The Maintenance service: how this member is, and what an operator does to it. */
export function maintenanceService(member: Member, headers: Headers): Implementation {
  return implement(MaintenanceService, {
    status(_, call) {
      const { leadership, state, isLearner, version, quotaBytes } = member;
      call.reply({
        header: headers.current(),
        version,
        dbSize: state.backend.sizeBytes,
        dbSizeInUse: state.store.sizeInUseBytes,
        dbSizeQuota: Math.max(0, quotaBytes),
        leader: leadership.leader,
        raftIndex: member.committed,
        raftAppliedIndex: member.applied,
        raftTerm: leadership.term,
        errors: statusErrors(member),
        isLearner,
        storageVersion: storageVersion(member),
        downgradeInfo: { enabled: false, targetVersion: "" },
      });
    },

    alarm(request, call) {
      member.propose("alarm", request, (outcome) => {
        if (isFailure(outcome)) failCall(call, outcome);
        else call.reply({ header: headers.current(), alarms: outcome });
      });
    },

    async hashKV({ revision }, call) {
      const found = await member.state.store.hashKv(revision);
      if (isFailure(found)) throw failureToRpcError(found);
      const { hash, compactRevision, hashRevision, currentRevision } = found;
      call.reply({ header: headers.at(currentRevision), hash, compactRevision, hashRevision });
    },

    async hash(_, call) {
      const found = await member.state.store.hashKv(0);
      if (isFailure(found)) throw failureToRpcError(found);
      call.reply({ header: headers.current(), hash: found.hash });
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

    snapshot() {
      const text =
        "etcdserver: snapshot save is not supported by this member: copy the data directory of a stopped member";
      throw new RpcError(Status.Unimplemented, text);
    },

    downgrade() {
      throw new RpcError(Status.Unimplemented, "etcdserver: downgrade is not supported by this member");
    },
  });
}

function statusErrors(member: Member): string[] {
  const names = Object.fromEntries(Object.entries(AlarmType).map(([name, type]) => [type, name]));
  const errors = member.alarms.active.map(({ memberID, alarm }) => `memberID:${memberID} alarm:${names[alarm]} `);
  if (member.leadership.leader === 0n) errors.push(rpcError("NoLeader").message);
  return errors;
}

/** Of the cluster: major and minor, and 0. */
export function storageVersion(member: Member): string {
  const [major, minor] = (member.membership.version ?? member.version).split(".");
  return `${major}.${minor}.0`;
}
