import {
  type HorizontalPodAutoscaler,
  type HorizontalPodAutoscalerCondition,
  type MetricStatus,
  matchesLabels,
  type Pod,
  parseLabelSelector,
  Quantity,
  type Scale,
} from "../../api/mod.ts";
import { type EventRecorder, type Informer, keyOf, type ObjectKey, splitKey, timestamp } from "../../client/mod.ts";
import { withCondition } from "../common/conditions.ts";
import type { ControllerContext } from "../common/controller.ts";
import { sameJson } from "../common/equality.ts";
import { type History, limit, noHistory, remember } from "./behavior.ts";
import { type Evaluation, evaluate, MetricUnavailable } from "./evaluate.ts";
import type { MetricsClient } from "./metrics-client.ts";
import type { Kinds, ScaleTarget } from "./scale-target.ts";

export interface AutoscalerOptions {
  readonly syncPeriodMs: number;
  /** A ratio this close to one is none. */
  readonly tolerance: number;
  readonly cpuInitializationMs: number;
  readonly initialReadinessDelayMs: number;
}

/** What a look at an autoscaler needs. The maps outlive it. */
export interface Tools {
  readonly context: ControllerContext;
  readonly options: AutoscalerOptions;
  readonly pods: Informer<Pod>;
  readonly kinds: Kinds;
  readonly targets: ScaleTarget;
  readonly metrics: MetricsClient;
  readonly events: EventRecorder;
  readonly histories: Map<ObjectKey, History>;
  /** The pods each one scales, as its target's selector: two for one pod would pull in two directions. */
  readonly selectors: Map<ObjectKey, string>;
}

interface Decision {
  readonly replicas: number;
  /** For the event, such as "cpu resource utilization (percentage of request) above target". */
  readonly reason: string;
  readonly currentMetrics: MetricStatus[];
}

/** One look at one autoscaler: reads, decides, scales, and writes down why. */
export class Round {
  readonly #tools: Tools;
  readonly #autoscaler: HorizontalPodAutoscaler;
  readonly #key: ObjectKey;
  readonly #nowMs: number;
  #conditions: HorizontalPodAutoscalerCondition[];

  constructor(tools: Tools, autoscaler: HorizontalPodAutoscaler) {
    this.#tools = tools;
    this.#autoscaler = autoscaler;
    this.#key = keyOf(autoscaler);
    this.#nowMs = this.#tools.context.clock.now();
    this.#conditions = autoscaler.status?.conditions ?? [];
  }

