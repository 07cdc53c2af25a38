import { randomUUID } from "node:crypto";
import type { Clock, Random } from "../../../base/mod.ts";
import {
  cloneJson,
  equalJson,
  type FieldError,
  generateName,
  type KubeObject,
  type Part,
  prepareForCreate,
  prepareForPartUpdate,
  prepareForStatusUpdate,
  prepareForUpdate,
  status,
  timeAt,
  validateCreate,
  validatePartUpdate,
  validateStatusUpdate,
  validateUpdate,
} from "../../api/mod.ts";
import { fail } from "../fail.ts";
import type { Admission, AdmissionRequest } from "./admission.ts";
import type { Claim, Hooks, WriteContext } from "./hooks.ts";
import type { Change, Changed } from "./object-store.ts";
import type { Served } from "./served.ts";

export interface WriterOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly hooksOf: (served: Served) => Hooks;
  readonly admission: Admission;
}

export interface UpdateOptions {
  /** The status subresource: everything but the status stays. */
  readonly status?: boolean;
  /** A subresource that writes another part of the object. */
  readonly part?: Part<KubeObject>;
  /** As admission is told; by default "status" or "". */
  readonly subresource?: string;
  /** What a missing object becomes; absent: NotFound. */
  readonly create?: () => KubeObject | Promise<KubeObject>;
  /** Replaces the usual preparation, for subresources with rules of their own. Changes `next`. */
  readonly prepare?: (next: KubeObject, old: KubeObject) => void;
}

/** Names drawn for one generateName before giving up. */
const NAME_ATTEMPTS = 8;

/** Creates and updates objects of any kind: admission, preparation, validation, and the conditional write. */
export class Writer {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #hooksOf: (served: Served) => Hooks;
  readonly #admission: Admission;

  constructor({ clock, random, hooksOf, admission }: WriterOptions) {
    this.#clock = clock;
    this.#random = random;
    this.#hooksOf = hooksOf;
    this.#admission = admission;
  }

