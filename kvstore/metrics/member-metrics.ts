import { exponentialBounds } from "./instruments.ts";
import { Registry } from "./registry.ts";

// Bounds as etcd's, in seconds.
const fromMillisecond = exponentialBounds(0.001, 2, 14);
const fromTenthOfMillisecond = exponentialBounds(0.0001, 2, 20);
const roundTrips = exponentialBounds(0.0001, 2, 16);
const transfers = exponentialBounds(0.1, 2, 10);

/**
 * What a member counts as it happens, under the names and with the texts of etcd's metrics. What can be asked for when somebody
 * looks is not here, but in `rpc/metrics`. Each part of the member is handed those it counts.
 */
export class MemberMetrics {
  readonly registry = new Registry();
  readonly #r = this.registry;

  // The log.
  readonly walFsyncSeconds = this.#r.histogram(
    "etcd_disk_wal_fsync_duration_seconds",
    "The latency distributions of fsync called by WAL.",
    fromMillisecond,
  );
  readonly walWriteSeconds = this.#r.histogram(
    "etcd_disk_wal_write_duration_seconds",
    "The latency distributions of write called by WAL.",
    fromMillisecond,
  );
  readonly walWrittenBytes = this.#r.gauge("etcd_disk_wal_write_bytes_total", "Total number of bytes written in WAL.");

  // The database.
  readonly commitSeconds = this.#r.histogram(
    "etcd_disk_backend_commit_duration_seconds",
    "The latency distributions of commit called by backend.",
    fromMillisecond,
  );
  readonly commitWriteSeconds = this.#r.histogram(
    "etcd_debugging_disk_backend_commit_write_duration_seconds",
    "The latency distributions of commit.write called by the backend.",
    fromMillisecond,
  );
  readonly defragSeconds = this.#r.histogram(
    "etcd_disk_backend_defrag_duration_seconds",
    "The latency distribution of backend defragmentation.",
    exponentialBounds(0.1, 2, 13),
  );
  readonly defragInflight = this.#r.gauge(
    "etcd_disk_defrag_inflight",
    "Whether or not defrag is active on the member. 1 means active, 0 means not.",
  );
  readonly snapshotSeconds = this.#r.histogram(
    "etcd_disk_backend_snapshot_duration_seconds",
    "The latency distribution of backend snapshots.",
    exponentialBounds(0.01, 2, 17),
  );
  readonly hashSeconds = this.#r.histogram(
    "etcd_mvcc_hash_duration_seconds",
    "The latency distribution of storage hash operation.",
    exponentialBounds(0.01, 2, 15),
  );
  readonly hashRevSeconds = this.#r.histogram(
    "etcd_mvcc_hash_rev_duration_seconds",
    "The latency distribution of storage hash by revision operation.",
    exponentialBounds(0.01, 2, 15),
  );

  // Keys.
  readonly ranges = this.#r.counter("etcd_mvcc_range_total", "Total number of ranges seen by this member.");
  readonly puts = this.#r.counter("etcd_mvcc_put_total", "Total number of puts seen by this member.");
  readonly deletes = this.#r.counter("etcd_mvcc_delete_total", "Total number of deletes seen by this member.");
  readonly txns = this.#r.counter("etcd_mvcc_txn_total", "Total number of txns seen by this member.");
  readonly putBytes = this.#r.gauge(
    "etcd_debugging_mvcc_total_put_size_in_bytes",
    "The total size of put kv pairs seen by this member.",
  );
  readonly compactionPauseMs = this.#r.histogram(
    "etcd_debugging_mvcc_db_compaction_pause_duration_milliseconds",
    "Bucketed histogram of db compaction pause duration.",
    exponentialBounds(1, 2, 13),
  );
  readonly compactionTotalMs = this.#r.histogram(
    "etcd_debugging_mvcc_db_compaction_total_duration_milliseconds",
    "Bucketed histogram of db compaction total duration.",
    exponentialBounds(100, 2, 14),
  );
  readonly compactionLast = this.#r.gauge(
    "etcd_debugging_mvcc_db_compaction_last",
    "The unix time of the last db compaction. Resets to 0 on start.",
  );
  readonly compactedVersions = this.#r.counter(
    "etcd_debugging_mvcc_db_compaction_keys_total",
    "Total number of db keys compacted.",
  );
  readonly events = this.#r.counter("etcd_debugging_mvcc_events_total", "Total number of events sent by this member.");

  // Leases.
  readonly leasesGranted = this.#r.counter("etcd_debugging_lease_granted_total", "The total number of granted leases.");
  readonly leasesRevoked = this.#r.counter("etcd_debugging_lease_revoked_total", "The total number of revoked leases.");
  readonly leasesRenewed = this.#r.counter(
    "etcd_debugging_lease_renewed_total",
    "The number of renewed leases seen by the leader.",
  );
  readonly leasesExpired = this.#r.counter(
    "etcd_debugging_server_lease_expired_total",
    "The total number of expired leases.",
  );
  readonly leaseTtls = this.#r.histogram(
    "etcd_debugging_lease_ttl_total",
    "Bucketed histogram of lease TTLs.",
    exponentialBounds(1, 2, 24),
  );

  // The server.
  readonly snapshotApplying = this.#r.gauge(
    "etcd_server_snapshot_apply_in_progress_total",
    "1 if the server is applying the incoming snapshot. 0 if none.",
  );
  readonly promoted = this.#r.counter(
    "etcd_server_learner_promote_successes",
    "The total number of successful learner promotions while this member is leader.",
  );
  readonly promoteFailures = this.#r.counters(
    "etcd_server_learner_promote_failures",
    "The total number of failed learner promotions (likely learner not ready) while this member is leader.",
    ["Reason"],
  );
  readonly applySeconds = this.#r.histograms(
    "etcd_server_apply_duration_seconds",
    "The latency distributions of v2 apply called by backend.",
    ["version", "op", "success"],
    fromTenthOfMillisecond,
  );
  readonly requestSeconds = this.#r.histograms(
    "etcd_server_request_duration_seconds",
    "Response latency distribution in seconds for each type.",
    ["type", "success"],
    fromMillisecond,
  );
  readonly rangeSeconds = this.#r.histograms(
    "etcd_server_range_duration_seconds",
    "The latency distributions of txn.Range",
    ["success"],
    fromTenthOfMillisecond,
  );
  readonly clientRequests = this.#r.counters(
    "etcd_server_client_requests_total",
    "The total number of client requests per client version.",
    ["type", "client_api_version"],
  );
  readonly healthChecks = this.#r.counters(
    "etcd_server_healthchecks_total",
    "The total number of each kind of healthcheck.",
    ["type", "name", "status"],
  );
  readonly healthResults = this.#r.gauges("etcd_server_healthcheck", "The result of each kind of healthcheck.", [
    "type",
    "name",
  ]);
  readonly healthy = this.#r.counter("etcd_server_health_success", "The total number of successful health checks");
  readonly unhealthy = this.#r.counter("etcd_server_health_failures", "The total number of failed health checks");

  // Other members.
  readonly peerSentBytes = this.#r.counters(
    "etcd_network_peer_sent_bytes_total",
    "The total number of bytes sent to peers.",
    ["To"],
  );
  readonly peerReceivedBytes = this.#r.counters(
    "etcd_network_peer_received_bytes_total",
    "The total number of bytes received from peers.",
    ["From"],
  );
  readonly peerSendFailures = this.#r.counters(
    "etcd_network_peer_sent_failures_total",
    "The total number of send failures from peers.",
    ["To"],
  );
  readonly peerReceiveFailures = this.#r.counters(
    "etcd_network_peer_received_failures_total",
    "The total number of receive failures from peers.",
    ["From"],
  );
  readonly peerDisconnects = this.#r.counters(
    "etcd_network_disconnected_peers_total",
    "The total number of disconnected peers.",
    ["Local", "Remote"],
  );
  readonly peerRoundTrips = this.#r.histograms(
    "etcd_network_peer_round_trip_time_seconds",
    "Round-Trip-Time histogram between peers",
    ["To"],
    roundTrips,
  );
  readonly snapshotsSent = this.#r.counters(
    "etcd_network_snapshot_send_success",
    "Total number of successful snapshot sends",
    ["To"],
  );
  readonly snapshotsSending = this.#r.gauges(
    "etcd_network_snapshot_send_inflights_total",
    "Total number of inflight snapshot sends",
    ["To"],
  );
  readonly snapshotSendFailures = this.#r.counters(
    "etcd_network_snapshot_send_failures",
    "Total number of snapshot send failures",
    ["To"],
  );
  readonly snapshotSendSeconds = this.#r.histograms(
    "etcd_network_snapshot_send_total_duration_seconds",
    "Total latency distributions of v3 snapshot sends",
    ["To"],
    transfers,
  );
  readonly snapshotsReceived = this.#r.counters(
    "etcd_network_snapshot_receive_success",
    "Total number of successful snapshot receives",
    ["From"],
  );
  readonly snapshotsReceiving = this.#r.gauges(
    "etcd_network_snapshot_receive_inflights_total",
    "Total number of inflight snapshot receives",
    ["From"],
  );
  readonly snapshotReceiveFailures = this.#r.counters(
    "etcd_network_snapshot_receive_failures",
    "Total number of snapshot receive failures",
    ["From"],
  );
  readonly snapshotReceiveSeconds = this.#r.histograms(
    "etcd_network_snapshot_receive_total_duration_seconds",
    "Total latency distributions of v3 snapshot receives",
    ["From"],
    transfers,
  );
  readonly snapshotSaveSeconds = this.#r.histogram(
    "etcd_snap_db_save_total_duration_seconds",
    "The total latency distributions of v3 snapshot save",
    transfers,
  );
  readonly snapshotFsyncSeconds = this.#r.histogram(
    "etcd_snap_db_fsync_duration_seconds",
    "The latency distributions of fsyncing .snap.db file",
    fromMillisecond,
  );
}
