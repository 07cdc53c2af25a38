import type { Clock } from "../../base/mod.ts";
import { matchesFields, matchesLabels } from "./fake-selectors.testing.ts";
import { StatusError } from "./fake-status.testing.ts";
import type { KubernetesObject } from "./kubernetes-object.ts";
import { keyFor } from "./object-key.ts";
import { apiVersionOf, type ResourceDefinition } from "./resource-definition.ts";

export type Kind = ResourceDefinition;

export interface Selected {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

interface Change {
  readonly revision: number;
  readonly kind: Kind;
  readonly before: Stored | undefined;
  readonly after: Stored | undefined;
}

interface Stored extends KubernetesObject {
  spec?: Record<string, unknown>;
  status?: Record<string, unknown>;
}

interface Deletion {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: string;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

/** Objects, revisions and history of the in-memory API server. Everything that goes in or out is a copy. */
export class FakeStore {
  readonly clock: Clock;
  readonly #objects = new Map<string, Map<string, Stored>>();
  #history: Change[] = [];
  #compacted = 0;
  #revision = 1;
  #names = 0;
  readonly #wakers = new Set<() => void>();
  #closed = 0;

  constructor(clock: Clock, kinds: readonly Kind[]) {
    this.clock = clock;
    for (const kind of kinds) this.#objects.set(idOf(kind), new Map());
  }

  get revision(): number {
    return this.#revision;
  }

  timestamp(laterMs = 0): string {
    return `${new Date(this.clock.now() + laterMs).toISOString().slice(0, 19)}Z`;
  }

  get(kind: Kind, namespace: string | undefined, name: string): Stored {
    const object = this.#of(kind).get(keyFor(namespace, name));
    if (object === undefined) throw notFound(kind, name);
    return structuredClone(object);
  }

