import type { EndpointSlice, Endpoints, Node, Pod, Service } from "../../api/mod.ts";
import {
  type EventRecorder,
  type Informer,
  isAlreadyExists,
  isConflict,
  isNamespaceTerminating,
  isNotFound,
  keyFor,
  keyOf,
  type ObjectKey,
  splitKey,
  timestamp,
  type WorkQueue,
} from "../../client/mod.ts";
import { type Controller, type ControllerContext, controllerQueue, recorderFor } from "../common/controller.ts";
import { sameJson } from "../common/equality.ts";
import { Expectations } from "../common/expectations.ts";
import { selects } from "../common/label-selector.ts";
import { controllerReference } from "../common/owners.ts";
import { podCondition } from "../common/pods.ts";
import { desiredGroups } from "./desired.ts";
import { desiredEndpoints, endpointsManagedBy, endpointsManagedByLabel, overCapacityAnnotation } from "./endpoints.ts";
import { managedBy, managedByLabel, plan, serviceNameLabel, sliceLabels, triggerTimeAnnotation } from "./plan.ts";

/** Writes down which pods are behind a Service: EndpointSlices, and Endpoints for those who still read them. */
export class EndpointSliceController implements Controller {
  readonly name = "endpoint-slice-controller";
  readonly workers = 5;
  readonly queue: WorkQueue;
  readonly #context: ControllerContext;
  readonly #services: Informer<Service>;
  readonly #pods: Informer<Pod>;
  readonly #nodes: Informer<Node>;
  readonly #slices: Informer<EndpointSlice>;
  readonly #endpoints: Informer<Endpoints>;
  readonly #events: EventRecorder;
  /** Slices that were made and are not in the cache yet: without them the same endpoints would be written twice. */
  readonly #expectations: Expectations;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.queue = controllerQueue(this.name, context);
    this.#events = recorderFor(this.name, context);
    this.#expectations = new Expectations(context.clock);
    const { client, informers } = context;
    this.#services = informers.informer(client.services);
    this.#pods = informers.informer(client.pods);
    this.#nodes = informers.informer(client.nodes);
    this.#slices = informers.informer(client.endpointSlices);
    this.#endpoints = informers.informer(client.endpoints);
    this.#services.addHandler({
      onAdd: (service) => this.queue.add(keyOf(service)),
      onUpdate: (_, service) => this.queue.add(keyOf(service)),
      onDelete: (service) => {
        this.#expectations.forget(keyOf(service));
        this.queue.add(keyOf(service));
      },
    });
    this.#pods.addHandler({
      onAdd: (pod) => this.#servicesOf(pod),
      onUpdate: (old, pod) => this.#podChanged(old, pod),
      onDelete: (pod) => this.#servicesOf(pod),
    });
    // Somebody else changed what we wrote: bring it back.
    const changed = (slice: EndpointSlice) => this.#sliceChanged(slice);
    this.#slices.addHandler({
      onAdd: (slice) => this.#sliceAdded(slice),
      onUpdate: (_, slice) => changed(slice),
      onDelete: changed,
    });
    this.#endpoints.addHandler({ onDelete: (endpoints) => this.queue.add(keyOf(endpoints)) });
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<undefined> {
    const { namespace = "", name } = splitKey(key);
    const service = this.#services.lister.get(namespace, name);
    if (service === undefined) {
      // Slices have the Service as owner; Endpoints have the same name and no owner.
      await ignoreNotFound(this.#context.client.endpoints.delete(namespace, name, { signal }));
      return;
    }
    const { selector, type } = service.spec;
    // Without a selector somebody else writes the addresses; an external name has none.
    if (selector === undefined || Object.keys(selector).length === 0 || type === "ExternalName") return;
    if (service.metadata.deletionTimestamp !== undefined) return;
    const pods = this.#pods.lister
      .inNamespace(namespace)
      .filter(({ metadata }) => selects({ matchLabels: selector }, metadata.labels));
    try {
      await this.#writeSlices(service, pods, signal);
      await this.#writeEndpoints(service, pods, signal);
    } catch (error) {
      if (isNamespaceTerminating(error) || signal.aborted) return;
      // Somebody was faster: that is no trouble to tell users of.
      if (isConflict(error)) throw error;
      const message = `Error updating Endpoint Slices for Service ${key}: ${(error as Error).message}`;
      this.#events.event(service, "Warning", "FailedToUpdateEndpointSlices", message);
      throw error;
    }
  }

  async #writeSlices(service: Service, pods: readonly Pod[], signal: AbortSignal): Promise<void> {
    const { client } = this.#context;
    const { namespace = "", name } = service.metadata;
    const key = keyOf(service);
    if (!this.#expectations.satisfied(key)) return; // their arrival brings us back here
    const existing = this.#slices.lister
      .inNamespace(namespace)
      .filter(({ metadata: { labels, deletionTimestamp } }) => {
        const ours = labels?.[managedByLabel] === managedBy && labels[serviceNameLabel] === name;
        return ours && deletionTimestamp === undefined;
      });
    const groups = desiredGroups(service, pods, (node) => this.#nodes.lister.get(undefined, node));
    const { create, update, remove } = plan(service, groups, existing);
    const annotations = this.#trigger(service, pods);
    for (const { addressType, ports, endpoints } of create) {
      const metadata = {
        name: "",
        generateName: `${name}-`,
        namespace,
        labels: sliceLabels(service),
        annotations,
        ownerReferences: [controllerReference(service, "v1", "Service")],
      };
      const slice = { metadata, addressType, ports: [...ports], endpoints: [...endpoints] };
      this.#expectations.expectCreations(key, 1);
      try {
        await client.endpointSlices.create(slice, { signal });
      } catch (error) {
        this.#expectations.creationObserved(key);
        throw error;
      }
    }
    for (const slice of update) {
      const noted = { ...slice.metadata, annotations: { ...slice.metadata.annotations, ...annotations } };
      await client.endpointSlices.update({ ...slice, metadata: noted }, { signal });
    }
    for (const { metadata } of remove) {
      await ignoreNotFound(client.endpointSlices.delete(metadata.namespace, metadata.name, { signal }));
    }
  }

  async #writeEndpoints(service: Service, pods: readonly Pod[], signal: AbortSignal): Promise<void> {
    const { client } = this.#context;
    const { namespace = "", name, labels: serviceLabels } = service.metadata;
    const { subsets, truncated } = desiredEndpoints(service, pods);
    const headless: Record<string, string> =
      service.spec.clusterIP === "None" ? { "service.kubernetes.io/headless": "" } : {};
    const labels = { ...serviceLabels, ...headless, [endpointsManagedByLabel]: endpointsManagedBy };
    const current = this.#endpoints.lister.get(namespace, name);
    const truncatedBefore = current?.metadata.annotations?.[overCapacityAnnotation] === "truncated";
    const same = sameJson(current?.subsets ?? [], subsets) && sameJson(current?.metadata.labels ?? {}, labels);
    if (current !== undefined && same && truncated === truncatedBefore) return;
    const { [overCapacityAnnotation]: _old, ...kept } = current?.metadata.annotations ?? {};
    const mark: Record<string, string> = truncated ? { [overCapacityAnnotation]: "truncated" } : {};
    const annotations = { ...kept, ...this.#trigger(service, pods), ...mark };
    if (current !== undefined) {
      await client.endpoints.update(
        { ...current, metadata: { ...current.metadata, labels, annotations }, subsets },
        { signal },
      );
      return;
    }
    try {
      await client.endpoints.create({ metadata: { name, namespace, labels, annotations }, subsets }, { signal });
    } catch (error) {
      // Made a moment ago: its event brings us back here.
      if (!isAlreadyExists(error)) throw error;
    }
  }

  /** When the newest cause of this change happened: proxies measure their delay from it. */
  #trigger(service: Service, pods: readonly Pod[]): Record<string, string> {
    const since = (pod: Pod) => podCondition(pod.status, "Ready")?.lastTransitionTime ?? "";
    const newest = [service.metadata.creationTimestamp ?? "", ...pods.map(since)].sort().at(-1);
    return { [triggerTimeAnnotation]: newest || timestamp(this.#context.clock.now()) };
  }

  #podChanged(old: Pod, pod: Pod): void {
    if (sameJson(relevant(old), relevant(pod))) return;
    if (!sameJson(old.metadata.labels, pod.metadata.labels)) this.#servicesOf(old);
    this.#servicesOf(pod);
  }

  #servicesOf(pod: Pod): void {
    for (const service of this.#services.lister.inNamespace(pod.metadata.namespace ?? "")) {
      const { selector } = service.spec;
      if (selector === undefined || Object.keys(selector).length === 0) continue;
      if (selects({ matchLabels: selector }, pod.metadata.labels)) this.queue.add(keyOf(service));
    }
  }

  #sliceAdded(slice: EndpointSlice): void {
    const { namespace, labels } = slice.metadata;
    if (labels?.[managedByLabel] === managedBy) {
      this.#expectations.creationObserved(keyFor(namespace, labels[serviceNameLabel] ?? ""));
    }
    this.#sliceChanged(slice);
  }

  #sliceChanged({ metadata: { namespace, labels } }: EndpointSlice): void {
    const service = labels?.[serviceNameLabel];
    if (service !== undefined && labels?.[managedByLabel] === managedBy) this.queue.add(keyFor(namespace, service));
  }
}

/** What of a pod shows in endpoints. */
function relevant({ metadata, spec, status }: Pod): unknown {
  const ready = podCondition(status, "Ready")?.status;
  const { deletionTimestamp, labels } = metadata;
  return [
    deletionTimestamp,
    labels,
    spec.nodeName,
    spec.hostname,
    spec.subdomain,
    status?.podIPs,
    status?.podIP,
    status?.phase,
    ready,
  ];
}

async function ignoreNotFound(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
