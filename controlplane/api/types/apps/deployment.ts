import {
  always,
  boolean,
  doc,
  explicit,
  given,
  int32,
  int64,
  intOrString,
  keyed,
  list,
  mergeBy,
  one,
  oneOf,
  packageOf,
  required,
  retainKeys,
  string,
  time,
} from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";
import { PodTemplateSpec } from "../core/pod-template.ts";
import { listOf } from "../meta/list.ts";
import { ObjectMeta } from "../meta/object-meta.ts";
import { LabelSelector } from "../meta/selector.ts";

const { kind, message } = packageOf("io.k8s.api.apps.v1", "apps", "v1");

export const RollingUpdateDeployment = message("RollingUpdateDeployment", {
  maxUnavailable: intOrString(
    1,
    doc("How many pods, or percent, may be unavailable during the update. Defaults to 25%."),
  ),
  maxSurge: intOrString(2, doc("How many pods, or percent, may exist above the wanted number. Defaults to 25%.")),
});
export interface RollingUpdateDeployment extends Infer<typeof RollingUpdateDeployment> {}

export const DeploymentStrategy = message("DeploymentStrategy", {
  type: oneOf(
    1,
    ["Recreate", "RollingUpdate"],
    doc("Recreate stops all old pods first; RollingUpdate replaces them step by step. Defaults to RollingUpdate."),
  ),
  rollingUpdate: one<RollingUpdateDeployment>(2, RollingUpdateDeployment),
});
export interface DeploymentStrategy extends Infer<typeof DeploymentStrategy> {}

export const DeploymentSpec = message(
  "DeploymentSpec",
  {
    replicas: int32(1, explicit, doc("How many pods are wanted. Defaults to 1.")),
    selector: required(
      one<LabelSelector>(
        2,
        LabelSelector,
        doc(
          "Chooses the pods that belong to the Deployment. It must match the template's labels and cannot be changed.",
        ),
      ),
    ),
    template: required(one<PodTemplateSpec>(3, PodTemplateSpec, always, doc("What the pods look like."))),
    strategy: one<DeploymentStrategy>(
      4,
      DeploymentStrategy,
      always,
      retainKeys,
      doc("How old pods are replaced by new ones."),
    ),
    minReadySeconds: int32(5, doc("How long a new pod must be ready before it counts as available. Defaults to 0.")),
    revisionHistoryLimit: int32(6, explicit, doc("How many old ReplicaSets are kept for rollback. Defaults to 10.")),
    paused: boolean(7, doc("While true, changes of the template are not rolled out.")),
    progressDeadlineSeconds: int32(
      9,
      explicit,
      doc("After how long without progress the rollout is reported as failed. Defaults to 600."),
    ),
  },
  { doc: "What a Deployment should be." },
);
export interface DeploymentSpec extends Infer<typeof DeploymentSpec> {}

export const DeploymentCondition = message("DeploymentCondition", {
  type: required(string(1)),
  status: required(oneOf(2, ["True", "False", "Unknown"])),
  lastUpdateTime: time(6),
  lastTransitionTime: time(7),
  reason: string(4),
  message: string(5),
});
export interface DeploymentCondition extends Infer<typeof DeploymentCondition> {}

export const DeploymentStatus = message(
  "DeploymentStatus",
  {
    observedGeneration: int64(1),
    replicas: int32(2),
    updatedReplicas: int32(3),
    readyReplicas: int32(7),
    availableReplicas: int32(4),
    unavailableReplicas: int32(5),
    terminatingReplicas: int32(9, explicit),
    conditions: list<DeploymentCondition>(6, DeploymentCondition, keyed("type"), mergeBy("type")),
    collisionCount: int32(8, explicit),
  },
  { doc: "What a Deployment was last seen to be." },
);
export interface DeploymentStatus extends Infer<typeof DeploymentStatus> {}

export const Deployment = kind(
  "Deployment",
  "Keeps a set of identical pods running and replaces them step by step when their template changes.",
  {
    metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
    spec: given(one<DeploymentSpec>(2, DeploymentSpec, always, doc("What is wanted."))),
    status: one<DeploymentStatus>(3, DeploymentStatus, always, doc("What was last seen.")),
  },
);
export interface Deployment extends Infer<typeof Deployment> {}

export const DeploymentList = listOf<Deployment>(Deployment);
export interface DeploymentList extends Infer<typeof DeploymentList> {}
