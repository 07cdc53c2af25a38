import { atomic, boolean, explicit, int64, list, one, oneOf, packageOf, string } from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";

const { kind, message } = packageOf("io.k8s.apimachinery.pkg.apis.meta.v1", "", "v1");

export const CreateOptions = kind("CreateOptions", "How to create.", {
  dryRun: list(1, string),
  fieldManager: string(3),
  fieldValidation: string(4),
});
export interface CreateOptions extends Infer<typeof CreateOptions> {}

export const Preconditions = message("Preconditions", {
  uid: string(1, explicit),
  resourceVersion: string(2, explicit),
});
export interface Preconditions extends Infer<typeof Preconditions> {}

export const DeleteOptions = kind("DeleteOptions", "How to delete.", {
  gracePeriodSeconds: int64(1, explicit),
  preconditions: one<Preconditions>(2, Preconditions),
  orphanDependents: boolean(3, explicit),
  propagationPolicy: oneOf(4, ["Orphan", "Background", "Foreground"], explicit),
  dryRun: list(5, string, atomic),
  ignoreStoreReadErrorWithClusterBreakingPotential: boolean(6, explicit),
});
export interface DeleteOptions extends Infer<typeof DeleteOptions> {}

export const GetOptions = kind("GetOptions", "How to get.", {
  resourceVersion: string(1),
});
export interface GetOptions extends Infer<typeof GetOptions> {}

export const ListOptions = kind("ListOptions", "What to list or watch.", {
  labelSelector: string(1),
  fieldSelector: string(2),
  watch: boolean(3),
  allowWatchBookmarks: boolean(9),
  resourceVersion: string(4),
  resourceVersionMatch: string(10),
  timeoutSeconds: int64(5, explicit),
  limit: int64(7),
  continue: string(8),
  sendInitialEvents: boolean(11, explicit),
  shardSelector: string(15),
});
export interface ListOptions extends Infer<typeof ListOptions> {}

export const PatchOptions = kind("PatchOptions", "How to patch.", {
  dryRun: list(1, string),
  force: boolean(2, explicit),
  fieldManager: string(3),
  fieldValidation: string(4),
});
export interface PatchOptions extends Infer<typeof PatchOptions> {}

export const UpdateOptions = kind("UpdateOptions", "How to update.", {
  dryRun: list(1, string),
  fieldManager: string(2),
  fieldValidation: string(3),
});
export interface UpdateOptions extends Infer<typeof UpdateOptions> {}
