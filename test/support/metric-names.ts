// Names of etcd's metrics that ours has not, each with the reason, and those of versions after Debian's that it has.

const reasonsFor = (reason: string, names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, reason] as const));

/** Of Go's runtime, and nothing of V8's is like them. */
export const goRuntimeOnly: Readonly<Record<string, string>> = {
  ...reasonsFor("there are no goroutines", ["go_goroutines"]),
  ...reasonsFor("V8 does not count single allocations", [
    ...["alloc_bytes_total", "frees_total", "mallocs_total", "lookups_total", "heap_objects"].map(memstats),
  ]),
  ...reasonsFor("parts of Go's allocator", [
    ...["buck_hash_sys_bytes", "gc_sys_bytes", "heap_released_bytes", "mcache_inuse_bytes", "mcache_sys_bytes"].map(
      memstats,
    ),
    ...["mspan_inuse_bytes", "mspan_sys_bytes", "next_gc_bytes", "other_sys_bytes"].map(memstats),
    ...["stack_inuse_bytes", "stack_sys_bytes", "gc_cpu_fraction"].map(memstats),
  ]),
};

export const neverHere: Readonly<Record<string, string>> = {
  ...reasonsFor("parts of bbolt's commit", [
    "etcd_debugging_disk_backend_commit_rebalance_duration_seconds",
    "etcd_debugging_disk_backend_commit_spill_duration_seconds",
  ]),
  ...reasonsFor("reads hold no transaction of the database open", ["etcd_mvcc_db_open_read_transactions"]),
  ...reasonsFor("keys and index are compacted in one go", [
    "etcd_debugging_mvcc_index_compaction_pause_duration_milliseconds",
  ]),
  ...reasonsFor("there are no .snap files: the database is the snapshot", [
    "etcd_debugging_snap_save_marshalling_duration_seconds",
    "etcd_debugging_snap_save_total_duration_seconds",
    "etcd_snap_fsync_duration_seconds",
  ]),
  ...reasonsFor("there is no v2 store", [
    ...["expires_total", "reads_total", "reads_failed_total", "writes_total", "writes_failed_total"].map(store),
    ...["watch_requests_total", "watchers"].map(store),
  ]),
  ...reasonsFor("there is no grpc-proxy", [
    ...["cache_hits_total", "cache_keys_total", "cache_misses_total"].map(proxy),
    ...["events_coalescing_total", "watchers_coalescing_total"].map(proxy),
  ]),
};

/** Gone from etcd after 3.4: they had become names without `debugging`. */
export const removedNames: Readonly<Record<string, string>> = reasonsFor("gone since 3.5", [
  "etcd_debugging_mvcc_db_total_size_in_bytes",
  ...["put_total", "delete_total", "range_total", "txn_total"].map((name) => `etcd_debugging_mvcc_${name}`),
]);

/** That 3.7 has, and 3.4 has not, or only once there is something to count. */
export const otherNames: readonly string[] = [
  "etcd_cluster_version",
  "etcd_debugging_auth_revision",
  "etcd_debugging_mvcc_total_put_size_in_bytes",
  "etcd_disk_defrag_inflight",
  "etcd_disk_wal_write_bytes_total",
  "etcd_disk_wal_write_duration_seconds",
  "etcd_server_apply_duration_seconds",
  "etcd_server_client_requests_total",
  "etcd_server_range_duration_seconds",
  "etcd_server_request_duration_seconds",
  "grpc_server_handling_seconds",
  "os_fd_limit",
  "os_fd_used",
];

function memstats(name: string): string {
  return `go_memstats_${name}`;
}

function store(name: string): string {
  return `etcd_debugging_store_${name}`;
}

function proxy(name: string): string {
  return `etcd_grpc_proxy_${name}`;
}