  /** `object` is the caller's to give away: decoded, defaulted, its namespace set. */
  async create(served: Served, object: KubeObject, context: WriteContext): Promise<KubeObject> {
    const { metadata } = object;
    if (metadata.resourceVersion) fail(status.badRequest("resourceVersion should not be set on objects to be created"));
    const base = metadata.name ? undefined : metadata.generateName;
    const attempts = base === undefined ? 1 : NAME_ATTEMPTS;
    for (let attempt = 1; ; attempt++) {
      const candidate = attempt < attempts ? cloneJson(object) : object;
      if (base) candidate.metadata.name = generateName(base, this.#random);
      const created = await this.#createOnce(served, candidate, context);
      if (created !== undefined) return created;
      const { name } = candidate.metadata;
      if (base === undefined) fail(status.alreadyExists(served.names, name));
      if (attempt === attempts) fail(status.generateNameConflict(served.names, name));
    }
  }

  /** undefined: the name is taken. */
  async #createOnce(served: Served, object: KubeObject, context: WriteContext): Promise<KubeObject | undefined> {
    const charge = await this.#prepareNew(served, object, context);
    const key = served.key(object.metadata.namespace ?? "", object.metadata.name);
    const claims = new ClaimSlot();
    claims.hold(charge);
    let created: KubeObject | undefined;
    try {
      claims.hold(await this.#hooksOf(served).claim?.(object, undefined, context));
      if (context.dryRun) created = (await served.objects.get(key)) === undefined ? object : undefined;
      else created = await served.objects.create(key, served.toStorage(object));
    } finally {
      await (created === undefined ? claims.drop() : claims.settle());
    }
    return created === undefined || context.dryRun ? created : served.present(created);
  }

  /** What the new object was charged for, to be given back if it is not written. */
  async #prepareNew(served: Served, object: KubeObject, context: WriteContext): Promise<Claim | undefined> {
    const { resource } = served;
    const { name, namespace = "" } = object.metadata;
    const request: AdmissionRequest = {
      ...context,
      operation: "CREATE",
      served,
      subresource: "",
      namespace,
      name: name ?? "",
      object,
    };
    await this.#admission.admit(request);
    prepareForCreate(resource, object, { uid: randomUUID(), now: timeAt(this.#clock.now()) });
    this.#refuse(served, object, validateCreate(resource, object));
    for (const warning of resource.strategy.warnings?.(object) ?? []) context.warn(warning);
    return this.#admission.validate(request);
  }

  /**
   * Shows `produce` the current object and stores what it returns, which must be a new object, with all the rules of an
   * update. An object that was waiting for its last finalizer is deleted by the update that takes it away.
   */
  async update(
    served: Served,
    namespace: string,
    name: string,
    produce: (current: KubeObject) => KubeObject | Promise<KubeObject>,
    context: WriteContext,
    options: UpdateOptions = {},
  ): Promise<Changed> {
    const hooks = this.#hooksOf(served);
    const claims = new ClaimSlot();
    let old: KubeObject | undefined;
    try {
      const changed = await served.objects.update(served.key(namespace, name), async (stored) => {
        await claims.drop();
        if (stored === undefined) {
          const object = (await options.create?.()) ?? fail(status.notFound(served.names, name));
          claims.hold(await this.#prepareNew(served, object, context));
          claims.hold(await hooks.claim?.(object, undefined, context));
          return this.#commit(served, { kind: "write", object: served.toStorage(object) }, context);
        }
        old = served.present(stored);
        const next = await produce(old);
        this.#checkVersion(served, next, old);
        claims.hold(await this.#prepareNext(served, next, old, context, options));
        if (readyToGo(next) && !hooks.isHeld?.(next)) return this.#commit(served, { kind: "delete" }, context, next);
        // An update that changes nothing is the object store's to drop.
        const changes = !equalJson(next, old);
        if (changes && !options.status) claims.hold(await hooks.claim?.(next, old, context));
        return this.#commit(served, { kind: "write", object: served.toStorage(next) }, context);
      });
      if (changed.how === "deleted" && old !== undefined) await hooks.afterDelete?.(old);
      await (changed.how === "unchanged" ? claims.drop() : claims.settle());
      return { ...changed, object: served.present(changed.object) };
    } catch (error) {
      await claims.drop();
      throw error;
    }
  }

  async #prepareNext(
    served: Served,
    next: KubeObject,
    old: KubeObject,
    context: WriteContext,
    options: UpdateOptions,
  ): Promise<Claim | undefined> {
    const { resource } = served;
    const { name, namespace = "" } = old.metadata;
    const subresource = options.subresource ?? (options.status ? "status" : "");
    const request: AdmissionRequest = {
      ...context,
      operation: "UPDATE",
      served,
      subresource,
      namespace,
      name,
      object: next,
      old,
    };
    if (options.status) {
      // Admission sees what will be stored: a status update changes nothing else.
      prepareForStatusUpdate(resource, next, old);
      next.metadata.resourceVersion = old.metadata.resourceVersion;
      await this.#admission.admit(request);
      this.#refuse(served, next, validateStatusUpdate(resource, next, old));
    } else if (options.part !== undefined) {
      prepareForPartUpdate(resource, options.part, next, old);
      next.metadata.resourceVersion = old.metadata.resourceVersion;
      await this.#admission.admit(request);
      this.#refuse(served, next, validatePartUpdate(resource, options.part, next, old));
    } else if (options.prepare !== undefined) {
      await this.#admission.admit(request);
      options.prepare(next, old);
    } else {
      await this.#admission.admit(request);
      prepareForUpdate(resource, next, old);
      this.#refuse(served, next, validateUpdate(resource, next, old));
      for (const warning of resource.strategy.warnings?.(next) ?? []) context.warn(warning);
    }
    return this.#admission.validate(request);
  }

  /** An update that names a version or a uid is meant for that object alone. */
  #checkVersion(served: Served, next: KubeObject, old: KubeObject): void {
    const [given, current] = [next.metadata, old.metadata];
    if (given.uid && given.uid !== current.uid) {
      const why = `Precondition failed: UID in precondition: ${given.uid}, UID in object meta: ${current.uid}`;
      fail(status.conflict(served.names, current.name, why));
    }
    if (given.resourceVersion) {
      if (given.resourceVersion !== current.resourceVersion) fail(status.conflict(served.names, current.name));
    } else if (served.resource.strategy.refuseUnconditionalUpdate) {
      const message = `Invalid value: 0: must be specified for an update`;
      this.#refuse(served, old, [{ type: "FieldValueInvalid", field: "metadata.resourceVersion", message }]);
    }
    given.resourceVersion = current.resourceVersion;
  }

  /** A dry run goes as far as here, and answers as if. */
  #commit(served: Served, change: Change, context: WriteContext, shown?: KubeObject): Change {
    if (!context.dryRun) return change;
    if (change.kind === "delete") return { kind: "keep", object: served.toStorage(shown as KubeObject) };
    return { kind: "keep", object: change.object };
  }

  #refuse(served: Served, object: KubeObject, errors: readonly FieldError[]): void {
    if (errors.length > 0) fail(status.invalid(served.resource, object.metadata.name ?? "", errors));
  }
}

/** Nothing holds the object any more: no finalizer, no grace. */
function readyToGo({ metadata }: KubeObject): boolean {
  if (metadata.deletionTimestamp === undefined || (metadata.finalizers?.length ?? 0) > 0) return false;
  return (metadata.deletionGracePeriodSeconds ?? 0) === 0;
}

/** Claims of the latest attempt: earlier attempts were not written, so theirs are given back. */
class ClaimSlot {
  #claims: Claim[] = [];

  hold(claim: Claim | undefined): void {
    if (claim !== undefined) this.#claims.push(claim);
  }

  async drop(): Promise<void> {
    const claims = this.#claims;
    this.#claims = [];
    for (const claim of claims.reverse()) await claim.undo();
  }

  async settle(): Promise<void> {
    const claims = this.#claims;
    this.#claims = [];
    for (const claim of claims) await claim.settle();
  }
}
