import {
  formatSelector,
  fromLabelSelector,
  type LabelSelector,
  type MetricSpec,
  type MetricStatus,
  type MetricTarget,
  type Pod,
  podTotals,
  Quantity,
} from "../../api/mod.ts";
import { isReady } from "../common/pods.ts";
import type { MetricsClient } from "./metrics-client.ts";
import { groupPods, type PodMetrics, type Readiness } from "./pod-groups.ts";
import { forAverage, forShare, forUtilization, forValue, type Tolerance } from "./replica-calculator.ts";
import type { Kinds } from "./scale-target.ts";

/** What is known when an autoscaler's metrics are looked at. */
export interface Situation {
  readonly namespace: string;
  /** As the target's scale states it. */
  readonly selector: string;
  readonly pods: readonly Pod[];
  readonly currentReplicas: number;
  readonly statusReplicas: number;
  readonly tolerance: Tolerance;
  readonly readiness: Readiness;
  readonly nowMs: number;
}

export interface Evaluation {
  readonly replicas: number;
  readonly status: MetricStatus;
  /** For messages, such as "cpu resource utilization (percentage of request)". */
  readonly name: string;
}

/** A metric that says nothing now. `reason`: of the condition ScalingActive and the event. */
export class MetricUnavailable extends Error {
  readonly reason: string;

  constructor(reason: string, message: string, cause: unknown) {
    super(message, { cause });
    this.reason = reason;
  }
}

const milliText = (milli: number) => Quantity.fromMilli(milli).toString();
const milliOf = (text: string | undefined) => Quantity.of(text).milliValue();

function textOf(selector: LabelSelector | undefined): string {
  if (selector === undefined) return "";
  const result = fromLabelSelector(selector);
  return result.ok ? formatSelector(result.selector) : "";
}

/** How many replicas one metric asks for. Throws MetricUnavailable. */
export async function evaluate(
  spec: MetricSpec,
  situation: Situation,
  metrics: MetricsClient,
  kinds: Kinds,
  signal: AbortSignal,
): Promise<Evaluation> {
  const failing = async (reason: string, what: string, work: () => Promise<Evaluation>) => {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted) throw error;
      throw new MetricUnavailable(reason, `failed to get ${what}: ${(error as Error).message}`, error);
    }
  };
  const { namespace, selector } = situation;
  switch (spec.type) {
    case "Resource": {
      const { name = "", target } = spec.resource ?? {};
      return failing("FailedGetResourceMetric", `${name} resource metric value`, async () => {
        const measured = await metrics.resource(namespace, selector, name, undefined, signal);
        const { current, replicas, label } = ofResource(name, target, undefined, measured, situation);
        return {
          replicas,
          status: { type: "Resource", resource: { name, current } },
          name: `${name} resource${label}`,
        };
      });
    }
    case "ContainerResource": {
      const { name = "", container = "", target } = spec.containerResource ?? {};
      return failing("FailedGetContainerResourceMetric", `${name} container metric value`, async () => {
        const measured = await metrics.resource(namespace, selector, name, container, signal);
        const { current, replicas, label } = ofResource(name, target, container, measured, situation);
        const status = { type: "ContainerResource", containerResource: { name, container, current } };
        return { replicas, status, name: `${name} container resource${label}` };
      });
    }
    case "Pods": {
      const { metric, target } = spec.pods ?? {};
      const name = metric?.name ?? "";
      return failing("FailedGetPodsMetric", "pods metric value", async () => {
        const measured = await metrics.pods(namespace, selector, name, textOf(metric?.selector), signal);
        const { currentReplicas, tolerance } = situation;
        const proposal = forAverage(
          currentReplicas,
          milliOf(target?.averageValue),
          groupsOf(situation, measured, false),
          measured,
          tolerance,
        );
        const current = { averageValue: milliText(proposal.averageMilli) };
        const status = { type: "Pods", pods: { metric: metric ?? { name }, current } };
        return { replicas: proposal.replicas, status, name: `pods metric ${name}` };
      });
    }
    case "Object": {
      const { metric, target, describedObject = { kind: "", name: "" } } = spec.object ?? {};
      const name = metric?.name ?? "";
      return failing("FailedGetObjectMetric", "object metric value", async () => {
        const { group, plural } = await kinds.find(describedObject, signal);
        const resource = group === "" ? plural : `${plural}.${group}`;
        const milli = await metrics.object(
          namespace,
          describedObject,
          resource,
          name,
          textOf(metric?.selector),
          signal,
        );
        const { replicas, current } = ofOneValue(target, milli, situation);
        const status = { type: "Object", object: { metric: metric ?? { name }, describedObject, current } };
        return { replicas, status, name: `${describedObject.kind} metric ${name}` };
      });
    }
    case "External": {
      const { metric, target } = spec.external ?? {};
      const name = metric?.name ?? "";
      return failing("FailedGetExternalMetric", `${name} external metric value`, async () => {
        const milli = await metrics.external(namespace, name, textOf(metric?.selector), signal);
        const { replicas, current } = ofOneValue(target, milli, situation);
        const status = { type: "External", external: { metric: metric ?? { name }, current } };
        return { replicas, status, name: `external metric ${name}(${textOf(metric?.selector) || "nil"})` };
      });
    }
    default:
      throw new MetricUnavailable("InvalidMetricSourceType", `unknown metric source type "${spec.type}"`, undefined);
  }
}

