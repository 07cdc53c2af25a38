import type { Kind } from "./fake-store.testing.ts";

function kinds(group: string, version: string, namespaced: boolean, names: Readonly<Record<string, string>>): Kind[] {
  return Object.entries(names).map(([plural, kind]) => ({ group, version, plural, kind, namespaced }));
}

/** What the twin serves. */
export const fakeResources: readonly Kind[] = [
  ...kinds("", "v1", false, { namespaces: "Namespace", nodes: "Node", persistentvolumes: "PersistentVolume" }),
  ...kinds("", "v1", true, {
    configmaps: "ConfigMap",
    endpoints: "Endpoints",
    events: "Event",
    persistentvolumeclaims: "PersistentVolumeClaim",
    pods: "Pod",
    secrets: "Secret",
    serviceaccounts: "ServiceAccount",
    services: "Service",
  }),
  ...kinds("apps", "v1", true, {
    daemonsets: "DaemonSet",
    deployments: "Deployment",
    replicasets: "ReplicaSet",
    statefulsets: "StatefulSet",
  }),
  ...kinds("batch", "v1", true, { jobs: "Job" }),
  ...kinds("coordination.k8s.io", "v1", true, { leases: "Lease" }),
  ...kinds("discovery.k8s.io", "v1", true, { endpointslices: "EndpointSlice" }),
  ...kinds("networking.k8s.io", "v1", true, { ingresses: "Ingress" }),
  ...kinds("networking.k8s.io", "v1", false, { ingressclasses: "IngressClass" }),
  ...kinds("policy", "v1", true, { poddisruptionbudgets: "PodDisruptionBudget" }),
  ...kinds("rbac.authorization.k8s.io", "v1", true, { roles: "Role", rolebindings: "RoleBinding" }),
  ...kinds("rbac.authorization.k8s.io", "v1", false, {
    clusterroles: "ClusterRole",
    clusterrolebindings: "ClusterRoleBinding",
  }),
  ...kinds("scheduling.k8s.io", "v1", false, { priorityclasses: "PriorityClass" }),
];
