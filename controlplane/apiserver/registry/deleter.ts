import type { Clock } from "../../../base/mod.ts";
import { cloneJson, type DeleteOptions, type KubeObject, millisecondsOf, status, timeAt } from "../../api/mod.ts";
import { fail } from "../fail.ts";
import type { Admission, AdmissionRequest } from "./admission.ts";
import type { Hooks, WriteContext } from "./hooks.ts";
import type { Change } from "./object-store.ts";
import type { Served } from "./served.ts";

export interface DeleterOptions {
  readonly clock: Clock;
  readonly hooksOf: (served: Served) => Hooks;
  readonly admission: Admission;
}

export interface Deletion {
  /** Its last state. */
  readonly object: KubeObject;
  /** It is gone; false: its end was announced, and finalizers or its grace period are waited for. */
  readonly gone: boolean;
}

const ORPHAN = "orphan";
const FOREGROUND = "foregroundDeletion";

/** DELETE: at once, or by announcing it in the object's metadata when somebody has to do something first. */
export class Deleter {
  readonly #clock: Clock;
  readonly #hooksOf: (served: Served) => Hooks;
  readonly #admission: Admission;

  constructor({ clock, hooksOf, admission }: DeleterOptions) {
    this.#clock = clock;
    this.#hooksOf = hooksOf;
    this.#admission = admission;
  }

  async delete(
    served: Served,
    namespace: string,
    name: string,
    options: DeleteOptions,
    context: WriteContext,
  ): Promise<Deletion> {
    const hooks = this.#hooksOf(served);
    const changed = await served.objects.update(served.key(namespace, name), async (stored) => {
      const old = served.present(stored ?? fail(status.notFound(served.names, name)));
      checkPreconditions(served, old, options);
      const request: AdmissionRequest = {
        ...context,
        operation: "DELETE",
        served,
        subresource: "",
        namespace,
        name,
        old,
      };
      await this.#admission.admit(request);
      await this.#admission.validate(request);
      const change = this.#decide(served, old, options, hooks);
      if (context.dryRun) return { kind: "keep", object: stored as KubeObject };
      return change.kind === "delete" ? change : { ...change, object: served.toStorage(change.object) };
    });
    const object = served.present(changed.object);
    const gone = changed.how === "deleted";
    if (gone) await hooks.afterDelete?.(object);
    return { object, gone: gone || context.dryRun };
  }

  #decide(served: Served, old: KubeObject, options: DeleteOptions, hooks: Hooks): Change {
    const { metadata } = old;
    const grace = hooks.gracePeriod?.(old, options.gracePeriodSeconds) ?? 0;
    const finalizers = finalizersFor(metadata.finalizers ?? [], options);
    const held = hooks.isHeld?.(old) ?? false;
    const next = cloneJson(old);
    if (finalizers.length > 0) next.metadata.finalizers = finalizers;
    else delete next.metadata.finalizers;

    if (metadata.deletionTimestamp === undefined) {
      if (finalizers.length === 0 && grace === 0 && !held) return { kind: "delete" };
      next.metadata.deletionTimestamp = timeAt(this.#clock.now() + grace * 1000);
      next.metadata.deletionGracePeriodSeconds = grace;
      if (served.resource.strategy.tracksGeneration) next.metadata.generation = (metadata.generation ?? 0) + 1;
      hooks.announceDeletion?.(next);
      return { kind: "write", object: next };
    }
    // It is on its way already: a second DELETE can only hasten it.
    const before = metadata.deletionGracePeriodSeconds ?? 0;
    const shorter = options.gracePeriodSeconds !== undefined && grace < before;
    if (finalizers.length === 0 && !held && (before === 0 || (shorter && grace === 0))) return { kind: "delete" };
    if (shorter) {
      const announced = (millisecondsOf(metadata.deletionTimestamp) as number) - before * 1000;
      next.metadata.deletionTimestamp = timeAt(announced + grace * 1000);
      next.metadata.deletionGracePeriodSeconds = grace;
    }
    return { kind: "write", object: next };
  }
}

function checkPreconditions(served: Served, { metadata }: KubeObject, { preconditions }: DeleteOptions): void {
  const { uid, resourceVersion } = preconditions ?? {};
  const refuse = (what: string, asked: string, is: string | undefined) =>
    fail(
      status.conflict(
        served.names,
        metadata.name,
        `Precondition failed: ${what} in precondition: ${asked}, ${what} in object meta: ${is}`,
      ),
    );
  if (uid && uid !== metadata.uid) refuse("UID", uid, metadata.uid);
  if (resourceVersion && resourceVersion !== metadata.resourceVersion)
    refuse("ResourceVersion", resourceVersion, metadata.resourceVersion);
}

/** What is to become of dependents is written into the finalizers, where the garbage collector reads it. */
function finalizersFor(present: readonly string[], options: DeleteOptions): string[] {
  const { propagationPolicy, orphanDependents } = options;
  const others = present.filter((finalizer) => finalizer !== ORPHAN && finalizer !== FOREGROUND);
  if (propagationPolicy === "Orphan" || (propagationPolicy === undefined && orphanDependents === true))
    return [...others, ORPHAN];
  if (propagationPolicy === "Foreground") return [...others, FOREGROUND];
  if (propagationPolicy === undefined && orphanDependents === undefined) return [...present];
  return others;
}
