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
    limitranges: "LimitRange",
    persistentvolumeclaims: "PersistentVolumeClaim",
    pods: "Pod",
    podtemplates: "PodTemplate",
    replicationcontrollers: "ReplicationController",
    resourcequotas: "ResourceQuota",
    secrets: "Secret",
    serviceaccounts: "ServiceAccount",
    services: "Service",
  }),
  ...kinds("apps", "v1", true, {
    controllerrevisions: "ControllerRevision",
    daemonsets: "DaemonSet",
    deployments: "Deployment",
    replicasets: "ReplicaSet",
    statefulsets: "StatefulSet",
  }),
  ...kinds("autoscaling", "v2", true, { horizontalpodautoscalers: "HorizontalPodAutoscaler" }),
  ...kinds("batch", "v1", true, { cronjobs: "CronJob", jobs: "Job" }),
  ...kinds("certificates.k8s.io", "v1", false, { certificatesigningrequests: "CertificateSigningRequest" }),
  ...kinds("coordination.k8s.io", "v1", true, { leases: "Lease" }),
  ...kinds("discovery.k8s.io", "v1", true, { endpointslices: "EndpointSlice" }),
  ...kinds("networking.k8s.io", "v1", true, { ingresses: "Ingress", networkpolicies: "NetworkPolicy" }),
  ...kinds("networking.k8s.io", "v1", false, {
    ingressclasses: "IngressClass",
    ipaddresses: "IPAddress",
    servicecidrs: "ServiceCIDR",
  }),
  ...kinds("node.k8s.io", "v1", false, { runtimeclasses: "RuntimeClass" }),
  ...kinds("policy", "v1", true, { poddisruptionbudgets: "PodDisruptionBudget" }),
  ...kinds("rbac.authorization.k8s.io", "v1", true, { roles: "Role", rolebindings: "RoleBinding" }),
  ...kinds("rbac.authorization.k8s.io", "v1", false, {
    clusterroles: "ClusterRole",
    clusterrolebindings: "ClusterRoleBinding",
  }),
  ...kinds("scheduling.k8s.io", "v1", false, { priorityclasses: "PriorityClass" }),
  ...kinds("storage.k8s.io", "v1", false, {
    csidrivers: "CSIDriver",
    csinodes: "CSINode",
    storageclasses: "StorageClass",
    volumeattachments: "VolumeAttachment",
    volumeattributesclasses: "VolumeAttributesClass",
  }),
  ...kinds("storage.k8s.io", "v1", true, { csistoragecapacities: "CSIStorageCapacity" }),
];
