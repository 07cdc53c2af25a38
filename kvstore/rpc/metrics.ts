import type { Member } from "../server/member.ts";
import type { GrpcServer } from "./grpc/mod.ts";
import { loopDelay } from "./loop-delay.ts";

/** A few of etcd's metrics, under its names, as Prometheus reads them. */
export function metricsText(member: Member, server: GrpcServer | undefined): string {
  const { leadership, state, id, version } = member;
  const memory = process.memoryUsage();
  const cpu = process.cpuUsage();
  const { longestSeconds, longestGcSeconds } = loopDelay();
  const rows: [name: string, type: "gauge" | "counter", value: number, labels?: string][] = [
    ["etcd_server_has_leader", "gauge", Number(leadership.leader !== 0n)],
    ["etcd_server_is_leader", "gauge", Number(member.isLeader)],
    ["etcd_server_is_learner", "gauge", Number(member.isLearner)],
    ["etcd_server_id", "gauge", 1, `server_id="${id.toString(16)}"`],
    ["etcd_server_version", "gauge", 1, `server_version="${version}"`],
    ["etcd_server_leader_changes_seen_total", "counter", member.leaderChangesSeen],
    ["etcd_server_proposals_committed_total", "counter", member.committed],
    ["etcd_server_proposals_applied_total", "counter", member.applied],
    ["etcd_server_proposals_pending", "gauge", member.pendingRequests],
    ["etcd_server_quota_backend_bytes", "gauge", Math.max(0, member.quotaBytes)],
    ["etcd_mvcc_db_total_size_in_bytes", "gauge", state.backend.sizeBytes],
    ["etcd_mvcc_db_total_size_in_use_in_bytes", "gauge", state.store.sizeInUseBytes],
    ["etcd_debugging_mvcc_keys_total", "gauge", state.store.size],
    ["etcd_debugging_mvcc_current_revision", "gauge", state.store.revision],
    ["etcd_debugging_mvcc_compact_revision", "gauge", Math.max(0, state.store.compactRevision)],
    ["nodejs_eventloop_lag_max_seconds", "gauge", longestSeconds],
    ["nodejs_gc_pause_max_seconds", "gauge", longestGcSeconds],
    ["process_resident_memory_bytes", "gauge", memory.rss],
    ["process_cpu_seconds_total", "counter", (cpu.user + cpu.system) / 1_000_000],
  ];
  if (server !== undefined) {
    rows.push(
      ["etcd_network_client_grpc_received_bytes_total", "counter", server.stats.receivedBytes],
      ["etcd_network_client_grpc_sent_bytes_total", "counter", server.stats.sentBytes],
    );
  }
  return rows
    .map(([name, type, value, labels]) => `# TYPE ${name} ${type}\n${name}${labels ? `{${labels}}` : ""} ${value}\n`)
    .join("");
}
