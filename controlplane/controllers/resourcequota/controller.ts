import type { GroupResource, KubeObject, PersistentVolumeClaim, Pod, ResourceQuota, Service } from "../../api/mod.ts";
import {
  type Informer,
  type KubernetesObject,
  keyOf,
  type ObjectKey,
  type Requeue,
  sleep,
  splitKey,
  type WorkQueue,
} from "../../client/mod.ts";
import { type Controller, type ControllerContext, controllerQueue } from "../common/controller.ts";
import { discover } from "../common/discovery.ts";
import { sameJson } from "../common/equality.ts";
import { isTerminal } from "../common/pods.ts";
import { kindsOf, type Population, plan } from "./plan.ts";

const resyncMs = 5 * 60_000;
/** Long enough for whatever was admitted to be visible. */
const recountMs = 2_000;

/**
 * Counts anew what is used of each quota. Admission adds before an object exists; what is taken away when it goes, only this sees.
 * For the same reason nothing is counted because something came: it might not be visible yet, and would be forgotten.
 */
export class ResourceQuotaController implements Controller {
  readonly name = "resourcequota-controller";
  readonly workers = 5;
  readonly queue: WorkQueue;
  readonly #context: ControllerContext;
  readonly #quotas: Informer<ResourceQuota>;
  /** By `resource.group`; those of counted kinds begin when the first quota names them. */
  readonly #populations = new Map<string, Informer<KubernetesObject>>();

  constructor(context: ControllerContext) {
    this.#context = context;
    this.queue = controllerQueue(this.name, context);
    const { client, informers } = context;
    this.#quotas = informers.informer(client.resourceQuotas);
    this.#quotas.addHandler({
      onAdd: (quota) => this.queue.add(keyOf(quota)),
      onUpdate: (old, quota) => {
        // Admission's changes of what is used are none of ours.
        if (!sameJson(old.spec, quota.spec) || !sameJson(quota.spec?.hard, quota.status?.hard))
          this.queue.add(keyOf(quota));
      },
    });
    const pods = informers.informer(client.pods);
    pods.addHandler({
      onUpdate: (old: Pod, pod) => {
        if (!isTerminal(old) && isTerminal(pod)) this.#replenish(pod);
      },
      onDelete: (pod) => this.#replenish(pod),
    });
    const services = informers.informer(client.services);
    services.addHandler({
      onUpdate: (old: Service, service) => {
        if (!sameJson(old.spec, service.spec)) this.#replenish(service);
      },
      onDelete: (service) => this.#replenish(service),
    });
    const claims = informers.informer(client.persistentVolumeClaims);
    claims.addHandler({
      onUpdate: (old: PersistentVolumeClaim, claim) => {
        if (!sameJson([old.spec, old.status], [claim.spec, claim.status])) this.#replenish(claim);
      },
      onDelete: (claim) => this.#replenish(claim),
    });
    const kept: [string, unknown][] = [
      ["pods.", pods],
      ["services.", services],
      ["persistentvolumeclaims.", claims],
    ];
    for (const [kind, informer] of kept) this.#populations.set(kind, informer as Informer<KubernetesObject>);
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(this.#context.clock, resyncMs, signal).catch(() => undefined);
      for (const quota of this.#quotas.lister.list()) this.queue.add(keyOf(quota));
    }
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Requeue | undefined> {
    const { namespace = "", name } = splitKey(key);
    const known = this.#quotas.lister.get(namespace, name);
    if (known === undefined) return;
    const populations: Population[] = [];
    for (const kind of kindsOf(Object.keys(known.spec?.hard ?? {}))) {
      const informer = await this.#population(kind, signal);
      const objects = informer?.lister.inNamespace(namespace) ?? [];
      populations.push({ kind, objects: objects as unknown as KubeObject[] });
    }
    // Read again: filling a cache takes time. An admission meanwhile makes this write a conflict, and it is counted once more.
    const quota = this.#quotas.lister.get(namespace, name);
    if (quota === undefined) return;
    const status = plan(quota, populations, this.#context.clock.now());
    if (sameJson(quota.status, status)) return;
    await this.#context.client.resourceQuotas.updateStatus({ ...quota, status }, { signal });
    // Admission charges before an object exists, so what was just written may lack one that the quota knew already.
    return { afterMs: recountMs };
  }

  async #population(kind: GroupResource, signal: AbortSignal): Promise<Informer<KubernetesObject> | undefined> {
    const { client, informers } = this.#context;
    const id = `${kind.resource}.${kind.group}`;
    const known = this.#populations.get(id);
    if (known !== undefined) {
      await known.synced(signal);
      return known;
    }
    const { resources } = await discover(client, signal);
    const served = resources.find(
      ({ group, plural, verbs }) =>
        group === kind.group && plural === kind.resource && verbs.includes("list") && verbs.includes("watch"),
    );
    if (served === undefined) return undefined; // nothing of it exists
    const informer = informers.informer(client.metadata(served));
    this.#populations.set(id, informer);
    informer.addHandler({ onDelete: (object) => this.#replenish(object) });
    informers.start(signal);
    await informer.synced(signal);
    return informer;
  }

  #replenish({ metadata }: KubernetesObject): void {
    for (const quota of this.#quotas.lister.inNamespace(metadata.namespace ?? "")) this.queue.add(keyOf(quota));
  }
}
