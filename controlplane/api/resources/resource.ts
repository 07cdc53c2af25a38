import { type Column, plainColumns } from "../printers/column.ts";
import type { AnyMessage, GroupVersionKind, KindMessage, TypeMeta } from "../schema/field.ts";
import { listOf } from "../types/meta/list.ts";
import type { ObjectMeta } from "../types/meta/object-meta.ts";
import type { TableRow } from "../types/meta/table.ts";
import type { FieldErrors } from "../validation/field-errors.ts";

/** What every stored object has. */
export interface KubeObject extends TypeMeta {
  metadata: ObjectMeta;
}

export type Verb = "create" | "delete" | "deletecollection" | "get" | "list" | "patch" | "update" | "watch";

export interface Subresource {
  readonly name: string;
  /** What its bodies are; it may belong to another group (Scale, TokenRequest, Eviction). */
  readonly gvk: GroupVersionKind;
  /** Undefined for kinds that exist as query parameters only (PodExecOptions). */
  readonly schema?: AnyMessage;
  readonly verbs: readonly Verb[];
  /** Where bodies are the object itself, but only a part of it is written. The status needs none: every kind's is alike. */
  readonly part?: Part<KubeObject>;
}

/** A part of an object that is updated by rules of its own. */
export interface Part<T extends KubeObject> {
  /** Changes `next`, a copy of what is stored, to have the part as `given` has it. */
  take(next: T, given: T): void;
  /** Runs instead of the strategy's `validateUpdate`. */
  validateUpdate(next: T, old: T, errors: FieldErrors): void;
}

/**
 * What makes a kind different from any other stored object. All hooks are optional; objects come in decoded, so structs that a kind
 * always has (spec, status, metadata) are there. Hooks that prepare change their first argument in place.
 */
export interface Strategy<T extends KubeObject> {
  /** Fills what the client left out. Runs on every object read from a client and must change nothing when run twice. */
  defaults?(object: T): void;
  /** Clears what clients may not set. Status is cleared without being told. */
  prepareForCreate?(object: T): void;
  /** Keeps what an update may not change. Status is carried over from `old` without being told. */
  prepareForUpdate?(next: T, old: T): void;
  validate?(object: T, errors: FieldErrors): void;
  /** Runs after `validate` of a new object. */
  validateCreate?(object: T, errors: FieldErrors): void;
  /** Runs after `validate` of the changed object. */
  validateUpdate?(next: T, old: T, errors: FieldErrors): void;
  validateStatusUpdate?(next: T, old: T, errors: FieldErrors): void;
  /** What a client should hear of although it is accepted; sent as headers. Runs on valid objects that are new or changed. */
  warnings?(object: T): string[];
  /** Complaints about a metadata.name. Default: a DNS-1123 subdomain. */
  name?(name: string): string[];
  /** metadata.generation counts changes of what is wanted. */
  readonly tracksGeneration?: true;
  /** Whether two objects want the same; by default, whether their specs are equal. */
  wantsSame?(a: T, b: T): boolean;
  /** A status update may also change labels and annotations. */
  readonly statusUpdatesMetadata?: true;
  /** PUT of a missing object creates it. */
  readonly allowCreateOnUpdate?: true;
  /** PUT without a resourceVersion is a conflict instead of an overwrite. */
  readonly refuseUnconditionalUpdate?: true;
}

/**
 * Reads one field for a fieldSelector; an absent value is "". Taken from a method so that, like the hooks of a strategy, those of a
 * Resource<Pod> fit a Resource<KubeObject>: a resource only ever sees objects of its own kind.
 */
export type SelectableField<T> = { read(object: T): string }["read"];

/** How a kind is served. */
export interface Resource<T extends KubeObject = KubeObject> extends GroupVersionKind {
  readonly schema: AnyMessage & { readonly gvk: GroupVersionKind };
  readonly listSchema: AnyMessage & { readonly gvk: GroupVersionKind };
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly Verb[];
  readonly subresources: readonly Subresource[];
  /** Where its objects are stored, such as `/registry/pods`; undefined for kinds that are never stored (reviews). */
  readonly storagePrefix: string | undefined;
  /** As published in discovery: tells clients when the stored version changes. */
  readonly storageVersionHash: string;
  readonly strategy: Strategy<T>;
  /** By the path that clients write, without metadata.name and metadata.namespace, which every kind has. */
  readonly selectableFields: Readonly<Record<string, SelectableField<T>>>;
  /** Columns of `kubectl get`; a name and a date where a kind declares none. */
  readonly columns: readonly Column<T>[];
  rowConditions?(object: T): TableRow["conditions"];
  /** Objects are stored in the form of another resource's kind (events.k8s.io is stored as core events). */
  readonly storedAs?: StoredAs<T>;
}

export interface StoredAs<T> {
  readonly resource: Resource;
  toStorage(object: T): KubeObject;
  fromStorage(stored: KubeObject): T;
}

export const allVerbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"] as const;
export const readAndWrite = ["get", "patch", "update"] as const;

interface Declaration<T extends KubeObject> {
  readonly plural: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly scope: "Namespaced" | "Cluster";
  readonly verbs?: readonly Verb[];
  /** Adds the usual status subresource. */
  readonly status?: true;
  readonly subresources?: readonly Subresource[];
  /** The part after /registry/, where it is not the plural; null: never stored. */
  readonly storage?: string | null;
  readonly hash?: string;
  readonly strategy?: Strategy<T>;
  readonly selectableFields?: Readonly<Record<string, SelectableField<T>>>;
  readonly columns?: readonly Column<T>[];
  readonly rowConditions?: (object: T) => TableRow["conditions"];
  readonly storedAs?: StoredAs<T>;
}

/** Declares how a kind is served; what most kinds have in common need not be said. */
export function resource<T extends KubeObject>(schema: KindMessage<T>, declaration: Declaration<T>): Resource<T> {
  const { gvk } = schema;
  const storage = declaration.storage === undefined ? declaration.plural : declaration.storage;
  const status: Subresource[] = declaration.status ? [{ name: "status", gvk, schema, verbs: readAndWrite }] : [];
  const subresources = [...(declaration.subresources ?? []), ...status];
  return {
    ...gvk,
    schema,
    listSchema: listOf(schema),
    plural: declaration.plural,
    singular: gvk.kind.toLowerCase(),
    shortNames: declaration.shortNames ?? [],
    categories: declaration.categories ?? [],
    namespaced: declaration.scope === "Namespaced",
    verbs: declaration.verbs ?? allVerbs,
    subresources: subresources.sort((a, b) => (a.name < b.name ? -1 : 1)),
    storagePrefix: storage === null ? undefined : `/registry/${storage}`,
    storageVersionHash: declaration.hash ?? "",
    strategy: declaration.strategy ?? {},
    selectableFields: declaration.selectableFields ?? {},
    columns: declaration.columns ?? plainColumns,
    ...(declaration.rowConditions && { rowConditions: declaration.rowConditions }),
    ...(declaration.storedAs && { storedAs: declaration.storedAs }),
  };
}

/** A kind that is a question: POST answers it, nothing is stored. */
export function review<T extends KubeObject>(
  schema: KindMessage<T>,
  declaration: Pick<Declaration<T>, "plural" | "scope" | "strategy">,
): Resource<T> {
  return resource(schema, { ...declaration, verbs: ["create"], storage: null });
}
