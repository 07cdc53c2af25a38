import type { ReplicaSet, ReplicationController } from "../../api/mod.ts";
import type { Controller, ControllerContext } from "../common/controller.ts";
import { ReplicaController } from "../replicaset/controller.ts";

/** A ReplicationController is a ReplicaSet whose selector is a set of labels. */
export function asReplicaSet(controller: ReplicationController): ReplicaSet {
  const { selector, ...spec } = controller.spec;
  return { ...controller, spec: { ...spec, selector: { matchLabels: selector ?? {} } } };
}

export function replicationController(context: ControllerContext): Controller {
  return new ReplicaController<ReplicationController>(context, {
    controllerName: "replication-controller",
    apiVersion: "v1",
    kind: "ReplicationController",
    client: context.client.replicationControllers,
    asReplicaSet,
    withStatus(controller, { terminatingReplicas: _unknownToIt, ...status }) {
      return { ...controller, status };
    },
  });
}
