import { decode } from "../schema/decode.ts";
import type { Message } from "../schema/field.ts";
import { parseJson } from "../schema/json.ts";
import type { HorizontalPodAutoscaler as V1 } from "../types/autoscaling/v1.ts";
import {
  HorizontalPodAutoscalerBehavior,
  HorizontalPodAutoscalerCondition,
  MetricSpec,
  MetricStatus,
  type HorizontalPodAutoscaler as V2,
} from "../types/autoscaling/v2.ts";
import {
  fromOldMetric,
  fromOldStatus,
  type OldMetric,
  type OldMetricStatus,
  toOldMetric,
  toOldStatus,
} from "./old-metrics.ts";

/**
 * autoscaling/v1 knows one metric, the use of CPU. What else there is travels in these annotations, so that an object read and written
 * back through v1 loses nothing (pkg/apis/autoscaling/v1/conversion.go). In v2 they do not exist.
 */
const prefix = "autoscaling.alpha.kubernetes.io";
const metricsAnnotation = `${prefix}/metrics`;
const currentMetricsAnnotation = `${prefix}/current-metrics`;
const conditionsAnnotation = `${prefix}/conditions`;
const behaviorAnnotation = `${prefix}/behavior`;
const carriers = [metricsAnnotation, currentMetricsAnnotation, conditionsAnnotation, behaviorAnnotation];

export function autoscalerToV1({ metadata, spec, status }: V2): V1 {
  const { metrics = [], behavior, ...target } = spec;
  const others = metrics.filter((metric) => cpuTarget(metric) === undefined);
  const { currentMetrics = [], conditions = [], currentReplicas = 0, desiredReplicas = 0, ...seen } = status ?? {};
  const carried = withoutCarriers(metadata.annotations);
  if (others.length > 0) carried[metricsAnnotation] = JSON.stringify(others.map(toOldMetric));
  if (currentMetrics.length > 0) carried[currentMetricsAnnotation] = JSON.stringify(currentMetrics.map(toOldStatus));
  if (conditions.length > 0) carried[conditionsAnnotation] = JSON.stringify(conditions);
  if (behavior !== undefined) carried[behaviorAnnotation] = JSON.stringify(goNames(behavior));
  const wanted = firstOf(metrics, cpuTarget);
  const current = firstOf(currentMetrics, cpuCurrent);
  return {
    kind: "HorizontalPodAutoscaler",
    apiVersion: "autoscaling/v1",
    metadata: withAnnotations(metadata, carried),
    spec: { ...target, ...(wanted !== undefined && { targetCPUUtilizationPercentage: wanted }) },
    status: {
      ...seen,
      currentReplicas,
      desiredReplicas,
      ...(current !== undefined && { currentCPUUtilizationPercentage: current }),
    },
  };
}

export function autoscalerFromV1({ metadata, spec, status }: V1): V2 {
  const { targetCPUUtilizationPercentage: wanted, ...target } = spec;
  const { currentCPUUtilizationPercentage: current, currentReplicas, desiredReplicas = 0, ...seen } = status ?? {};
  const carried = metadata.annotations ?? {};
  const metrics = itemsIn<OldMetric, MetricSpec>(carried[metricsAnnotation], MetricSpec, fromOldMetric);
  if (wanted !== undefined) {
    metrics.push({
      type: "Resource",
      resource: { name: "cpu", target: { type: "Utilization", averageUtilization: wanted } },
    });
  }
  const measured = itemsIn<OldMetricStatus, MetricStatus>(
    carried[currentMetricsAnnotation],
    MetricStatus,
    fromOldStatus,
  );
  const cpu = { type: "Resource", resource: { name: "cpu", current: { averageUtilization: current as number } } };
  const currentMetrics = measured.length > 0 || current === undefined ? measured : [cpu];
  const conditions = itemsIn(carried[conditionsAnnotation], HorizontalPodAutoscalerCondition, asItIs);
  const behavior = behaviorIn(carried[behaviorAnnotation]);
  return {
    kind: "HorizontalPodAutoscaler",
    apiVersion: "autoscaling/v2",
    metadata: withAnnotations(metadata, withoutCarriers(carried)),
    spec: {
      ...target,
      ...(metrics.length > 0 && { metrics }),
      ...(behavior && { behavior }),
    },
    status: {
      ...seen,
      ...(currentReplicas && { currentReplicas }),
      desiredReplicas,
      ...(currentMetrics.length > 0 && { currentMetrics }),
      ...(conditions.length > 0 && { conditions }),
    },
  };
}

/** Whether v1's annotations already say by what to scale. */
export function carriesMetrics({ metadata }: V1): boolean {
  return itemsIn(metadata.annotations?.[metricsAnnotation], MetricSpec, fromOldMetric).length > 0;
}

function cpuTarget({ type, resource }: MetricSpec): number | undefined {
  return type === "Resource" && resource?.name === "cpu" ? resource.target.averageUtilization : undefined;
}

function cpuCurrent({ type, resource }: MetricStatus): number | undefined {
  return type === "Resource" && resource?.name === "cpu" ? resource.current.averageUtilization : undefined;
}

function firstOf<T>(items: readonly T[], read: (item: T) => number | undefined): number | undefined {
  return items.map(read).find((value) => value !== undefined);
}

function withAnnotations(metadata: V1["metadata"], annotations: Record<string, string>): V1["metadata"] {
  const { annotations: _, ...rest } = metadata;
  return Object.keys(annotations).length > 0 ? { ...rest, annotations } : rest;
}

function withoutCarriers(annotations: Record<string, string> | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(annotations ?? {}).filter(([key]) => !carriers.includes(key)));
}

/** Annotations are anybody's to write: what cannot be read counts as absent, as it does in the original. */
function parsed(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  const result = parseJson(text);
  return result.ok ? result.value : undefined;
}

const asItIs = (condition: HorizontalPodAutoscalerCondition) => condition;

function itemsIn<Old extends object, T>(text: string | undefined, schema: Message<T>, convert: (old: Old) => T): T[] {
  const value = parsed(text);
  if (!Array.isArray(value) || !value.every((item) => typeof item === "object" && item !== null)) return [];
  const items = (value as Old[]).map((item) => decode(schema, convert(item)));
  return items.every(({ ok }) => ok) ? items.flatMap((item) => (item.ok ? [item.object as T] : [])) : [];
}

function behaviorIn(text: string | undefined): HorizontalPodAutoscalerBehavior | undefined {
  const value = renamed(parsed(text), (key) => key.charAt(0).toLowerCase() + key.slice(1));
  if (value === undefined) return undefined;
  const result = decode(HorizontalPodAutoscalerBehavior, value);
  return result.ok ? (result.object as HorizontalPodAutoscalerBehavior) : undefined;
}

/** The behavior is carried under its Go names, which begin with a capital. */
function goNames(behavior: HorizontalPodAutoscalerBehavior): unknown {
  return renamed(behavior, (key) => key.charAt(0).toUpperCase() + key.slice(1));
}

function renamed(value: unknown, rename: (key: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => renamed(item, rename));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [rename(key), renamed(inner, rename)]));
}
