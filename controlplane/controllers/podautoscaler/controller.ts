import type { HorizontalPodAutoscaler } from "../../api/mod.ts";
import { type Informer, keyOf, type ObjectKey, type Requeue, splitKey, type WorkQueue } from "../../client/mod.ts";
import { type Controller, type ControllerContext, controllerQueue, recorderFor } from "../common/controller.ts";
import { sameJson } from "../common/equality.ts";
import { MetricsClient } from "./metrics-client.ts";
import { type AutoscalerOptions, Round, type Tools } from "./round.ts";
import { Kinds, ScaleTarget } from "./scale-target.ts";

export const autoscalerDefaults: AutoscalerOptions = {
  syncPeriodMs: 15_000,
  tolerance: 0.1,
  cpuInitializationMs: 5 * 60_000,
  initialReadinessDelayMs: 30_000,
};

/** Sets the size of workloads by what their pods, or anything else, measure. */
export class HorizontalPodAutoscalerController implements Controller {
  readonly name = "horizontal-pod-autoscaler";
  readonly workers = 5;
  readonly queue: WorkQueue;
  readonly #autoscalers: Informer<HorizontalPodAutoscaler>;
  readonly #tools: Tools;

  constructor(context: ControllerContext, options: AutoscalerOptions = autoscalerDefaults) {
    this.queue = controllerQueue(this.name, context);
    const { client, informers } = context;
    this.#autoscalers = informers.informer(client.horizontalPodAutoscalers);
    const kinds = new Kinds(client);
    this.#tools = {
      context,
      options,
      kinds,
      pods: informers.informer(client.pods),
      targets: new ScaleTarget(client, kinds),
      metrics: new MetricsClient(client),
      events: recorderFor(this.name, context),
      histories: new Map(),
      selectors: new Map(),
    };
    this.#autoscalers.addHandler({
      onAdd: (autoscaler) => this.queue.add(keyOf(autoscaler)),
      onUpdate: (old, autoscaler) => {
        if (!sameJson(old.spec, autoscaler.spec)) this.queue.add(keyOf(autoscaler));
      },
      onDelete: (autoscaler) => {
        this.#tools.histories.delete(keyOf(autoscaler));
        this.#tools.selectors.delete(keyOf(autoscaler));
      },
    });
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Requeue | undefined> {
    const { namespace = "", name } = splitKey(key);
    const autoscaler = this.#autoscalers.lister.get(namespace, name);
    if (autoscaler === undefined) return undefined;
    await new Round(this.#tools, autoscaler).run(signal);
    return { afterMs: this.#tools.options.syncPeriodMs };
  }
}
