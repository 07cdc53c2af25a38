import {
  atomic,
  boolean,
  doc,
  explicit,
  given,
  int64,
  json,
  keyed,
  list,
  map,
  merge,
  mergeBy,
  oneOf,
  packageOf,
  required,
  set,
  string,
  time,
} from "../../schema/dsl.ts";
import type { AnyMessage, Infer, Message } from "../../schema/field.ts";

const { message } = packageOf("io.k8s.apimachinery.pkg.apis.meta.v1", "", "v1");

export const ListMeta = message("ListMeta", {
  selfLink: string(1),
  resourceVersion: string(2),
  continue: string(3),
  remainingItemCount: int64(4, explicit),
});
export interface ListMeta extends Infer<typeof ListMeta> {}

export const ManagedFieldsEntry = message("ManagedFieldsEntry", {
  manager: string(1),
  operation: oneOf(2, ["Apply", "Update"]),
  apiVersion: string(3),
  time: time(4),
  fieldsType: string(6),
  fieldsV1: json(7),
  subresource: string(8),
});
export interface ManagedFieldsEntry extends Infer<typeof ManagedFieldsEntry> {}

export const OwnerReference = message(
  "OwnerReference",
  {
    apiVersion: required(string(5)),
    kind: required(string(1)),
    name: required(string(3)),
    uid: required(string(4)),
    controller: boolean(6, explicit),
    blockOwnerDeletion: boolean(7, explicit),
  },
  { atomic: true },
);
export interface OwnerReference extends Infer<typeof OwnerReference> {}

export const ObjectMeta = message(
  "ObjectMeta",
  {
    name: given(string(1, doc("Unique within a namespace and a resource. It cannot be changed."))),
    generateName: string(2, doc("A prefix from which the server makes a unique name when none is given.")),
    namespace: string(3, doc("The scope of the name. It cannot be changed.")),
    selfLink: string(4),
    uid: string(5, doc("Unique in time and space. Set by the server.")),
    resourceVersion: string(
      6,
      doc("Changes with every change of the object. Clients compare it for equality and pass it back."),
    ),
    generation: int64(7, doc("Counts the changes of what is wanted. Set by the server.")),
    creationTimestamp: time(8, doc("When the server created the object.")),
    deletionTimestamp: time(9, doc("When the object was asked to go, plus its grace period. Set by the server.")),
    deletionGracePeriodSeconds: int64(10, explicit, doc("How long the object has to go away gracefully.")),
    labels: map(11, string, doc("Keys and values by which objects are chosen.")),
    annotations: map(12, string, doc("Keys and values that tools store with the object; not for choosing.")),
    ownerReferences: list<OwnerReference>(
      13,
      OwnerReference,
      keyed("uid"),
      mergeBy("uid"),
      doc("Objects that this one depends on: it is deleted once they are all gone."),
    ),
    finalizers: list(14, string, set, merge, doc("Who still has work to do before the object may vanish.")),
    managedFields: list<ManagedFieldsEntry>(17, ManagedFieldsEntry, atomic, doc("Who last set which field.")),
  },
  { doc: "What every stored object has: name, labels, owners, versions." },
);
export interface ObjectMeta extends Infer<typeof ObjectMeta> {}

/** The metadata of a template: the same message, but nothing in it has a name yet. */
export interface TemplateMeta extends Partial<ObjectMeta> {}
export const TemplateMeta = ObjectMeta as AnyMessage as Message<TemplateMeta>;
