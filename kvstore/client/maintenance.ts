import { AlarmAction, MaintenanceService } from "../../proto/mod.ts";
import type { Channel } from "./channel.ts";
import { serverStream } from "./server-stream.ts";
import type { MaintenanceClient } from "./types.ts";

const { status, hash, hashKV, downgrade, alarm, moveLeader, defragment, snapshot } = MaintenanceService.methods;

export function maintenanceClient(channel: Channel): MaintenanceClient {
  return {
    status: (options) => channel.unary(status, {}, { ...options, isWrite: false }),
    hash: (options) => channel.unary(hash, {}, { ...options, isWrite: false }),
    downgrade: (request, options) => channel.unary(downgrade, request, { ...options, isWrite: true }),
    hashKv: (revision = 0, options) => channel.unary(hashKV, { revision }, { ...options, isWrite: false }),
    alarm: (request, options) => {
      const isWrite = "action" in request && (request.action ?? AlarmAction.GET) !== AlarmAction.GET;
      return channel.unary(alarm, request, { ...options, isWrite });
    },
    moveLeader: (targetID, options) => channel.unary(moveLeader, { targetID }, { ...options, isWrite: true }),
    defragment: (options) => channel.unary(defragment, {}, { ...options, isWrite: true }),
    snapshot: (options) => serverStream(channel, snapshot, {}, options ?? {}),
  };
}