  list(kind: Kind, selected: Selected): Stored[] {
    const all = [...this.#of(kind).entries()].sort(([a], [b]) => (a < b ? -1 : 1));
    return all
      .map(([, object]) => object)
      .filter((object) => matches(object, selected))
      .map((object) => structuredClone(object));
  }

  create(kind: Kind, namespace: string | undefined, raw: KubernetesObject): Stored {
    const object = structuredClone(raw) as Stored;
    const { metadata } = object;
    if (kind.namespaced) {
      metadata.namespace = namespace ?? metadata.namespace ?? "default";
      this.#refuseWhileTerminating(kind, metadata.namespace);
    }
    if (!metadata.name) metadata.name = `${metadata.generateName}${(this.#names++).toString(36).padStart(5, "0")}`;
    const key = keyFor(metadata.namespace, metadata.name);
    if (this.#of(kind).has(key)) {
      throw new StatusError(409, "AlreadyExists", `${qualified(kind)} "${metadata.name}" already exists`);
    }
    object.apiVersion = apiVersionOf(kind);
    object.kind = kind.kind;
    metadata.uid = `uid-${this.#revision + 1}`;
    metadata.creationTimestamp = this.timestamp();
    metadata.generation = 1;
    delete metadata.deletionTimestamp;
    if (kind.plural === "namespaces") {
      object.spec = { finalizers: ["kubernetes"], ...object.spec };
      object.status = { phase: "Active", ...object.status };
    }
    if (kind.plural === "pods") object.status = { phase: "Pending", ...object.status };
    return this.#commit(kind, undefined, object);
  }

  update(kind: Kind, namespace: string | undefined, name: string, raw: KubernetesObject): Stored {
    const before = this.get(kind, namespace, name);
    const after = structuredClone(raw) as Stored;
    this.#check(kind, before, after);
    if (before.status !== undefined) after.status = before.status;
    const { uid, creationTimestamp, generation, deletionTimestamp, deletionGracePeriodSeconds } = before.metadata;
    const system = { uid, creationTimestamp, generation, deletionTimestamp, deletionGracePeriodSeconds };
    after.metadata = { ...after.metadata, ...system, namespace: before.metadata.namespace, name };
    if (JSON.stringify(after.spec) !== JSON.stringify(before.spec)) after.metadata.generation = (generation ?? 0) + 1;
    return this.replace(kind, after);
  }

  updateStatus(kind: Kind, namespace: string | undefined, name: string, raw: KubernetesObject): Stored {
    const before = this.get(kind, namespace, name);
    this.#check(kind, before, raw);
    return this.replace(kind, { ...before, status: structuredClone((raw as Stored).status) });
  }

  /** Namespaces only: what they wait for before they may go. */
  finalize(kind: Kind, name: string, raw: KubernetesObject): Stored {
    const before = this.get(kind, undefined, name);
    this.#check(kind, before, raw);
    return this.replace(kind, { ...before, spec: structuredClone((raw as Stored).spec) });
  }

  /** Writes as it is, unless nothing changed; removes what only waited for its last finalizer. */
  replace(kind: Kind, after: Stored): Stored {
    const { namespace, name = "" } = after.metadata;
    const before = this.get(kind, namespace, name);
    const version = before.metadata.resourceVersion;
    if (stable({ ...after, metadata: { ...after.metadata, resourceVersion: version } }) === stable(before))
      return before;
    if (after.metadata.deletionTimestamp !== undefined && this.#mayGo(kind, after)) return this.#remove(kind, after);
    return this.#commit(kind, before, after);
  }

  delete(kind: Kind, namespace: string | undefined, name: string, raw: unknown): unknown {
    const options = (raw ?? {}) as Deletion;
    const before = this.get(kind, namespace, name);
    const { uid, resourceVersion } = options.preconditions ?? {};
    if (uid !== undefined && uid !== before.metadata.uid) {
      const message = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${before.metadata.uid}`;
      throw new StatusError(409, "Conflict", conflictMessage(kind, name, message));
    }
    if (resourceVersion !== undefined && resourceVersion !== before.metadata.resourceVersion) {
      throw new StatusError(409, "Conflict", conflictMessage(kind, name, "the ResourceVersion does not match"));
    }
    const after = structuredClone(before);
    const grace = this.#grace(kind, before, options);
    after.metadata.finalizers = finalizersFor(before, options);
    if (after.metadata.deletionTimestamp === undefined || grace < (before.metadata.deletionGracePeriodSeconds ?? 0)) {
      after.metadata.deletionTimestamp = this.timestamp(grace * 1000);
      after.metadata.deletionGracePeriodSeconds = grace;
    }
    if (kind.plural === "namespaces") after.status = { ...after.status, phase: "Terminating" };
    if (this.#mayGo(kind, after)) {
      this.#remove(kind, after);
      const details = { name, group: kind.group, kind: kind.plural, uid: before.metadata.uid };
      return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details };
    }
    return this.replace(kind, after);
  }

  /** Forgets history up to now: watches from before end with 410. */
  compact(): void {
    this.#history = [];
    this.#compacted = this.#revision;
    this.#wake();
  }

  /** Ends all watches, as a server that shuts down. */
  closeWatches(): void {
    this.#closed++;
    this.#wake();
  }

  async *watch(
    kind: Kind,
    selected: Selected,
    resourceVersion: string,
    signal?: AbortSignal,
  ): AsyncGenerator<{ type: string; object: KubernetesObject }> {
    const closed = this.#closed;
    let seen = Number(resourceVersion || "0");
    if (seen === 0) {
      const existing = this.list(kind, selected);
      seen = this.#revision;
      for (const object of existing) yield { type: "ADDED", object };
    }
    while (this.#closed === closed) {
      signal?.throwIfAborted();
      if (seen < this.#compacted) {
        const message = `too old resource version: ${seen} (${this.#compacted})`;
        yield { type: "ERROR", object: new StatusError(410, "Expired", message).status as KubernetesObject };
        return;
      }
      const changes = this.#history.filter((change) => change.revision > seen);
      for (const change of changes) {
        seen = change.revision;
        const event = idOf(change.kind) === idOf(kind) ? eventOf(change, selected) : undefined;
        if (event !== undefined) yield event;
      }
      if (seen >= this.#revision && this.#closed === closed) await this.#changed(signal);
    }
  }

  #of(kind: Kind): Map<string, Stored> {
    return this.#objects.get(idOf(kind)) as Map<string, Stored>;
  }

  #commit(kind: Kind, before: Stored | undefined, after: Stored): Stored {
    const stored = structuredClone(after);
    stored.metadata.resourceVersion = String(++this.#revision);
    this.#of(kind).set(keyFor(stored.metadata.namespace, stored.metadata.name ?? ""), stored);
    this.#record({ revision: this.#revision, kind, before, after: stored });
    return structuredClone(stored);
  }

  #remove(kind: Kind, last: Stored): Stored {
    const gone = structuredClone(last);
    gone.metadata.resourceVersion = String(++this.#revision);
    this.#of(kind).delete(keyFor(gone.metadata.namespace, gone.metadata.name ?? ""));
    this.#record({ revision: this.#revision, kind, before: gone, after: undefined });
    return gone;
  }

  #record(change: Change): void {
    this.#history.push(change);
    this.#wake();
  }

  #wake(): void {
    for (const wake of [...this.#wakers]) wake();
  }

  #changed(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const wake = () => {
        this.#wakers.delete(wake);
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      this.#wakers.add(wake);
      signal?.addEventListener("abort", wake, { once: true });
    });
  }

