import type { OwnerReference, Pod, PodTemplateSpec } from "../../api/mod.ts";
import {
  type Client,
  type EventRecorder,
  isNamespaceTerminating,
  isNotFound,
  type KubernetesObject,
  keyOf,
  type ObjectKey,
} from "../../client/mod.ts";
import type { Expectations } from "./expectations.ts";
import { slowStart } from "./slow-start.ts";

/** A pod of a template, owned, named by the server. */
export function podFromTemplate(
  owner: KubernetesObject,
  reference: OwnerReference,
  template: PodTemplateSpec = {},
): Pod {
  const { labels, annotations, finalizers } = template.metadata ?? {};
  const { namespace, name } = owner.metadata;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      // A prefix that makes the name too long is not ours to shorten: the server cuts it.
      name: "",
      generateName: `${name}-`,
      namespace,
      labels,
      annotations,
      finalizers,
      ownerReferences: [reference],
    },
    spec: template.spec ?? { containers: [] },
  };
}

/** Creates and deletes pods for an owner: expects what it does, tells users what became of it. */
export class PodControl {
  readonly #client: Client;
  readonly #events: EventRecorder;
  readonly #expectations: Expectations;

  constructor(client: Client, events: EventRecorder, expectations: Expectations) {
    this.#client = client;
    this.#events = events;
    this.#expectations = expectations;
  }

  /** In growing batches; throws the first failure and leaves the rest for another time. */
  async create(key: ObjectKey, owner: KubernetesObject, pods: readonly Pod[], signal: AbortSignal): Promise<void> {
    if (pods.length === 0) return;
    this.#expectations.expectCreations(key, pods.length);
    const unexpected = (count: number) => {
      for (let i = 0; i < count; i++) this.#expectations.creationObserved(key);
    };
    await slowStart(pods.length, (i) => this.#createOne(key, owner, pods[i] as Pod, signal), unexpected);
  }

  /** All at once; throws the first failure after all have been tried. Pods that are gone already are no failure. */
  async delete(key: ObjectKey, owner: KubernetesObject, pods: readonly Pod[], signal: AbortSignal): Promise<void> {
    if (pods.length === 0) return;
    this.#expectations.expectDeletions(key, pods.map(keyOf));
    const outcomes = await Promise.allSettled(pods.map((pod) => this.#deleteOne(key, owner, pod, signal)));
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  async #createOne(key: ObjectKey, owner: KubernetesObject, pod: Pod, signal: AbortSignal): Promise<void> {
    try {
      const created = await this.#client.pods.create(pod, { signal });
      this.#events.event(owner, "Normal", "SuccessfulCreate", `Created pod: ${created.metadata.name}`);
    } catch (error) {
      this.#expectations.creationObserved(key);
      if (isNamespaceTerminating(error)) return;
      if (!signal.aborted) {
        this.#events.event(owner, "Warning", "FailedCreate", `Error creating: ${(error as Error).message}`);
      }
      throw error;
    }
  }

  async #deleteOne(key: ObjectKey, owner: KubernetesObject, pod: Pod, signal: AbortSignal): Promise<void> {
    const { namespace, name, uid } = pod.metadata;
    try {
      await this.#client.pods.delete(namespace, name, { signal, preconditions: { uid } });
      this.#events.event(owner, "Normal", "SuccessfulDelete", `Deleted pod: ${name}`);
    } catch (error) {
      this.#expectations.deletionObserved(key, keyOf(pod));
      if (isNotFound(error)) return;
      if (!signal.aborted) {
        this.#events.event(owner, "Warning", "FailedDelete", `Error deleting: ${(error as Error).message}`);
      }
      throw error;
    }
  }
}
