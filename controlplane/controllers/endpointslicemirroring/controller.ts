import type { EndpointSlice, Endpoints, Service } from "../../api/mod.ts";
import {
  type Informer,
  isAlreadyExists,
  isNotFound,
  keyFor,
  keyOf,
  type ObjectKey,
  splitKey,
  type WorkQueue,
} from "../../client/mod.ts";
import { type Controller, type ControllerContext, controllerQueue } from "../common/controller.ts";
import { sameJson } from "../common/equality.ts";
import { controllerReference } from "../common/owners.ts";
import { managedByLabel, serviceNameLabel } from "../endpointslice/plan.ts";
import { isMirrored, mirror, mirroredBy } from "./plan.ts";

/** Makes EndpointSlices of Endpoints that were written by hand: proxies and DNS read slices only. */
export class EndpointSliceMirroringController implements Controller {
  readonly name = "endpoint-slice-mirroring-controller";
  readonly workers = 2;
  readonly queue: WorkQueue;
  readonly #context: ControllerContext;
  readonly #services: Informer<Service>;
  readonly #endpoints: Informer<Endpoints>;
  readonly #slices: Informer<EndpointSlice>;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.queue = controllerQueue(this.name, context);
    const { client, informers } = context;
    this.#services = informers.informer(client.services);
    this.#endpoints = informers.informer(client.endpoints);
    this.#slices = informers.informer(client.endpointSlices);
    const look = (object: Service | Endpoints) => this.queue.add(keyOf(object));
    this.#services.addHandler({ onAdd: look, onUpdate: (_, now) => look(now), onDelete: look });
    this.#endpoints.addHandler({ onAdd: look, onUpdate: (_, now) => look(now), onDelete: look });
    const slice = ({ metadata: { namespace, labels = {} } }: EndpointSlice) => {
      if (labels[managedByLabel] === mirroredBy) this.queue.add(keyFor(namespace, labels[serviceNameLabel] ?? ""));
    };
    this.#slices.addHandler({ onUpdate: (_, now) => slice(now), onDelete: slice });
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<undefined> {
    const { namespace = "", name } = splitKey(key);
    const endpoints = this.#endpoints.lister.get(namespace, name);
    const service = this.#services.lister.get(namespace, name);
    const { endpointSlices } = this.#context.client;
    const existing = new Map(
      this.#slices.lister
        .inNamespace(namespace)
        .filter(
          ({ metadata: { labels = {} } }) => labels[managedByLabel] === mirroredBy && labels[serviceNameLabel] === name,
        )
        .map((slice) => [slice.metadata.name, slice]),
    );
    const mirrored = endpoints !== undefined && service !== undefined && isMirrored(endpoints, service);
    for (const wanted of mirrored ? mirror(endpoints, service) : []) {
      const current = existing.get(wanted.metadata.name);
      existing.delete(wanted.metadata.name);
      if (current === undefined) {
        const ownerReferences = [controllerReference(endpoints as Endpoints, "v1", "Endpoints")];
        try {
          await endpointSlices.create({ ...wanted, metadata: { ...wanted.metadata, ownerReferences } }, { signal });
        } catch (error) {
          // Made a moment ago, under the name that follows from its ports.
          if (!isAlreadyExists(error)) throw error;
        }
      } else if (
        !sameJson(current.endpoints, wanted.endpoints) ||
        !sameJson(current.metadata.labels, wanted.metadata.labels)
      ) {
        const metadata = { ...current.metadata, labels: wanted.metadata.labels };
        await endpointSlices.update({ ...current, metadata, endpoints: wanted.endpoints }, { signal });
      }
    }
    for (const { metadata } of existing.values()) {
      try {
        await endpointSlices.delete(metadata.namespace, metadata.name, { signal });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
  }
}
