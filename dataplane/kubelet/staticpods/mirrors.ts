import type { Clock, Log } from "../../../base/mod.ts";
import type { Node, Pod } from "../../../controlplane/api/mod.ts";
import { type Client, isAlreadyExists, isNotFound } from "../../../controlplane/client/mod.ts";
import { formatPod, refOf } from "../pod/pod-ref.ts";
import { staticAnnotations } from "./manifest.ts";

export interface MirrorsOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Log;
  /** This node in the API; undefined: not known yet, and there is nobody a mirror could belong to. */
  readonly node: () => Node | undefined;
  readonly mirrorOf: (namespace: string, name: string) => Pod | undefined;
}

const retryMs = 5_000;

/** Keeps for each static pod one mirror in the API: made when it is missing, made anew when it is deleted or shows another version. */
export class Mirrors {
  readonly #options: MirrorsOptions;
  /** By namespace/name. */
  readonly #wanted = new Map<string, Pod>();
  /** Names that are being seen to, and whether they must be looked at again. */
  readonly #busy = new Map<string, boolean>();
  #stopped = false;

  constructor(options: MirrorsOptions) {
    this.#options = options;
  }

  stop(): void {
    this.#stopped = true;
  }

  want(pod: Pod): void {
    this.#wanted.set(keyOf(pod), pod);
    this.check(pod);
  }

  unwant(pod: Pod): void {
    if (this.#wanted.get(keyOf(pod))?.metadata.uid === pod.metadata.uid) this.#wanted.delete(keyOf(pod));
    this.check(pod);
  }

  checkAll(): void {
    for (const pod of this.#wanted.values()) this.check(pod);
  }

  /** Something about a mirror of that name changed, or might have. */
  check({ metadata }: Pick<Pod, "metadata">): void {
    const key = `${metadata.namespace}/${metadata.name}`;
    if (this.#stopped) return;
    // News that come while a request is under way are looked at afterwards.
    const busy = this.#busy.has(key);
    this.#busy.set(key, busy);
    if (!busy) void this.#settle(key, metadata.namespace ?? "default", metadata.name);
  }

  async #settle(key: string, namespace: string, name: string): Promise<void> {
    do {
      this.#busy.set(key, false);
      try {
        await this.#reconcile(namespace, name);
      } catch (error) {
        if (this.#stopped) return;
        const { log, clock } = this.#options;
        const { message } = error as Error;
        log("warn", "a static pod could not be shown in the API; trying again", { pod: key, error: message });
        clock.after(retryMs, () => this.check({ metadata: { namespace, name } }));
        break;
      }
    } while (this.#busy.get(key) === true);
    this.#busy.delete(key);
  }

  async #reconcile(namespace: string, name: string): Promise<void> {
    const { client, node, mirrorOf, log } = this.#options;
    const wanted = this.#wanted.get(`${namespace}/${name}`);
    const mirror = mirrorOf(namespace, name);
    const hash = mirror?.metadata.annotations?.[staticAnnotations.mirror];
    const current = wanted !== undefined && hash === wanted.metadata.annotations?.[staticAnnotations.hash];
    if (mirror !== undefined && (!current || mirror.metadata.deletionTimestamp !== undefined)) {
      // Its deletion comes back as news of the informer, and then the next one is made.
      log("info", "removing a mirror pod", { pod: formatPod(refOf(mirror)) });
      await ignoring(isNotFound, () =>
        client.pods.delete(namespace, name, { gracePeriodSeconds: 0, preconditions: { uid: mirror.metadata.uid } }),
      );
      return;
    }
    const owner = node();
    if (mirror !== undefined || wanted === undefined || owner === undefined) return;
    await ignoring(isAlreadyExists, () => client.pods.create(mirrorFor(wanted, owner)));
  }
}

/** What the API gets to see of a static pod. */
export function mirrorFor(pod: Pod, node: Node): Pod {
  const { uid: hash = "", ...metadata } = pod.metadata;
  const { name, uid = "" } = node.metadata;
  return {
    ...pod,
    metadata: {
      ...metadata,
      annotations: { ...metadata.annotations, [staticAnnotations.mirror]: hash },
      ownerReferences: [{ apiVersion: "v1", kind: "Node", name, uid, controller: true }],
    },
    status: {},
  };
}

async function ignoring(harmless: (error: unknown) => boolean, action: () => Promise<unknown>): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (!harmless(error)) throw error;
  }
}

function keyOf(pod: Pod): string {
  const { namespace, name } = refOf(pod);
  return `${namespace}/${name}`;
}
