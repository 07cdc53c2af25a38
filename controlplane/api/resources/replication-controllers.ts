import { defaultReplicationController } from "../defaults/workloads.ts";
import { replicationControllerColumns } from "../printers/workloads.ts";
import { ReplicationController } from "../types/core/replication-controller.ts";
import { validateReplicationController } from "../validation/replication-controller.ts";
import { resource } from "./resource.ts";
import { scale } from "./scale.ts";

export const replicationControllers = resource<ReplicationController>(ReplicationController, {
  plural: "replicationcontrollers",
  shortNames: ["rc"],
  categories: ["all"],
  scope: "Namespaced",
  status: true,
  subresources: [scale],
  storage: "controllers",
  hash: "Jond2If31h0=",
  columns: replicationControllerColumns,
  strategy: { tracksGeneration: true, defaults: defaultReplicationController, validate: validateReplicationController },
  selectableFields: { "status.replicas": (controller) => String(controller.status?.replicas ?? 0) },
});