function groupsOf({ pods, readiness, nowMs }: Situation, measured: PodMetrics, isCpu: boolean) {
  if (pods.length === 0) throw new Error("no pods returned by selector while calculating replica count");
  return groupPods(pods, measured, isCpu, readiness, nowMs);
}

function ofResource(
  name: string,
  target: MetricTarget | undefined,
  container: string | undefined,
  measured: PodMetrics,
  situation: Situation,
) {
  const { currentReplicas, tolerance, pods } = situation;
  const groups = groupsOf(situation, measured, name === "cpu");
  if (target?.averageValue !== undefined) {
    const proposal = forAverage(currentReplicas, milliOf(target.averageValue), groups, measured, tolerance);
    return { replicas: proposal.replicas, current: { averageValue: milliText(proposal.averageMilli) }, label: "" };
  }
  const requests = requestsOf(pods, name, container);
  const percent = target?.averageUtilization ?? 0;
  const { replicas, averageMilli, utilization } = forUtilization(
    currentReplicas,
    percent,
    groups,
    measured,
    requests,
    tolerance,
  );
  const current = { averageUtilization: utilization, averageValue: milliText(averageMilli) };
  return { replicas, current, label: " utilization (percentage of request)" };
}

/** A share needs a whole: a pod whose containers do not all say what they request has none. */
function requestsOf(pods: readonly Pod[], resource: string, container: string | undefined): Map<string, number> {
  const requests = new Map<string, number>();
  for (const { metadata, spec } of pods) {
    const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
    const stated = podTotals({ ...spec, containers: [], initContainers: [], overhead: undefined }, "requests").get(
      resource,
    );
    let total = stated?.milliValue() ?? 0;
    for (const { name, resources } of [...spec.containers, ...sidecars]) {
      if ((container !== undefined && name !== container) || (container === undefined && stated !== undefined))
        continue;
      const request = resources?.requests?.[resource];
      if (request === undefined)
        throw new Error(`missing request for ${resource} in container ${name} of Pod ${metadata.name}`);
      total += milliOf(request);
    }
    requests.set(metadata.name ?? "", total);
  }
  return requests;
}

function ofOneValue(target: MetricTarget | undefined, milli: number, situation: Situation) {
  const { currentReplicas, statusReplicas, tolerance, pods } = situation;
  if (target?.averageValue !== undefined) {
    const { replicas, averageMilli } = forShare(statusReplicas, milliOf(target.averageValue), milli, tolerance);
    return { replicas, current: { averageValue: milliText(averageMilli) } };
  }
  const readyPods = pods.filter((pod) => pod.status?.phase === "Running" && isReady(pod)).length;
  const replicas = forValue(currentReplicas, milliOf(target?.value), milli, readyPods, tolerance);
  return { replicas, current: { value: milliText(milli) } };
}
