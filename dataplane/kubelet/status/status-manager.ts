import type { Clock, Log } from "../../../base/mod.ts";
import type { Pod, PodStatus } from "../../../controlplane/api/mod.ts";
import { type Client, isConflict, isNotFound } from "../../../controlplane/client/mod.ts";
import { formatPod, refOf } from "../pod/pod-ref.ts";
import { isStatic } from "../staticpods/manifest.ts";
import { statusPatch } from "./status-patch.ts";

interface Entry {
  pod: Pod;
  /** Of the pod in the API that shows the status: for a static pod its mirror's, undefined while there is none. */
  apiUid: string | undefined;
  status: PodStatus;
  /** What the API server has, as far as we know. */
  written: PodStatus;
  /** Nothing of the pod is left on the node: it may be deleted for good. */
  finished: boolean;
  deleted: boolean;
  writing: boolean;
  dirty: boolean;
}

/** After a failed write, and the pause that gathers changes that come in a burst. */
const retryMs = 2_000;

/**
 * Tells the API server how pods are. Holds the newest status of each pod, writes the difference, one write per pod at a time, and
 * tries again while the server cannot be reached. When a pod that is to be deleted has nothing left on the node, deletes it for good.
 */
export class StatusManager {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #entries = new Map<string, Entry>();
  #closed = false;

  constructor(client: Client, clock: Clock, log: Log) {
    this.#client = client;
    this.#clock = clock;
    this.#log = log;
  }

  /** The newest status; the API's own for a pod that was not reported on yet. */
  get(pod: Pod): PodStatus {
    return this.#entries.get(refOf(pod).uid)?.status ?? pod.status ?? {};
  }

  set(pod: Pod, status: PodStatus): void {
    const entry = this.#entry(pod);
    entry.pod = pod;
    entry.status = status;
    this.#write(entry);
  }

  /** The pod as the API server has it now: the base for what to write next, and perhaps the order to delete it. */
  observe(pod: Pod): void {
    const entry = this.#entries.get(refOf(pod).uid);
    if (entry === undefined) return;
    entry.pod = pod;
    // While a write is under way the informer is behind it.
    if (!entry.writing) entry.written = pod.status ?? {};
    this.#write(entry);
  }

  /** The mirror of a static pod as the API server has it now; undefined: it has none. */
  observeMirror(staticUid: string, mirror: Pod | undefined): void {
    const entry = this.#entries.get(staticUid);
    if (entry === undefined) return;
    const isNew = entry.apiUid !== mirror?.metadata.uid;
    entry.apiUid = mirror?.metadata.uid;
    if (isNew || !entry.writing) entry.written = mirror?.status ?? {};
    this.#write(entry);
  }

  /** The pod's containers, volumes and sandbox are gone. */
  finish(pod: Pod): void {
    const entry = this.#entry(pod);
    entry.pod = pod;
    entry.finished = true;
    this.#write(entry);
  }

  forget(uid: string): void {
    this.#entries.delete(uid);
  }

  close(): void {
    this.#closed = true;
  }

  #entry(pod: Pod): Entry {
    const { uid } = refOf(pod);
    const known = this.#entries.get(uid);
    if (known !== undefined) return known;
    const status = pod.status ?? {};
    const entry: Entry = {
      pod,
      apiUid: isStatic(pod) ? undefined : uid,
      status,
      written: status,
      finished: false,
      deleted: false,
      writing: false,
      dirty: false,
    };
    this.#entries.set(uid, entry);
    return entry;
  }

  #write(entry: Entry): void {
    if (entry.writing) {
      entry.dirty = true;
      return;
    }
    entry.writing = true;
    entry.dirty = false;
    void this.#sync(entry).then((settled) => {
      entry.writing = false;
      if (this.#closed || this.#entries.get(refOf(entry.pod).uid) !== entry) return;
      if (!settled) this.#clock.after(retryMs, () => this.#write(entry));
      else if (entry.dirty) this.#write(entry);
    });
  }

  /** False: try again later. */
  async #sync(entry: Entry): Promise<boolean> {
    const uid = entry.apiUid;
    if (this.#closed || uid === undefined) return true;
    const { namespace, name } = refOf(entry.pod);
    const wanted = entry.status;
    try {
      const patch = statusPatch(entry.written, wanted);
      if (patch !== undefined) {
        // The uid makes the patch fail on another pod of the same name.
        const body = { metadata: { uid }, status: patch };
        const answer = await this.#client.pods.patch(namespace, name, "strategic", body, { subresource: "status" });
        entry.written = answer.status ?? {};
      }
      if (
        entry.finished &&
        entry.pod.metadata.deletionTimestamp !== undefined &&
        !entry.deleted &&
        entry.status === wanted
      ) {
        entry.deleted = true;
        await this.#client.pods.delete(namespace, name, { gracePeriodSeconds: 0, preconditions: { uid } });
      }
      return true;
    } catch (error) {
      entry.deleted = false;
      if (isNotFound(error) || isConflict(error)) return true; // gone, or another of that name: not ours to report on
      if (this.#closed) return true;
      this.#log("warn", "could not write a pod's status; trying again", {
        pod: formatPod(refOf(entry.pod)),
        error: (error as Error).message,
      });
      return false;
    }
  }
}
