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

/** One ClusterRole per controller, `system:controller:NAME`: what each needs and nothing else. */
export const bootstrapControllers: readonly ControllerRole[] = [
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
    name: "generic-garbage-collector",
    rules: [rule("*", "*", `${read} delete patch update`), events],
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
    name: "pod-garbage-collector",
    rules: [rule("", "pods", `${read} delete`), rule("", "nodes", read), rule("", "pods/status", "patch")],
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
    name: "root-ca-cert-publisher",
    rules: [rule("", "configmaps", `${read} create update`), rule("", "namespaces", read), events],
  },
  {
    name: "service-account-controller",
    rules: [rule("", "serviceaccounts", `${read} create`), rule("", "namespaces", read), events],
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
    name: "ttl-after-finished-controller",
    rules: [rule("batch", "jobs", `${read} delete`), events],
  },
];
