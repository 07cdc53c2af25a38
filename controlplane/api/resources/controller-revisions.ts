import { controllerRevisionColumns } from "../printers/workloads.ts";
import { ControllerRevision } from "../types/apps/controller-revision.ts";
import { validateControllerRevision, validateControllerRevisionUpdate } from "../validation/replication-controller.ts";
import { resource } from "./resource.ts";

export const controllerRevisions = resource<ControllerRevision>(ControllerRevision, {
  plural: "controllerrevisions",
  scope: "Namespaced",
  hash: "85nkx63pcBU=",
  columns: controllerRevisionColumns,
  strategy: { validate: validateControllerRevision, validateUpdate: validateControllerRevisionUpdate },
});
