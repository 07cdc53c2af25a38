import type { Service } from "../../api/mod.ts";
import {
  type EventRecorder,
  type Informer,
  keyOf,
  type ObjectKey,
  splitKey,
  type WorkQueue,
} from "../../client/mod.ts";
import { type Controller, type ControllerContext, controllerQueue, recorderFor } from "../common/controller.ts";
import { sameJson } from "../common/equality.ts";
import { WrittenCache } from "../common/written-cache.ts";
import { AddressPool } from "./address-pool.ts";
import { cleanupFinalizer, plan, wantsAddress } from "./plan.ts";

/** Gives Services of type LoadBalancer addresses of a pool. Who leads packets to them is not its business: nodes and edge do. */
export class LoadBalancerController implements Controller {
  readonly name = "service-lb-controller";
  /** One: an address that was just given must be seen by the next that asks. */
  readonly workers = 1;
  readonly queue: WorkQueue;
  readonly #context: ControllerContext;
  readonly #pool: AddressPool;
  readonly #informer: Informer<Service>;
  readonly #services: WrittenCache<Service>;
  readonly #events: EventRecorder;

  /** Throws RangeError when the pool is no IPv4 range. */
  constructor(context: ControllerContext, poolCIDR: string) {
    this.#context = context;
    this.#pool = new AddressPool(poolCIDR);
    this.queue = controllerQueue(this.name, context);
    this.#events = recorderFor("service-controller", context);
    this.#informer = context.informers.informer(context.client.services);
    this.#services = new WrittenCache(this.#informer);
    const look = (service: Service) => this.queue.add(keyOf(service));
    this.#informer.addHandler({
      onAdd: look,
      onUpdate: (old, now) => {
        look(now);
        if ((old.status?.loadBalancer?.ingress ?? []).length > 0) this.#waiting();
      },
      onDelete: () => this.#waiting(),
    });
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<undefined> {
    const { namespace = "", name } = splitKey(key);
    const service = this.#services.get(namespace, name);
    if (service === undefined) return;
    const decision = plan(service, this.#services.list(), this.#pool);
    switch (decision.do) {
      case "assign":
        return this.#assign(service, decision.ip, signal);
      case "release":
        return this.#release(service, signal);
      case "fail": {
        const message = `Error syncing load balancer: failed to ensure load balancer: ${decision.why}`;
        this.#events.event(service, "Warning", "SyncLoadBalancerFailed", message);
      }
    }
  }

  async #assign(service: Service, ip: string, signal: AbortSignal): Promise<undefined> {
    const ingress = [{ ip, ipMode: "VIP" as const }];
    const { finalizers = [] } = service.metadata;
    const held = finalizers.includes(cleanupFinalizer);
    const given = sameJson(service.status?.loadBalancer?.ingress, ingress);
    if (held && given) return;
    this.#events.event(service, "Normal", "EnsuringLoadBalancer", "Ensuring load balancer");
    const { services } = this.#context.client;
    let current = service;
    if (!held) {
      const metadata = { ...service.metadata, finalizers: [...finalizers, cleanupFinalizer] };
      current = this.#services.written(await services.update({ ...service, metadata }, { signal }));
    }
    if (!given) {
      const status = { ...current.status, loadBalancer: { ingress } };
      this.#services.written(await services.updateStatus({ ...current, status }, { signal }));
    }
    this.#events.event(service, "Normal", "EnsuredLoadBalancer", "Ensured load balancer");
  }

  async #release(service: Service, signal: AbortSignal): Promise<undefined> {
    const { services } = this.#context.client;
    this.#events.event(service, "Normal", "DeletingLoadBalancer", "Deleting load balancer");
    let current = service;
    // First the address, then the finalizer: a Service that is gone holds nothing.
    if ((service.status?.loadBalancer?.ingress ?? []).length > 0) {
      const status = { ...service.status, loadBalancer: {} };
      current = this.#services.written(await services.updateStatus({ ...service, status }, { signal }));
    }
    const finalizers = current.metadata.finalizers?.filter((it) => it !== cleanupFinalizer);
    const metadata = { ...current.metadata, finalizers };
    this.#services.written(await services.update({ ...current, metadata }, { signal }));
    this.#events.event(service, "Normal", "DeletedLoadBalancer", "Deleted load balancer");
    this.#waiting();
  }

  /** An address may have become free. */
  #waiting(): void {
    for (const service of this.#informer.lister.list()) {
      if (wantsAddress(service) && (service.status?.loadBalancer?.ingress ?? []).length === 0)
        this.queue.add(keyOf(service));
    }
  }
}
