import { defaultDeployment, defaultJob, defaultReplicaSet } from "../defaults/workloads.ts";
import { deploymentColumns, jobColumns, replicaSetColumns } from "../printers/workloads.ts";
import { equalJson } from "../schema/equal.ts";
import { Deployment } from "../types/apps/deployment.ts";
import { ReplicaSet } from "../types/apps/replica-set.ts";
import { Job } from "../types/batch/job.ts";
import { validateJob, validateJobUpdate } from "../validation/job.ts";
import {
  validateDeployment,
  validateDeploymentUpdate,
  validateReplicaSet,
  validateReplicaSetUpdate,
} from "../validation/workloads.ts";
import { ownPodsByUid } from "./job-selector.ts";
import { resource } from "./resource.ts";
import { scale } from "./scale.ts";

export const deployments = resource<Deployment>(Deployment, {
  plural: "deployments",
  shortNames: ["deploy"],
  categories: ["all"],
  scope: "Namespaced",
  status: true,
  subresources: [scale],
  hash: "8aSe+NMegvE=",
  columns: deploymentColumns,
  strategy: {
    tracksGeneration: true,
    // Annotations count too: the controller copies them to the ReplicaSets.
    wantsSame: (a, b) =>
      equalJson(a.spec, b.spec) && equalJson(a.metadata.annotations ?? {}, b.metadata.annotations ?? {}),
    defaults: defaultDeployment,
    validate: validateDeployment,
    validateUpdate: validateDeploymentUpdate,
  },
});

export const replicaSets = resource<ReplicaSet>(ReplicaSet, {
  plural: "replicasets",
  shortNames: ["rs"],
  categories: ["all"],
  scope: "Namespaced",
  status: true,
  subresources: [scale],
  hash: "P1RzHs8/mWQ=",
  columns: replicaSetColumns,
  strategy: {
    tracksGeneration: true,
    defaults: defaultReplicaSet,
    validate: validateReplicaSet,
    validateUpdate: validateReplicaSetUpdate,
  },
  selectableFields: { "status.replicas": (replicaSet) => String(replicaSet.status?.replicas ?? 0) },
});

export const jobs = resource<Job>(Job, {
  plural: "jobs",
  categories: ["all"],
  scope: "Namespaced",
  status: true,
  hash: "mudhfqk/qZY=",
  columns: jobColumns,
  strategy: {
    tracksGeneration: true,
    defaults: defaultJob,
    prepareForCreate: ownPodsByUid,
    validate: validateJob,
    validateUpdate: validateJobUpdate,
  },
  selectableFields: { "status.successful": (job) => String(job.status?.succeeded ?? 0) },
});
