import { type CrossVersionObjectReference, Quantity } from "../../api/mod.ts";
import type { Client } from "../../client/mod.ts";
import type { PodMetric } from "./pod-groups.ts";

interface PodMetricsList {
  readonly items: readonly {
    readonly metadata: { readonly name: string };
    readonly timestamp: string;
    readonly window?: string;
    readonly containers: readonly { readonly name: string; readonly usage: Readonly<Record<string, string>> }[];
  }[];
}

interface MetricValueList {
  readonly items: readonly {
    readonly describedObject?: { readonly name: string };
    readonly timestamp: string;
    readonly windowSeconds?: number;
    readonly value: string;
  }[];
}

/** `30s`, `1m0s`: Go's way to write durations. */
function durationMs(text: string | undefined): number {
  const units: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
  let total = 0;
  for (const [, value, unit] of (text ?? "60s").matchAll(/([\d.]+)(ms|h|m|s)/g))
    total += Number(value) * (units[unit ?? ""] ?? 0);
  return total;
}

/** The three metrics APIs, whoever serves them. Throws ApiError, also when nobody does. */
export class MetricsClient {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  /** metrics.k8s.io. Pods of which a container was not measured are left out. */
  async resource(
    namespace: string,
    labelSelector: string,
    resource: string,
    container: string | undefined,
    signal: AbortSignal,
  ): Promise<Map<string, PodMetric>> {
    const path = `/apis/metrics.k8s.io/v1beta1/namespaces/${namespace}/pods`;
    const { items } = await this.#client.request<PodMetricsList>("GET", path, { query: { labelSelector }, signal });
    const metrics = new Map<string, PodMetric>();
    for (const { metadata, timestamp, window, containers } of items) {
      const counted = container === undefined ? containers : containers.filter(({ name }) => name === container);
      const usages = counted.map(({ usage }) => usage[resource]);
      if (usages.length === 0 || usages.includes(undefined)) continue;
      const milli = usages.reduce((total, usage) => total + Quantity.of(usage).milliValue(), 0);
      metrics.set(metadata.name, { milli, atMs: Date.parse(timestamp), windowMs: durationMs(window) });
    }
    if (metrics.size === 0) throw new Error("no metrics returned from resource metrics API");
    return metrics;
  }

  /** custom.metrics.k8s.io, one value for each pod. */
  async pods(
    namespace: string,
    labelSelector: string,
    metric: string,
    metricLabelSelector: string,
    signal: AbortSignal,
  ): Promise<Map<string, PodMetric>> {
    const path = `/apis/custom.metrics.k8s.io/v1beta2/namespaces/${namespace}/pods/*/${metric}`;
    const query = { labelSelector, metricLabelSelector };
    const { items } = await this.#client.request<MetricValueList>("GET", path, { query, signal });
    if (items.length === 0) throw new Error("no metrics returned from custom metrics API");
    return new Map(
      items.map(({ describedObject, timestamp, windowSeconds = 60, value }) => [
        describedObject?.name ?? "",
        { milli: Quantity.of(value).milliValue(), atMs: Date.parse(timestamp), windowMs: windowSeconds * 1000 },
      ]),
    );
  }

  /** custom.metrics.k8s.io, of one object; `resource` as `services` or `ingresses.networking.k8s.io`. In thousandths. */
  async object(
    namespace: string,
    { kind, name }: CrossVersionObjectReference,
    resource: string,
    metric: string,
    metricLabelSelector: string,
    signal: AbortSignal,
  ): Promise<number> {
    const about = kind === "Namespace" ? `${name}/metrics` : `${namespace}/${resource}/${name}`;
    const path = `/apis/custom.metrics.k8s.io/v1beta2/namespaces/${about}/${metric}`;
    const { items } = await this.#client.request<MetricValueList>("GET", path, {
      query: { metricLabelSelector },
      signal,
    });
    const [first] = items;
    if (first === undefined) throw new Error("no metrics returned from custom metrics API");
    return Quantity.of(first.value).milliValue();
  }

  /** external.metrics.k8s.io: the sum of all series that match. In thousandths. */
  async external(namespace: string, metric: string, labelSelector: string, signal: AbortSignal): Promise<number> {
    const path = `/apis/external.metrics.k8s.io/v1beta1/namespaces/${namespace}/${metric}`;
    const { items } = await this.#client.request<MetricValueList>("GET", path, { query: { labelSelector }, signal });
    if (items.length === 0) throw new Error("no metrics returned from external metrics API");
    return items.reduce((total, { value }) => total + Quantity.of(value).milliValue(), 0);
  }
}