  #check(kind: Kind, before: Stored, after: KubernetesObject): void {
    const { resourceVersion, uid } = after.metadata;
    const name = before.metadata.name ?? "";
    if (resourceVersion !== undefined && resourceVersion !== before.metadata.resourceVersion) {
      const changed = "the object has been modified; please apply your changes to the latest version and try again";
      throw new StatusError(409, "Conflict", conflictMessage(kind, name, changed));
    }
    if (uid !== undefined && uid !== before.metadata.uid) {
      throw new StatusError(409, "Conflict", conflictMessage(kind, name, "the UID does not match"));
    }
  }

  #refuseWhileTerminating(kind: Kind, namespace: string): void {
    const owner = this.#objects.get("/v1/namespaces")?.get(namespace);
    if (owner?.metadata.deletionTimestamp === undefined) return;
    const message = `${qualified(kind)} is forbidden: unable to create new content in namespace ${namespace} because it is being terminated`;
    const causes = [
      {
        reason: "NamespaceTerminating",
        message: `namespace ${namespace} is being terminated`,
        field: "metadata.namespace",
      },
    ];
    throw new StatusError(403, "Forbidden", message, { details: { causes } });
  }

  #mayGo(kind: Kind, object: Stored): boolean {
    if ((object.metadata.finalizers ?? []).length > 0) return false;
    if (kind.plural === "namespaces") return ((object.spec?.finalizers as unknown[]) ?? []).length === 0;
    return kind.plural !== "pods" || (object.metadata.deletionGracePeriodSeconds ?? 0) === 0;
  }

  #grace(kind: Kind, object: Stored, options: Deletion): number {
    if (kind.plural !== "pods") return 0;
    const finished = ["Succeeded", "Failed"].includes(String(object.status?.phase));
    if (!object.spec?.nodeName || finished) return 0;
    return options.gracePeriodSeconds ?? (object.spec.terminationGracePeriodSeconds as number | undefined) ?? 30;
  }
}

function finalizersFor(object: Stored, options: Deletion): string[] | undefined {
  const others = (object.metadata.finalizers ?? []).filter((it) => it !== "orphan" && it !== "foregroundDeletion");
  if (options.propagationPolicy === "Orphan") return [...others, "orphan"];
  if (options.propagationPolicy === "Foreground") return [...others, "foregroundDeletion"];
  return options.propagationPolicy === undefined ? object.metadata.finalizers : others;
}

/** Undefined when the watcher has nothing to do with it. What starts to match was added for this watcher, what stops is deleted. */
function eventOf(change: Change, selected: Selected): { type: string; object: KubernetesObject } | undefined {
  const was = change.before !== undefined && matches(change.before, selected);
  const is = change.after !== undefined && matches(change.after, selected);
  if (is) return { type: was ? "MODIFIED" : "ADDED", object: structuredClone(change.after as Stored) };
  if (!was) return undefined;
  const last = structuredClone(change.before as Stored);
  last.metadata.resourceVersion = String(change.revision);
  return { type: "DELETED", object: last };
}

function matches(object: Stored, { namespace, labelSelector, fieldSelector }: Selected): boolean {
  return (
    (namespace === undefined || object.metadata.namespace === namespace) &&
    matchesLabels(labelSelector ?? "", object.metadata.labels ?? {}) &&
    matchesFields(fieldSelector ?? "", object)
  );
}

function idOf(kind: Kind): string {
  return `${kind.group}/${kind.version}/${kind.plural}`;
}

function qualified(kind: Kind): string {
  return kind.group === "" ? kind.plural : `${kind.plural}.${kind.group}`;
}

function notFound(kind: Kind, name: string): StatusError {
  return new StatusError(404, "NotFound", `${qualified(kind)} "${name}" not found`);
}

function conflictMessage(kind: Kind, name: string, why: string): string {
  return `Operation cannot be fulfilled on ${qualified(kind)} "${name}": ${why}`;
}

/** JSON with sorted keys, so that equal objects have equal text. */
function stable(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
