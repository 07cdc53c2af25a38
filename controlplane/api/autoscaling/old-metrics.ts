import type { MetricSpec, MetricStatus, MetricTarget, MetricValueStatus } from "../types/autoscaling/v2.ts";
import type { LabelSelector } from "../types/meta/selector.ts";

/**
 * Metrics as autoscaling/v1 writes them into annotations: the fields that autoscaling/v2 groups under `target`, `current` and `metric`
 * stand side by side, under the names of the first alpha versions (staging/src/k8s.io/api/autoscaling/v1/types.go).
 */
export interface OldMetric {
  type: string;
  object?: {
    target?: unknown;
    metricName: string;
    targetValue?: string;
    selector?: LabelSelector;
    averageValue?: string;
  };
  pods?: { metricName: string; targetAverageValue?: string; selector?: LabelSelector };
  resource?: OldResource;
  containerResource?: OldResource & { container: string };
  external?: { metricName: string; metricSelector?: LabelSelector; targetValue?: string; targetAverageValue?: string };
}

interface OldResource {
  name: string;
  targetAverageUtilization?: number;
  targetAverageValue?: string;
}

export function toOldMetric({ type, object, pods, resource, containerResource, external }: MetricSpec): OldMetric {
  return {
    type,
    ...(object && {
      object: {
        target: object.describedObject,
        metricName: object.metric.name,
        ...present("targetValue", object.target.value),
        ...present("selector", object.metric.selector),
        ...present("averageValue", object.target.averageValue),
      },
    }),
    ...(pods && {
      pods: {
        metricName: pods.metric.name,
        ...present("targetAverageValue", pods.target.averageValue),
        ...present("selector", pods.metric.selector),
      },
    }),
    ...(resource && { resource: oldResource(resource.name, resource.target) }),
    ...(containerResource && {
      containerResource: {
        ...oldResource(containerResource.name, containerResource.target),
        container: containerResource.container,
      },
    }),
    ...(external && {
      external: {
        metricName: external.metric.name,
        ...present("metricSelector", external.metric.selector),
        ...present("targetValue", external.target.value),
        ...present("targetAverageValue", external.target.averageValue),
      },
    }),
  };
}

export function fromOldMetric({ type, object, pods, resource, containerResource, external }: OldMetric): MetricSpec {
  return {
    type,
    ...(object && {
      object: {
        describedObject: object.target,
        metric: { name: object.metricName, ...present("selector", object.selector) },
        target: targetOf({ value: object.targetValue, averageValue: object.averageValue }),
      },
    }),
    ...(pods && {
      pods: {
        metric: { name: pods.metricName, ...present("selector", pods.selector) },
        target: targetOf({ averageValue: pods.targetAverageValue }),
      },
    }),
    ...(resource && { resource: { name: resource.name, target: resourceTarget(resource) } }),
    ...(containerResource && {
      containerResource: {
        name: containerResource.name,
        target: resourceTarget(containerResource),
        container: containerResource.container,
      },
    }),
    ...(external && {
      external: {
        metric: { name: external.metricName, ...present("selector", external.metricSelector) },
        target: targetOf({ value: external.targetValue, averageValue: external.targetAverageValue }),
      },
    }),
  } as MetricSpec;
}

/** As `OldMetric`, with what was measured in place of what is wanted. */
export interface OldMetricStatus {
  type: string;
  object?: {
    target?: unknown;
    metricName: string;
    currentValue?: string;
    selector?: LabelSelector;
    averageValue?: string;
  };
  pods?: { metricName: string; currentAverageValue?: string; selector?: LabelSelector };
  resource?: OldResourceStatus;
  containerResource?: OldResourceStatus & { container: string };
  external?: {
    metricName: string;
    metricSelector?: LabelSelector;
    currentValue?: string;
    currentAverageValue?: string;
  };
}

interface OldResourceStatus {
  name: string;
  currentAverageUtilization?: number;
  currentAverageValue?: string;
}

export function toOldStatus({
  type,
  object,
  pods,
  resource,
  containerResource,
  external,
}: MetricStatus): OldMetricStatus {
  return {
    type,
    ...(object && {
      object: {
        target: object.describedObject,
        metricName: object.metric.name,
        ...present("currentValue", object.current.value),
        ...present("selector", object.metric.selector),
        ...present("averageValue", object.current.averageValue),
      },
    }),
    ...(pods && {
      pods: {
        metricName: pods.metric.name,
        ...present("currentAverageValue", pods.current.averageValue),
        ...present("selector", pods.metric.selector),
      },
    }),
    ...(resource && { resource: oldResourceStatus(resource.name, resource.current) }),
    ...(containerResource && {
      containerResource: {
        ...oldResourceStatus(containerResource.name, containerResource.current),
        container: containerResource.container,
      },
    }),
    ...(external && {
      external: {
        metricName: external.metric.name,
        ...present("metricSelector", external.metric.selector),
        ...present("currentValue", external.current.value),
        ...present("currentAverageValue", external.current.averageValue),
      },
    }),
  };
}

export function fromOldStatus({
  type,
  object,
  pods,
  resource,
  containerResource,
  external,
}: OldMetricStatus): MetricStatus {
  return {
    type,
    ...(object && {
      object: {
        describedObject: object.target,
        metric: { name: object.metricName, ...present("selector", object.selector) },
        current: { ...present("value", object.currentValue), ...present("averageValue", object.averageValue) },
      },
    }),
    ...(pods && {
      pods: {
        metric: { name: pods.metricName, ...present("selector", pods.selector) },
        current: present("averageValue", pods.currentAverageValue),
      },
    }),
    ...(resource && { resource: { name: resource.name, current: resourceCurrent(resource) } }),
    ...(containerResource && {
      containerResource: {
        name: containerResource.name,
        current: resourceCurrent(containerResource),
        container: containerResource.container,
      },
    }),
    ...(external && {
      external: {
        metric: { name: external.metricName, ...present("selector", external.metricSelector) },
        current: {
          ...present("value", external.currentValue),
          ...present("averageValue", external.currentAverageValue),
        },
      },
    }),
  } as MetricStatus;
}

function oldResource(name: string, target: MetricTarget): OldResource {
  return {
    name,
    ...present("targetAverageUtilization", target.averageUtilization),
    ...present("targetAverageValue", target.averageValue),
  };
}

function resourceTarget(old: OldResource): MetricTarget {
  if (old.targetAverageUtilization === undefined) return targetOf({ averageValue: old.targetAverageValue });
  return { type: "Utilization", averageUtilization: old.targetAverageUtilization };
}

function targetOf({
  value,
  averageValue,
}: {
  value?: string | undefined;
  averageValue?: string | undefined;
}): MetricTarget {
  const type = averageValue === undefined ? "Value" : "AverageValue";
  return { type, ...present("value", value), ...present("averageValue", averageValue) };
}

function oldResourceStatus(name: string, current: MetricValueStatus): OldResourceStatus {
  return {
    name,
    ...present("currentAverageUtilization", current.averageUtilization),
    ...present("currentAverageValue", current.averageValue),
  };
}

function resourceCurrent(old: OldResourceStatus): MetricValueStatus {
  return {
    ...present("averageUtilization", old.currentAverageUtilization),
    ...present("averageValue", old.currentAverageValue),
  };
}

function present<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V };
}
