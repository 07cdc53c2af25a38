import { Deployment } from "../types/apps/deployment.ts";
import { ReplicaSet } from "../types/apps/replica-set.ts";
import { Scale } from "../types/autoscaling/scale.ts";
import { Job } from "../types/batch/job.ts";
import { readAndWrite, resource, type Subresource } from "./resource.ts";

const scale: Subresource = { name: "scale", gvk: Scale.gvk, schema: Scale, verbs: readAndWrite };

export const deployments = resource<Deployment>(Deployment, {
  plural: "deployments",
  shortNames: ["deploy"],
  categories: ["all"],
  scope: "Namespaced",
  status: true,
  subresources: [scale],
  hash: "8aSe+NMegvE=",
  strategy: { tracksGeneration: true },
});

export const replicaSets = resource<ReplicaSet>(ReplicaSet, {
  plural: "replicasets",
  shortNames: ["rs"],
  categories: ["all"],
  scope: "Namespaced",
  status: true,
  subresources: [scale],
  hash: "P1RzHs8/mWQ=",
  strategy: { tracksGeneration: true },
  selectableFields: { "status.replicas": (replicaSet) => String(replicaSet.status?.replicas ?? 0) },
});

export const jobs = resource<Job>(Job, {
  plural: "jobs",
  categories: ["all"],
  scope: "Namespaced",
  status: true,
  hash: "mudhfqk/qZY=",
  strategy: { tracksGeneration: true },
  selectableFields: { "status.successful": (job) => String(job.status?.succeeded ?? 0) },
});
