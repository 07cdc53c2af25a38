import { AlarmType } from "../../../proto/mod.ts";
import type { Sample } from "../../metrics/mod.ts";
import type { WatchHub } from "../../mvcc/mod.ts";
import type { Member } from "../../server/member.ts";

export interface MemberReads {
  readonly member: Member;
  readonly hub: Pick<WatchHub, "stats">;
  readonly watchStreams: () => number;
}

/** What can be seen of a member at any time, under etcd's names and with its texts. */
export function readMember({ member, hub, watchStreams }: MemberReads): void {
  const { registry } = member.metrics;
  const gauge = (name: string, help: string, value: () => number | Iterable<Sample>) =>
    registry.read(name, "gauge", help, value);
  const hex = (id: bigint) => id.toString(16);

  gauge("etcd_server_has_leader", "Whether or not a leader exists. 1 is existence, 0 is not.", () =>
    Number(member.leadership.leader !== 0n),
  );
  gauge("etcd_server_is_leader", "Whether or not this member is a leader. 1 if is, 0 otherwise.", () =>
    Number(member.isLeader),
  );
  gauge("etcd_server_is_learner", "Whether or not this member is a learner. 1 if is, 0 otherwise.", () =>
    Number(member.isLearner),
  );
  const counter = (name: string, help: string, value: () => number) => registry.read(name, "counter", help, value);
  counter(
    "etcd_server_leader_changes_seen_total",
    "The number of leader changes seen.",
    () => member.leaderChangesSeen,
  );
  counter(
    "etcd_server_heartbeat_send_failures_total",
    "The total number of leader heartbeat send failures (likely overloaded from slow disk).",
    () => member.host.slowness.heartbeats,
  );
  counter(
    "etcd_server_slow_apply_total",
    "The total number of slow apply requests (likely overloaded from slow disk).",
    () => member.host.slowness.applies,
  );
  counter(
    "etcd_server_slow_read_indexes_total",
    "The total number of pending read indexes not in sync with leader's or timed out read index requests.",
    () => member.host.slowness.reads.slow,
  );
  counter(
    "etcd_server_read_indexes_failed_total",
    "The total number of failed read indexes seen.",
    () => member.host.slowness.reads.failed,
  );
  counter(
    "etcd_server_proposals_failed_total",
    "The total number of failed proposals seen.",
    () => member.lostRequests,
  );
  gauge(
    "etcd_server_proposals_committed_total",
    "The total number of consensus proposals committed.",
    () => member.committed,
  );
  gauge(
    "etcd_server_proposals_applied_total",
    "The total number of consensus proposals applied.",
    () => member.applied,
  );
  gauge(
    "etcd_server_proposals_pending",
    "The current number of pending proposals to commit.",
    () => member.pendingRequests,
  );
  gauge("etcd_server_quota_backend_bytes", "Current backend storage quota size in bytes.", () =>
    Math.max(0, member.quotaBytes),
  );
  const one = (name: string, help: string, label: string, value: () => string | undefined) =>
    gauge(name, help, () => {
      const text = value();
      return text === undefined ? [] : [{ labels: { [label]: text }, value: 1 }];
    });
  one(
    "etcd_server_id",
    "Server or member ID in hexadecimal format. 1 for 'server_id' label with current ID.",
    "server_id",
    () => hex(member.id),
  );
  one(
    "etcd_server_version",
    "Which version is running. 1 for 'server_version' label with current version.",
    "server_version",
    () => member.version,
  );
  one(
    "etcd_server_go_version",
    "Which Go version server is running with: none, but Node. 1 for 'server_go_version' label with current version.",
    "server_go_version",
    () => `node ${process.version}`,
  );
  one(
    "etcd_cluster_version",
    "Which version is running. 1 for 'cluster_version' label with current cluster version",
    "cluster_version",
    () => member.membership.version?.split(".").slice(0, 2).join("."),
  );
  gauge("etcd_debugging_server_alarms", "Alarms for every member in cluster. 1 for each that is raised.", () =>
    member.alarms.active.map(({ memberID, alarm }) => ({
      labels: { server_id: hex(memberID), alarm_type: alarmNames.get(alarm) ?? String(alarm) },
      value: 1,
    })),
  );
  gauge("etcd_debugging_auth_revision", "The current revision of auth store.", () => member.auth.store.revision);

  gauge(
    "etcd_mvcc_db_total_size_in_bytes",
    "Total size of the underlying database physically allocated in bytes.",
    () => member.state.backend.sizeBytes,
  );
  gauge(
    "etcd_mvcc_db_total_size_in_use_in_bytes",
    "Total size of the underlying database logically in use in bytes.",
    () => member.state.store.sizeInUseBytes,
  );
  gauge("etcd_debugging_mvcc_keys_total", "Total number of keys.", () => member.state.store.size);
  gauge("etcd_debugging_mvcc_current_revision", "The current revision of store.", () => member.state.store.revision);
  gauge(
    "etcd_debugging_mvcc_compact_revision",
    "The revision of the last compaction in store.",
    () => member.state.store.compactRevision,
  );
  gauge("etcd_debugging_mvcc_watch_stream_total", "Total number of watch streams.", watchStreams);
  gauge("etcd_debugging_mvcc_watcher_total", "Total number of watchers.", () => {
    const { synced, unsynced, victims } = hub.stats;
    return synced + unsynced + victims;
  });
  gauge("etcd_debugging_mvcc_slow_watcher_total", "Total number of unsynced slow watchers.", () => {
    const { unsynced, victims } = hub.stats;
    return unsynced + victims;
  });
  gauge(
    "etcd_debugging_mvcc_pending_events_total",
    "Total number of pending events to be sent.",
    () => hub.stats.pendingEvents,
  );

  const others = () => member.membership.members.filter(({ id }) => id !== member.id);
  const pair = (id: bigint) => ({ Local: hex(member.id), Remote: hex(id) });
  gauge("etcd_network_known_peers", "The current number of known peers.", () =>
    others().map(({ id }) => ({ labels: pair(id), value: 1 })),
  );
  gauge("etcd_network_active_peers", "The current number of active peer connections.", () =>
    others().map(({ id }) => ({
      labels: pair(id),
      value: Number(member.transport.connectedSince(id) !== undefined),
    })),
  );
}

const alarmNames = new Map<number, string>(Object.entries(AlarmType).map(([name, alarm]) => [alarm, name]));
