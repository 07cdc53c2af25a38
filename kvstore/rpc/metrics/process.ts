import { readdirSync, readFileSync } from "node:fs";
import type { Registry, Sample } from "../../metrics/mod.ts";
import { type LoopDelay, loopDelay } from "../loop-delay.ts";
import { gcPauses } from "./gc-pauses.ts";

type Value = () => number | Iterable<Sample>;

/** What Prometheus' libraries tell of every process, and, under Go's names, what V8's heap has in common with Go's. */
export function readProcess(registry: Registry): void {
  const gauge = (name: string, help: string, value: Value) => registry.read(name, "gauge", help, value);
  registry.read("process_cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds.", () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000_000;
  });
  gauge("process_resident_memory_bytes", "Resident memory size in bytes.", () => process.memoryUsage.rss());
  gauge(
    "process_start_time_seconds",
    "Start time of the process since unix epoch in seconds.",
    () => performance.timeOrigin / 1000,
  );
  if (process.platform === "linux") readLinux(gauge);
  readHeap(gauge);
  registry.read("go_gc_duration_seconds", "summary", "Pauses of V8's garbage collector.", () => gcPauses.samples());
  readLoop(registry, gauge);
  readLooks(registry, gauge);
}

/** Of the metrics themselves, as Go's handler for them counts: a look is in progress, and none before has failed. */
function readLooks(registry: Registry, gauge: GaugeOf): void {
  let looks = -1;
  registry.beforeLook(() => {
    looks++;
  });
  const help = "Total number of scrapes by HTTP status code.";
  registry.read("promhttp_metric_handler_requests_total", "counter", help, () =>
    ["200", "500", "503"].map((code) => ({ labels: { code }, value: code === "200" ? looks : 0 })),
  );
  gauge("promhttp_metric_handler_requests_in_flight", "Current number of scrapes being served.", () => 1);
}

/** Not Go's, and what matters most here: for how long clients had to wait for this process. */
function readLoop(registry: Registry, gauge: GaugeOf): void {
  let delay: LoopDelay;
  registry.beforeLook(() => {
    delay = loopDelay();
  });
  gauge(
    "nodejs_eventloop_lag_max_seconds",
    "Longest time that the event loop came to nothing else, since the last look.",
    () => delay.lagSeconds,
  );
  gauge(
    "nodejs_eventloop_busy_max_seconds",
    "Most CPU time of one round of the event loop, since the last look.",
    () => delay.busySeconds,
  );
  gauge(
    "nodejs_gc_pause_max_seconds",
    "Longest pause for garbage collection, since the last look.",
    () => delay.collectorSeconds,
  );
}

type GaugeOf = (name: string, help: string, value: Value) => void;

function readLinux(gauge: GaugeOf): void {
  const openFiles = () => readdirSync("/proc/self/fd").length;
  const mostFiles = () => limit("Max open files");
  gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", virtualBytes);
  gauge("process_virtual_memory_max_bytes", "Maximum amount of virtual memory available in bytes.", () =>
    limit("Max address space"),
  );
  gauge("process_open_fds", "Number of open file descriptors.", openFiles);
  gauge("process_max_fds", "Maximum number of open file descriptors.", mostFiles);
  gauge("os_fd_used", "The number of used file descriptors.", openFiles);
  gauge("os_fd_limit", "The file descriptor limit.", mostFiles);
  gauge("go_threads", "Number of OS threads.", () => readdirSync("/proc/self/task").length);
}

function readHeap(gauge: GaugeOf): void {
  const used = () => process.memoryUsage().heapUsed;
  gauge("go_info", "Information about the environment: Node, where etcd has Go.", () => [
    { labels: { version: `node ${process.version}` }, value: 1 },
  ]);
  gauge("go_memstats_alloc_bytes", "Bytes of V8's heap in use.", used);
  gauge("go_memstats_heap_alloc_bytes", "Bytes of V8's heap in use.", used);
  gauge("go_memstats_heap_inuse_bytes", "Bytes of V8's heap in use.", used);
  gauge("go_memstats_heap_idle_bytes", "Bytes of V8's heap that wait to be used.", () => {
    const { heapTotal, heapUsed } = process.memoryUsage();
    return heapTotal - heapUsed;
  });
  gauge("go_memstats_heap_sys_bytes", "Bytes of V8's heap.", () => process.memoryUsage().heapTotal);
  gauge("go_memstats_sys_bytes", "Bytes of V8's heap and of the buffers outside of it.", () => {
    const { heapTotal, external } = process.memoryUsage();
    return heapTotal + external;
  });
  gauge(
    "go_memstats_last_gc_time_seconds",
    "When V8's garbage collector last ran, in seconds since 1970.",
    () => gcPauses.lastSeconds,
  );
}

/** Field 23 of /proc/self/stat. */
function virtualBytes(): number {
  const stat = readFileSync("/proc/self/stat", "utf8");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[20]);
}

/** The soft limit; without one, the most that there can be. */
function limit(name: string): number {
  const lines = readFileSync("/proc/self/limits", "utf8").split("\n");
  const line = lines.find((one) => one.startsWith(name)) ?? name;
  const [soft] = line.slice(name.length).trim().split(/\s+/);
  return soft === "unlimited" ? 2 ** 64 : Number(soft);
}