  async run(signal: AbortSignal): Promise<void> {
    const { spec, status } = this.#autoscaler;
    const namespace = this.#autoscaler.metadata.namespace ?? "";
    let scale: Scale;
    try {
      scale = await this.#tools.targets.get(namespace, spec.scaleTargetRef, signal);
    } catch (error) {
      const { message } = error as Error;
      this.#say("Warning", "FailedGetScale", message);
      const said = `the HPA controller was unable to get the target's current scale: ${message}`;
      this.#condition("AbleToScale", "False", "FailedGetScale", said);
      return this.#write(
        status?.currentReplicas ?? 0,
        status?.desiredReplicas ?? 0,
        status?.currentMetrics,
        false,
        signal,
      );
    }
    const able = "the HPA controller was able to get the target's current scale";
    this.#condition("AbleToScale", "True", "SucceededGetScale", able);
    const current = scale.spec?.replicas ?? 0;
    const decision = await this.#decide(scale, current, signal);
    if (decision === undefined)
      return this.#write(current, status?.desiredReplicas ?? 0, status?.currentMetrics, false, signal);
    const { replicas, reason, currentMetrics } = decision;
    if (replicas === current) return this.#write(current, current, currentMetrics, false, signal);
    try {
      await this.#tools.targets.set(namespace, spec.scaleTargetRef, scale, replicas, signal);
    } catch (error) {
      const { message } = error as Error;
      this.#say("Warning", "FailedRescale", `New size: ${replicas}; reason: ${reason}; error: ${message}`);
      const said = `the HPA controller was unable to update the target scale: ${message}`;
      this.#condition("AbleToScale", "False", "FailedUpdateScale", said);
      return this.#write(current, status?.desiredReplicas ?? 0, currentMetrics, false, signal);
    }
    const said = `the HPA controller was able to update the target scale to ${replicas}`;
    this.#condition("AbleToScale", "True", "SucceededRescale", said);
    this.#say("Normal", "SuccessfulRescale", `New size: ${replicas}; reason: ${reason}`);
    this.#noteScaling(replicas - current);
    await this.#write(current, replicas, currentMetrics, true, signal);
  }

  async #decide(scale: Scale, current: number, signal: AbortSignal): Promise<Decision | undefined> {
    const { minReplicas = 1, maxReplicas } = this.#autoscaler.spec;
    const currentMetrics = this.#autoscaler.status?.currentMetrics ?? [];
    if (current === 0 && minReplicas !== 0) {
      const message = "scaling is disabled since the replica count of the target is zero";
      this.#condition("ScalingActive", "False", "ScalingDisabled", message);
      return { replicas: 0, reason: "", currentMetrics: [] };
    }
    if (current > maxReplicas)
      return { replicas: maxReplicas, reason: "Current number of replicas above Spec.MaxReplicas", currentMetrics };
    if (current < minReplicas)
      return { replicas: minReplicas, reason: "Current number of replicas below Spec.MinReplicas", currentMetrics };
    const proposal = await this.#proposal(scale, current, signal);
    if (proposal === undefined) return undefined;
    const history = this.#tools.histories.get(this.#key) ?? noHistory;
    const limited = limit(this.#autoscaler.spec, current, proposal.replicas, history, this.#nowMs);
    const recommendations = [...history.recommendations, { replicas: proposal.replicas, atMs: this.#nowMs }];
    this.#tools.histories.set(this.#key, remember({ ...history, recommendations }, this.#autoscaler.spec, this.#nowMs));
    this.#condition("AbleToScale", "True", limited.able.reason, limited.able.message);
    this.#condition("ScalingLimited", limited.limited.status, limited.limited.reason, limited.limited.message);
    return { ...proposal, replicas: limited.replicas };
  }

  /** The metric that asks for most decides. One that says nothing must not lead to fewer pods. */
  async #proposal(scale: Scale, current: number, signal: AbortSignal): Promise<Decision | undefined> {
    const selector = scale.status?.selector ?? "";
    if (selector === "") {
      this.#say("Warning", "SelectorRequired", "selector is required");
      return this.#inactive("InvalidSelector", "the HPA target's scale is missing a selector");
    }
    const pods = this.#podsOf(selector);
    if (pods === undefined) return undefined;
    const { metrics: specs = [] } = this.#autoscaler.spec;
    const found: Evaluation[] = [];
    const failures: MetricUnavailable[] = [];
    for (const spec of specs) {
      try {
        found.push(
          await evaluate(
            spec,
            {
              namespace: this.#autoscaler.metadata.namespace ?? "",
              selector,
              pods,
              currentReplicas: current,
              statusReplicas: scale.status?.replicas ?? 0,
              tolerance: this.#tolerance(),
              readiness: this.#tools.options,
              nowMs: this.#nowMs,
            },
            this.#tools.metrics,
            this.#tools.kinds,
            signal,
          ),
        );
      } catch (error) {
        if (!(error instanceof MetricUnavailable)) throw error;
        failures.push(error);
        this.#say("Warning", error.reason, error.message);
      }
    }
    const most = found.reduce<Evaluation | undefined>(
      (a, b) => (a === undefined || b.replicas > a.replicas ? b : a),
      undefined,
    );
    const [failure] = failures;
    if (failure !== undefined && (most === undefined || most.replicas < current)) {
      const why = `invalid metrics (${failures.length} invalid out of ${specs.length}), first error is: ${failure.message}`;
      this.#say("Warning", "FailedComputeMetricsReplicas", why);
      return this.#inactive(failure.reason, `the HPA was unable to compute the replica count: ${failure.message}`);
    }
    if (most === undefined) return undefined;
    const valid = `the HPA was able to successfully calculate a replica count from ${most.name}`;
    this.#condition("ScalingActive", "True", "ValidMetricFound", valid);
    const reason = most.replicas < current ? "All metrics below target" : `${most.name} above target`;
    return { replicas: most.replicas, reason, currentMetrics: found.map(({ status }) => status) };
  }

  #podsOf(selector: string): Pod[] | undefined {
    const parsed = parseLabelSelector(selector);
    if (!parsed.ok)
      return this.#inactive(
        "InvalidSelector",
        "couldn't convert selector into a corresponding internal selector object",
      );
    const { selectors, pods } = this.#tools;
    selectors.set(this.#key, selector);
    const namespace = this.#autoscaler.metadata.namespace ?? "";
    const mine = pods.lister
      .inNamespace(namespace)
      .filter(({ metadata }) => matchesLabels(parsed.selector, metadata.labels ?? {}));
    const others = [...selectors].filter(([key, text]) => {
      const other = parseLabelSelector(text);
      if (key === this.#key || splitKey(key).namespace !== namespace || !other.ok) return false;
      return mine.some(({ metadata }) => matchesLabels(other.selector, metadata.labels ?? {}));
    });
    if (others.length === 0) return mine;
    const all = [this.#key, ...others.map(([key]) => key)].sort().join(" ");
    const message = `pods by selector ${selector} are controlled by multiple HPAs: [${all}]`;
    this.#say("Warning", "AmbiguousSelector", message);
    return this.#inactive("AmbiguousSelector", message);
  }

  #tolerance() {
    const { behavior } = this.#autoscaler.spec;
    const of = (text: string | undefined) =>
      text === undefined ? this.#tools.options.tolerance : Quantity.of(text).milliValue() / 1000;
    return { up: of(behavior?.scaleUp?.tolerance), down: of(behavior?.scaleDown?.tolerance) };
  }

  #noteScaling(change: number): void {
    const history = this.#tools.histories.get(this.#key) ?? noHistory;
    const event = { change: Math.abs(change), atMs: this.#nowMs };
    const next =
      change > 0 ? { ...history, ups: [...history.ups, event] } : { ...history, downs: [...history.downs, event] };
    this.#tools.histories.set(this.#key, next);
  }

  #inactive(reason: string, message: string): undefined {
    this.#condition("ScalingActive", "False", reason, message);
  }

  #condition(type: string, status: "True" | "False", reason: string, message: string): void {
    const lastTransitionTime = timestamp(this.#nowMs);
    const before = this.#conditions.find((it) => it.type === type);
    const next = { type, status, reason, message, lastTransitionTime };
    // The wording follows also while status and reason stay.
    if (before?.status === status && before.reason === reason)
      this.#conditions = this.#conditions.map((it) => (it.type === type ? { ...it, message } : it));
    else this.#conditions = withCondition(this.#conditions, next);
  }

  #say(type: "Normal" | "Warning", reason: string, message: string): void {
    this.#tools.events.event(this.#autoscaler, type, reason, message);
  }

  async #write(
    currentReplicas: number,
    desiredReplicas: number,
    currentMetrics: MetricStatus[] | undefined,
    rescaled: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    const before = this.#autoscaler.status;
    const lastScaleTime = rescaled ? timestamp(this.#nowMs) : before?.lastScaleTime;
    const status = {
      observedGeneration: this.#autoscaler.metadata.generation,
      ...(lastScaleTime === undefined ? {} : { lastScaleTime }),
      currentReplicas,
      desiredReplicas,
      ...(currentMetrics === undefined ? {} : { currentMetrics }),
      conditions: this.#conditions,
    };
    if (sameJson(before, status)) return;
    await this.#tools.context.client.horizontalPodAutoscalers.updateStatus({ ...this.#autoscaler, status }, { signal });
  }
}
