import type { PolicyRule } from "./rules.ts";

interface ControllerRole {
  readonly name: string;
  readonly rules: readonly PolicyRule[];
}

const rule = (apiGroup: string, resources: string, verbs: string): PolicyRule => ({
  verbs: verbs.split(" "),
  apiGroups: [apiGroup],
  resources: resources.split(" "),
});

const events: PolicyRule = {
  verbs: ["create", "patch", "update"],
  apiGroups: ["", "events.k8s.io"],
  resources: ["events"],
};
const read = "get list watch";

const builtInSigners = [
  "kubernetes.io/kube-apiserver-client",
  "kubernetes.io/kube-apiserver-client-kubelet",
  "kubernetes.io/kubelet-serving",
  "kubernetes.io/legacy-unknown",
];

/** One ClusterRole per controller, `system:controller:NAME`: what each needs and nothing else. */
export const bootstrapControllers: readonly ControllerRole[] = [
  {
    name: "attachdetach-controller",
    rules: [
      rule("", "persistentvolumeclaims persistentvolumes", "list watch"),
      rule("", "nodes", read),
      rule("", "nodes/status", "patch update"),
      rule("", "pods", "list watch"),
      rule("storage.k8s.io", "volumeattachments", `${read} create delete`),
      rule("storage.k8s.io", "csidrivers csinodes", read),
      events,
    ],
  },
  {
    name: "certificate-controller",
    rules: [
      rule("certificates.k8s.io", "certificatesigningrequests", `${read} delete`),
      rule("certificates.k8s.io", "certificatesigningrequests/approval certificatesigningrequests/status", "update"),
      ...(["approve", "sign"] as const).map((verb) => ({
        ...rule("certificates.k8s.io", "signers", verb),
        resourceNames: verb === "approve" ? ["kubernetes.io/kube-apiserver-client-kubelet"] : builtInSigners,
      })),
      rule("authorization.k8s.io", "subjectaccessreviews", "create"),
      events,
    ],
  },
  {
    name: "clusterrole-aggregation-controller",
    rules: [rule("rbac.authorization.k8s.io", "clusterroles", `escalate ${read} patch update`)],
  },
  {
    name: "cronjob-controller",
    rules: [
      rule("batch", "cronjobs", `${read} update`),
      rule("batch", "cronjobs/finalizers cronjobs/status", "update"),
      rule("batch", "jobs", `${read} create delete patch update`),
      rule("", "pods", "delete list"),
      events,
    ],
  },
  {
    // Of the programs that the original runs beside each storage driver: provisioner, attacher, resizer.
    name: "csi-controllers",
    rules: [
      rule("", "persistentvolumes", `${read} create delete update`),
      rule("", "persistentvolumeclaims", `${read} patch`),
      rule("", "persistentvolumeclaims/status", "update"),
      rule("", "secrets", "get"),
      rule("", "nodes", read),
      rule("storage.k8s.io", "storageclasses csinodes", read),
      rule("storage.k8s.io", "volumeattachments", `${read} update`),
      rule("storage.k8s.io", "volumeattachments/status", "update"),
      events,
    ],
  },
  {
    name: "daemon-set-controller",
    rules: [
      rule("apps", "daemonsets", read),
      rule("apps", "daemonsets/finalizers daemonsets/status", "update"),
      rule("", "nodes", "list watch"),
      rule("", "pods", "create delete list patch watch"),
      rule("", "pods/binding", "create"),
      rule("apps", "controllerrevisions", `${read} create delete patch update`),
      events,
    ],
  },
  {
    name: "deployment-controller",
    rules: [
      rule("apps", "deployments", `${read} update`),
      rule("apps", "deployments/finalizers deployments/status", "update"),
      rule("apps", "replicasets", `${read} create delete patch update`),
      rule("", "pods", `${read} update`),
      events,
    ],
  },
  {
    name: "disruption-controller",
    rules: [
      rule("apps", "deployments replicasets statefulsets", read),
      rule("", "replicationcontrollers", read),
      rule("policy", "poddisruptionbudgets", read),
      rule("policy", "poddisruptionbudgets/status", "update"),
      rule("", "pods", read),
      rule("", "pods/status", "patch update"),
      rule("*", "*/scale", "get"),
      events,
    ],
  },
  {
    name: "endpoint-controller",
    rules: [
      rule("", "pods services", read),
      rule("", "endpoints", "create delete get list update"),
      rule("", "endpoints/restricted", "create"),
      events,
    ],
  },
  {
    name: "endpointslice-controller",
    rules: [
      rule("", "nodes pods services", read),
      rule("", "services/finalizers", "update"),
      rule("discovery.k8s.io", "endpointslices", `${read} create delete update`),
      rule("discovery.k8s.io", "endpointslices/restricted", "create"),
      events,
    ],
  },
  {
    name: "endpointslicemirroring-controller",
    rules: [
      rule("", "endpoints services", read),
      rule("", "services/finalizers endpoints/finalizers", "update"),
      rule("discovery.k8s.io", "endpointslices", `${read} create delete update`),
      rule("discovery.k8s.io", "endpointslices/restricted", "create"),
      events,
    ],
  },
  {
    name: "ephemeral-volume-controller",
    rules: [
      rule("", "pods/finalizers", "update"),
      rule("", "pods", read),
      rule("", "persistentvolumeclaims", `${read} create`),
      events,
    ],
  },
  {
    name: "expand-controller",
    rules: [
      rule("", "persistentvolumes", `${read} patch update`),
      rule("", "persistentvolumeclaims", read),
      rule("", "persistentvolumeclaims/status", "patch update"),
      rule("storage.k8s.io", "storageclasses", read),
      rule("", "endpoints services secrets", "get"),
      events,
    ],
  },
  {
    name: "generic-garbage-collector",
    rules: [rule("*", "*", `${read} delete patch update`), events],
  },
  {
    name: "horizontal-pod-autoscaler",
    rules: [
      rule("autoscaling", "horizontalpodautoscalers", read),
      rule("autoscaling", "horizontalpodautoscalers/status", "update"),
      rule("*", "*/scale", "get update"),
      rule("", "pods", "list"),
      rule("metrics.k8s.io", "pods", "list"),
      rule("custom.metrics.k8s.io", "*", "get list"),
      rule("external.metrics.k8s.io", "*", "get list"),
      events,
    ],
  },
  {
    name: "job-controller",
    rules: [
      rule("batch", "jobs", `${read} patch update`),
      rule("batch", "jobs/finalizers jobs/status", "update"),
      rule("", "pods", `${read} create delete patch`),
      events,
    ],
  },
  {
    name: "legacy-service-account-token-cleaner",
    rules: [
      { ...rule("", "configmaps", "get"), resourceNames: ["kube-apiserver-legacy-service-account-token-tracking"] },
      rule("", "secrets", "delete patch"),
      events,
    ],
  },
  {
    name: "namespace-controller",
    rules: [
      rule("", "namespaces", `${read} delete`),
      rule("", "namespaces/finalize namespaces/status", "update"),
      rule("*", "*", `${read} delete deletecollection`),
    ],
  },
  {
    name: "node-controller",
    rules: [
      rule("", "nodes", `${read} delete patch update`),
      rule("", "nodes/status", "patch update"),
      rule("", "pods/status", "patch update"),
      rule("", "pods", `${read} delete`),
      rule("coordination.k8s.io", "leases", read),
      events,
    ],
  },
  {
    name: "persistent-volume-binder",
    rules: [
      rule("", "persistentvolumes", `${read} create delete update`),
      rule("", "persistentvolumes/status", "update"),
      rule("", "persistentvolumeclaims", `${read} update`),
      rule("", "persistentvolumeclaims/status", "update"),
      rule("", "pods", `${read} create delete`),
      rule("storage.k8s.io", "storageclasses", read),
      rule("", "nodes", read),
      rule("", "endpoints services", "create delete get update"),
      rule("", "secrets", "get"),
      events,
    ],
  },
  {
    name: "pod-garbage-collector",
    rules: [rule("", "pods", `${read} delete`), rule("", "nodes", read), rule("", "pods/status", "patch")],
  },
  {
    name: "pv-protection-controller",
    rules: [rule("", "persistentvolumes", `${read} update`), events],
  },
  {
    name: "pvc-protection-controller",
    rules: [rule("", "persistentvolumeclaims", `${read} update`), rule("", "pods", read), events],
  },
  {
    name: "replicaset-controller",
    rules: [
      rule("apps", "replicasets", `${read} update`),
      rule("apps", "replicasets/finalizers replicasets/status", "update"),
      rule("", "pods", `${read} create delete patch`),
      events,
    ],
  },
  {
    name: "replication-controller",
    rules: [
      rule("", "replicationcontrollers", `${read} update`),
      rule("", "replicationcontrollers/finalizers replicationcontrollers/status", "update"),
      rule("", "pods", `${read} create delete patch`),
      events,
    ],
  },
  {
    name: "resourcequota-controller",
    rules: [rule("*", "*", "list watch"), rule("", "resourcequotas/status", "update"), events],
  },
  {
    name: "root-ca-cert-publisher",
    rules: [rule("", "configmaps", `${read} create update`), rule("", "namespaces", read), events],
  },
  {
    name: "service-account-controller",
    rules: [rule("", "serviceaccounts", `${read} create`), rule("", "namespaces", read), events],
  },
  {
    name: "service-cidrs-controller",
    rules: [
      rule("networking.k8s.io", "servicecidrs", `${read} patch update`),
      rule("networking.k8s.io", "servicecidrs/finalizers servicecidrs/status", "patch update"),
      rule("networking.k8s.io", "ipaddresses", read),
      events,
    ],
  },
  {
    name: "service-controller",
    rules: [
      rule("", "services", read),
      rule("", "services/status", "patch update"),
      rule("", "nodes", "list watch"),
      events,
    ],
  },
  {
    name: "statefulset-controller",
    rules: [
      rule("apps", "statefulsets", read),
      rule("apps", "statefulsets/finalizers statefulsets/status", "update"),
      rule("", "pods", `${read} create delete patch update`),
      rule("apps", "controllerrevisions", `${read} create delete patch update`),
      rule("", "persistentvolumeclaims", "create delete get list patch update watch"),
      events,
    ],
  },
  {
    name: "taint-eviction-controller",
    rules: [rule("", "pods", `${read} delete`), rule("", "nodes", read), rule("", "pods/status", "patch"), events],
  },
  {
    name: "ttl-after-finished-controller",
    rules: [rule("batch", "jobs", `${read} delete`), events],
  },
  {
    name: "ttl-controller",
    rules: [rule("", "nodes", `${read} patch update`), events],
  },
  {
    name: "volumeattributesclass-protection-controller",
    rules: [
      rule("", "persistentvolumeclaims persistentvolumes", read),
      rule("storage.k8s.io", "volumeattributesclasses", `${read} update`),
      events,
    ],
  },
];
