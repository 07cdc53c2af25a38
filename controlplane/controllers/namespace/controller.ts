import type { Namespace } from "../../api/mod.ts";
import { type Informer, isNotFound, type ObjectKey, type Requeue, type WorkQueue } from "../../client/mod.ts";
import { type Controller, type ControllerContext, controllerQueue } from "../common/controller.ts";
import { sameJson } from "../common/equality.ts";
import { conditionsOf } from "./conditions.ts";
import { deleteContent } from "./content.ts";

const finalizer = "kubernetes";
/** Content that has to go by itself (pods in their grace period, finalizers of others) is looked at again after this. */
const retryMs = 1000;

/** Empties namespaces that are being deleted, then lets them go. */
export class NamespaceController implements Controller {
  readonly name = "namespace-controller";
  readonly workers = 4;
  readonly queue: WorkQueue;
  readonly #context: ControllerContext;
  readonly #namespaces: Informer<Namespace>;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.queue = controllerQueue(this.name, context);
    this.#namespaces = context.informers.informer(context.client.namespaces);
    const look = ({ metadata }: Namespace) => {
      if (metadata.deletionTimestamp !== undefined) this.queue.add(metadata.name);
    };
    this.#namespaces.addHandler({ onAdd: look, onUpdate: (_, namespace) => look(namespace) });
  }

  async reconcile(name: ObjectKey, signal: AbortSignal): Promise<Requeue | undefined> {
    const { client, clock } = this.#context;
    // Asked of the server: the cache lags behind our own status updates, and a finalized namespace has no content to look for.
    const namespace = await client.namespaces.get(name, { signal }).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
    if (namespace?.metadata.deletionTimestamp === undefined) return;
    const waitsFor = namespace.spec?.finalizers ?? [];
    if (!waitsFor.includes(finalizer)) return;
    const deletion = await deleteContent(client, name, signal);
    const { discoveryFailures, contentFailures, remaining } = deletion;
    const conditions = conditionsOf(namespace.status?.conditions, deletion, clock.now());
    let current = namespace;
    if (!sameJson(conditions, namespace.status?.conditions)) {
      const status = { ...namespace.status, phase: "Terminating" as const, conditions };
      current = await client.namespaces.updateStatus({ ...namespace, status }, { signal });
    }
    if (discoveryFailures.size > 0 || contentFailures.length > 0) {
      throw new Error(
        `namespace ${name} cannot be emptied: ${[...discoveryFailures.values(), ...contentFailures].join(", ")}`,
      );
    }
    if (remaining.size > 0) return { afterMs: retryMs };
    const spec = { ...current.spec, finalizers: waitsFor.filter((it) => it !== finalizer) };
    await client.namespaces.resource.updateSubresource(undefined, name, "finalize", { ...current, spec }, { signal });
    return;
  }
}
