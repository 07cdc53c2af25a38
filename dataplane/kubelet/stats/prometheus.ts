import type { NodeSample } from "./node-sample.ts";

type Series = readonly [labels: Readonly<Record<string, string>>, value: number | undefined];

/** One metric in Prometheus' text format; series without a value are left out. */
function metric(
  name: string,
  type: "counter" | "gauge",
  help: string,
  series: readonly Series[],
  atMs?: number,
): string {
  const stamp = atMs === undefined ? "" : ` ${atMs}`;
  const lines = series.flatMap(([labels, value]) => {
    if (value === undefined) return [];
    const pairs = Object.entries(labels).map(([key, text]) => `${key}=${JSON.stringify(text)}`);
    return [`${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value}${stamp}`];
  });
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines].join("\n");
}

const seconds = (nanoseconds: number | undefined) => (nanoseconds === undefined ? undefined : nanoseconds / 1e9);

/** /metrics/resource: what metrics-server asks for. */
export function resourceMetrics(sample: NodeSample): string {
  const { atMs, pods } = sample;
  const containers = pods.flatMap((pod) =>
    pod.containers.map((container) => ({
      labels: { container: container.name, namespace: pod.namespace, pod: pod.name },
      container,
    })),
  );
  const podLabels = (pod: NodeSample["pods"][number]) => ({ namespace: pod.namespace, pod: pod.name });
  return `${[
    metric(
      "container_cpu_usage_seconds_total",
      "counter",
      "Cumulative cpu time consumed by the container in core-seconds",
      containers.map(({ labels, container }) => [labels, seconds(container.cpu.totalNanoseconds)]),
      atMs,
    ),
    metric(
      "container_memory_working_set_bytes",
      "gauge",
      "Current working set of the container in bytes",
      containers.map(({ labels, container }) => [labels, container.memory.workingSetBytes]),
      atMs,
    ),
    metric(
      "container_start_time_seconds",
      "gauge",
      "Start time of the container since unix epoch in seconds",
      containers.map(({ labels, container }) => [labels, container.startedAtMs / 1000]),
    ),
    metric(
      "node_cpu_usage_seconds_total",
      "counter",
      "Cumulative cpu time consumed by the node in core-seconds",
      [[{}, seconds(sample.cpu.totalNanoseconds)]],
      atMs,
    ),
    metric(
      "node_memory_working_set_bytes",
      "gauge",
      "Current working set of the node in bytes",
      [[{}, sample.memory.workingSetBytes]],
      atMs,
    ),
    metric(
      "pod_cpu_usage_seconds_total",
      "counter",
      "Cumulative cpu time consumed by the pod in core-seconds",
      pods.map((pod) => [podLabels(pod), seconds(pod.cpu.totalNanoseconds)]),
      atMs,
    ),
    metric(
      "pod_memory_working_set_bytes",
      "gauge",
      "Current working set of the pod in bytes",
      pods.map((pod) => [podLabels(pod), pod.memory.workingSetBytes]),
      atMs,
    ),
    metric("resource_scrape_error", "gauge", "1 if there was an error while getting container metrics, 0 otherwise", [
      [{}, 0],
    ]),
  ].join("\n")}\n`;
}

/** /metrics/cadvisor: the series that dashboards are built on. */
export function containerMetrics(sample: NodeSample): string {
  const { atMs, pods } = sample;
  const containers = pods.flatMap((pod) =>
    pod.containers.map((container) => ({
      labels: { container: container.name, namespace: pod.namespace, pod: pod.name },
      container,
    })),
  );
  const gauge = (
    name: string,
    help: string,
    pick: (one: (typeof containers)[number]["container"]) => number | undefined,
  ) =>
    metric(
      name,
      "gauge",
      help,
      containers.map(({ labels, container }) => [labels, pick(container)]),
      atMs,
    );
  const network = (name: string, help: string, pick: "rxBytes" | "txBytes") =>
    metric(
      name,
      "counter",
      help,
      pods.map((pod) => [{ interface: "eth0", namespace: pod.namespace, pod: pod.name }, pod.network?.[pick]]),
      atMs,
    );
  return `${[
    metric(
      "container_cpu_usage_seconds_total",
      "counter",
      "Cumulative cpu time consumed in seconds.",
      containers.map(({ labels, container }) => [{ ...labels, cpu: "total" }, seconds(container.cpu.totalNanoseconds)]),
      atMs,
    ),
    gauge("container_memory_usage_bytes", "Current memory usage in bytes.", ({ memory }) => memory.usageBytes),
    gauge(
      "container_memory_working_set_bytes",
      "Current working set in bytes.",
      ({ memory }) => memory.workingSetBytes,
    ),
    gauge("container_memory_rss", "Size of RSS in bytes.", ({ memory }) => memory.rssBytes),
    gauge("container_fs_usage_bytes", "Number of bytes consumed by the container.", ({ rootfs }) => rootfs?.usedBytes),
    network("container_network_receive_bytes_total", "Cumulative count of bytes received", "rxBytes"),
    network("container_network_transmit_bytes_total", "Cumulative count of bytes transmitted", "txBytes"),
  ].join("\n")}\n`;
}
