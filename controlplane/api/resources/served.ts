import { ipAddresses, serviceCIDRs } from "./addresses.ts";
import { horizontalPodAutoscalers, horizontalPodAutoscalersV1 } from "./autoscalers.ts";
import { certificateSigningRequests } from "./certificates.ts";
import { configMaps, secrets } from "./config.ts";
import { controllerRevisions } from "./controller-revisions.ts";
import { cronJobs } from "./cron-jobs.ts";
import { csiDrivers, csiNodes, csiStorageCapacities, volumeAttachments } from "./csi.ts";
import { daemonSets } from "./daemon-sets.ts";
import { podDisruptionBudgets } from "./disruption-budgets.ts";
import { endpointSlices, endpoints } from "./endpoints.ts";
import { events, eventsEvents } from "./events.ts";
import { leases } from "./leases.ts";
import { namespaces } from "./namespaces.ts";
import { ingressClasses, ingresses, networkPolicies } from "./networking.ts";
import { nodes } from "./nodes.ts";
import { priorityClasses, runtimeClasses } from "./pod-classes.ts";
import { podTemplates } from "./pod-templates.ts";
import { bindings, pods } from "./pods.ts";
import { limitRanges, resourceQuotas } from "./quota.ts";
import { clusterRoleBindings, clusterRoles, roleBindings, roles } from "./rbac.ts";
import { replicationControllers } from "./replication-controllers.ts";
import type { Resource } from "./resource.ts";
import {
  localSubjectAccessReviews,
  selfSubjectAccessReviews,
  selfSubjectReviews,
  selfSubjectRulesReviews,
  subjectAccessReviews,
  tokenReviews,
} from "./reviews.ts";
import { serviceAccounts, services } from "./services.ts";
import { statefulSets } from "./stateful-sets.ts";
import { storageClasses, volumeAttributesClasses } from "./storage-classes.ts";
import { persistentVolumeClaims, persistentVolumes } from "./volumes.ts";
import { deployments, jobs, replicaSets } from "./workloads.ts";

/**
 * Everything the API server serves, in the order of discovery: groups by priority, resources by name. A kind is served by being here;
 * to serve another one, declare its resource and add it.
 */
export const servedResources: readonly Resource[] = [
  bindings,
  configMaps,
  endpoints,
  events,
  limitRanges,
  namespaces,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  podTemplates,
  replicationControllers,
  resourceQuotas,
  secrets,
  serviceAccounts,
  services,
  controllerRevisions,
  daemonSets,
  deployments,
  replicaSets,
  statefulSets,
  eventsEvents,
  selfSubjectReviews,
  tokenReviews,
  localSubjectAccessReviews,
  selfSubjectAccessReviews,
  selfSubjectRulesReviews,
  subjectAccessReviews,
  horizontalPodAutoscalers,
  horizontalPodAutoscalersV1,
  cronJobs,
  jobs,
  certificateSigningRequests,
  ingressClasses,
  ingresses,
  ipAddresses,
  networkPolicies,
  serviceCIDRs,
  podDisruptionBudgets,
  clusterRoleBindings,
  clusterRoles,
  roleBindings,
  roles,
  csiDrivers,
  csiNodes,
  csiStorageCapacities,
  storageClasses,
  volumeAttachments,
  volumeAttributesClasses,
  priorityClasses,
  leases,
  runtimeClasses,
  endpointSlices,
];

/** Order of groups in discovery; groups of custom resources follow, by name. */
export const groupOrder: readonly string[] = [
  "",
  "apiregistration.k8s.io",
  "apps",
  "events.k8s.io",
  "authentication.k8s.io",
  "authorization.k8s.io",
  "autoscaling",
  "batch",
  "certificates.k8s.io",
  "networking.k8s.io",
  "policy",
  "rbac.authorization.k8s.io",
  "storage.k8s.io",
  "admissionregistration.k8s.io",
  "apiextensions.k8s.io",
  "scheduling.k8s.io",
  "coordination.k8s.io",
  "node.k8s.io",
  "discovery.k8s.io",
  "resource.k8s.io",
  "flowcontrol.apiserver.k8s.io",
  "internal.apiserver.k8s.io",
  "storagemigration.k8s.io",
];

/** By group, version and plural, as they stand in a path. */
export function findResource(group: string, version: string, plural: string): Resource | undefined {
  return servedResources.find((r) => r.plural === plural && r.group === group && r.version === version);
}

export function findKind(group: string, version: string, kind: string): Resource | undefined {
  return servedResources.find((r) => r.kind === kind && r.group === group && r.version === version);
}

/** `apps/v1`; `v1` in the core group. */
export function apiVersionOf({ group, version }: { readonly group: string; readonly version: string }): string {
  return group === "" ? version : `${group}/${version}`;
}
