import type { HorizontalPodAutoscaler, MetricSpec, MetricStatus } from "../types/autoscaling/v2.ts";
import { ageColumn, type Column, column, nameColumn, none } from "./column.ts";

export const horizontalPodAutoscalerColumns: readonly Column<HorizontalPodAutoscaler>[] = [
  nameColumn,
  column("Reference", "What it scales.", ({ spec: { scaleTargetRef: target } }) => `${target.kind}/${target.name}`),
  column("Targets", "What its metrics are, and should be.", ({ spec, status }) => {
    return metricsText(spec.metrics ?? [], status?.currentMetrics ?? []);
  }),
  column("MinPods", "Fewest pods.", ({ spec }) => String(spec.minReplicas ?? "<unset>")),
  column("MaxPods", "Most pods.", ({ spec }) => spec.maxReplicas),
  column("Replicas", "Pods there are.", ({ status }) => status?.currentReplicas ?? 0),
  ageColumn,
];

const unknown = "<unknown>";
const shownMetrics = 2;

function metricsText(wanted: readonly MetricSpec[], seen: readonly MetricStatus[]): string {
  if (wanted.length === 0) return none;
  const texts = wanted.map((metric, index) => metricText(metric, seen[index]));
  const shown = texts.slice(0, shownMetrics).join(", ");
  return texts.length > shownMetrics ? `${shown} + ${texts.length - shownMetrics} more...` : shown;
}

function metricText(wanted: MetricSpec, seen: MetricStatus | undefined): string {
  const { external, object, pods, resource, containerResource } = wanted;
  if (external) return valueText(external.target, seen?.external?.current);
  if (object) return valueText(object.target, seen?.object?.current);
  if (pods) return `${seen?.pods?.current.averageValue ?? unknown}/${pods.target.averageValue ?? ""}`;
  const own = resource ?? containerResource;
  if (own === undefined) return "<unknown type>";
  const current = (resource ? seen?.resource : seen?.containerResource)?.current;
  const { averageValue, averageUtilization } = own.target;
  if (averageValue !== undefined) return `${own.name}: ${current?.averageValue ?? unknown}/${averageValue}`;
  return `${own.name}: ${percent(current?.averageUtilization, unknown)}/${percent(averageUtilization, "<auto>")}`;
}

interface Value {
  readonly value?: string;
  readonly averageValue?: string;
}

function valueText(wanted: Value, seen: Value | undefined): string {
  if (wanted.averageValue !== undefined) return `${seen?.averageValue ?? unknown}/${wanted.averageValue} (avg)`;
  return `${seen?.value ?? unknown}/${wanted.value ?? ""}`;
}

function percent(value: number | undefined, absent: string): string {
  return value === undefined ? absent : `${value}%`;
}
