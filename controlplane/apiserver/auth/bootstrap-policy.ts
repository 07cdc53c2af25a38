// The roles and bindings every cluster has (kubernetes plugin/pkg/auth/authorizer/rbac/bootstrappolicy). What they
// grant is a matter of compatibility: clients and charts rely on it, also for kinds that are not served here.
import { bootstrapControllers } from "./bootstrap-controllers.ts";
import type { Subject } from "./rbac.ts";
import type { PolicyRule } from "./rules.ts";

export interface ClusterRoleSpec {
  readonly name: string;
  readonly rules: readonly PolicyRule[];
  readonly labels?: Readonly<Record<string, string>>;
  /** Label of the ClusterRoles whose rules this one collects. */
  readonly aggregates?: string;
}

/** A Role, and its RoleBinding of the same name. */
export interface NamespacedRoleSpec {
  readonly namespace: string;
  readonly name: string;
  readonly rules: readonly PolicyRule[];
  readonly subjects: readonly Subject[];
}

export interface BindingSpec {
  readonly role: string;
  readonly subjects: readonly Subject[];
}

const rbac = "rbac.authorization.k8s.io";
const group = (name: string): Subject => ({ kind: "Group", apiGroup: rbac, name });
const user = (name: string): Subject => ({ kind: "User", apiGroup: rbac, name });
const account = (namespace: string, name: string): Subject => ({ kind: "ServiceAccount", namespace, name });

/** A rule in one line: groups, resources, verbs, each blank-separated; "core" stands for the group "". */
export function allow(groups: string, resources: string, verbs: string, names?: readonly string[]): PolicyRule {
  return {
    verbs: verbs.split(" "),
    apiGroups: groups.split(" ").map((name) => (name === "core" ? "" : name)),
    resources: resources.split(" "),
    ...(names && { resourceNames: names }),
  };
}

const paths = (urls: string, verbs: string): PolicyRule => ({
  verbs: verbs.split(" "),
  nonResourceURLs: urls.split(" "),
});

const read = "get list watch";
const write = "create delete deletecollection patch update";
const all = `${write} ${read}`;
const eventWriter = allow("core events.k8s.io", "events", "create patch update");

const infoPaths = "/healthz /livez /readyz /version /version/";
const discoveryPaths = `/api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/`;

const workloads = [
  allow(
    "apps",
    "daemonsets deployments deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale",
    "",
  ),
  allow("apps", "controllerrevisions", ""),
  allow("autoscaling", "horizontalpodautoscalers", ""),
  allow("batch", "cronjobs jobs", ""),
  allow("networking.k8s.io", "ingresses networkpolicies", ""),
  allow("policy", "poddisruptionbudgets", ""),
];
const withVerbs = (verbs: string) => workloads.map((rule) => ({ ...rule, verbs: verbs.split(" ") }));

const viewRules: readonly PolicyRule[] = [
  allow(
    "core",
    "configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status",
    read,
  ),
  allow(
    "core",
    "bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status",
    read,
  ),
  allow("core", "namespaces", read),
  allow("discovery.k8s.io", "endpointslices", read),
  ...withVerbs(read),
  allow("apps", "daemonsets/status deployments/status replicasets/status statefulsets/status", read),
  allow("batch", "cronjobs/status jobs/status", read),
  allow("networking.k8s.io", "ingresses/status", read),
  allow("policy", "poddisruptionbudgets/status", read),
];

const editRules: readonly PolicyRule[] = [
  allow("core", "pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy", read),
  allow("core", "serviceaccounts", "impersonate"),
  allow("core", "pods pods/attach pods/exec pods/portforward pods/proxy", write),
  allow("core", "pods/eviction", "create"),
  allow(
    "core",
    "configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services services/proxy",
    write,
  ),
  allow("core", "serviceaccounts/token", "create"),
  allow("apps", "deployments/rollback", write),
  ...withVerbs(write),
  allow("coordination.k8s.io", "leases", all),
];

const adminRules: readonly PolicyRule[] = [
  allow("authorization.k8s.io", "localsubjectaccessreviews", "create"),
  allow(rbac, "rolebindings roles", all),
];

/**
 * What any kubelet may do, as far as rules can tell; what depends on the pods of its node, the Node authorizer decides.
 * It carries these rules with it: the role is bound to nobody.
 */
export const nodeRules: readonly PolicyRule[] = [
  allow("authentication.k8s.io", "tokenreviews", "create"),
  allow("authorization.k8s.io", "localsubjectaccessreviews subjectaccessreviews", "create"),
  allow("core", "services", read),
  allow("core", "nodes", `create ${read}`),
  allow("core", "nodes nodes/status", "patch update"),
  eventWriter,
  allow("core", "pods", `${read} create delete`),
  allow("core", "pods/status", "patch update"),
  allow("core", "pods/eviction", "create"),
  allow("core", "configmaps secrets", read),
  allow("core", "persistentvolumeclaims persistentvolumes", "get"),
  allow("core", "persistentvolumeclaims/status", "get patch update"),
  allow("core", "endpoints", "get"),
  allow("core", "serviceaccounts/token", "create"),
  allow("core", "serviceaccounts", "get"),
  allow("certificates.k8s.io", "certificatesigningrequests", `create ${read}`),
  allow("coordination.k8s.io", "leases", "create delete get patch update"),
  allow("storage.k8s.io", "volumeattachments", "get"),
  allow("storage.k8s.io", "csidrivers", read),
  allow("storage.k8s.io", "csinodes", "create delete get patch update"),
  allow("node.k8s.io", "runtimeclasses", read),
];

/** Clients that live in a node's agent, or beside it, under names of their own. */
const nodeServices: readonly ClusterRoleSpec[] = [
  {
    name: "system:flotilla:dns",
    rules: [
      allow("core", "namespaces pods services", read),
      allow("discovery.k8s.io", "endpointslices", read),
      allow("core", "nodes", "get"),
    ],
  },
  {
    name: "system:flotilla:ingress",
    rules: [
      allow("networking.k8s.io", "ingressclasses ingresses", read),
      // Its own class, where nobody made it.
      allow("networking.k8s.io", "ingressclasses", "create"),
      allow("networking.k8s.io", "ingresses/status", "patch update"),
      allow("core", "nodes pods secrets services", read),
      allow("discovery.k8s.io", "endpointslices", read),
      eventWriter,
    ],
  },
  {
    name: "system:flotilla:provisioner",
    rules: [
      allow("core", "persistentvolumes", `create delete patch update ${read}`),
      allow("core", "persistentvolumeclaims", `patch update ${read}`),
      allow("core", "persistentvolumeclaims/status", "patch update"),
      allow("storage.k8s.io", "storageclasses", read),
      allow("core", "nodes", read),
      eventWriter,
    ],
  },
];

const signer = (name: string): PolicyRule =>
  allow("certificates.k8s.io", "signers", "approve", [`kubernetes.io/${name}`]);

const schedulerRules: readonly PolicyRule[] = [
  eventWriter,
  allow("coordination.k8s.io", "leases", "create get list update watch"),
  allow("core", "nodes", read),
  allow("core", "pods", `delete ${read}`),
  allow("core", "bindings pods/binding", "create"),
  allow("core", "pods/status", "patch update"),
  allow("core", "replicationcontrollers services", read),
  allow("apps", "replicasets statefulsets", read),
  allow("policy", "poddisruptionbudgets", read),
  allow("core", "persistentvolumeclaims persistentvolumes", `${read} patch update`),
  allow("core", "namespaces", read),
  allow("authentication.k8s.io", "tokenreviews", "create"),
  allow("authorization.k8s.io", "subjectaccessreviews", "create"),
  allow("storage.k8s.io", "csidrivers csinodes csistoragecapacities storageclasses volumeattachments", read),
];

const controllerManagerRules: readonly PolicyRule[] = [
  eventWriter,
  allow("coordination.k8s.io", "leases", "create get list update watch"),
  allow("core", "secrets serviceaccounts", "create"),
  allow("core", "secrets", "delete"),
  allow("core", "configmaps namespaces secrets serviceaccounts", "get"),
  allow("core", "secrets serviceaccounts", "update"),
  allow("authentication.k8s.io", "tokenreviews", "create"),
  allow("authorization.k8s.io", "subjectaccessreviews", "create"),
  allow("*", "*", "list watch"),
  allow("core", "serviceaccounts/token", "create"),
];

const label = (name: string) => ({ [`${rbac}/aggregate-to-${name}`]: "true" });

export const clusterRoles: readonly ClusterRoleSpec[] = [
  { name: "cluster-admin", rules: [allow("*", "*", "*"), paths("*", "*")] },
  { name: "system:discovery", rules: [paths(discoveryPaths, "get")] },
  {
    name: "system:basic-user",
    rules: [
      allow("authorization.k8s.io", "selfsubjectaccessreviews selfsubjectrulesreviews", "create"),
      allow("authentication.k8s.io", "selfsubjectreviews", "create"),
    ],
  },
  { name: "system:public-info-viewer", rules: [paths(infoPaths, "get")] },
  {
    name: "system:monitoring",
    rules: [paths("/healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/*", "get")],
  },
  {
    name: "system:service-account-issuer-discovery",
    rules: [
      paths(
        "/.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/",
        "get",
      ),
    ],
  },
  { name: "admin", rules: [], aggregates: "admin" },
  { name: "edit", rules: [], aggregates: "edit", labels: label("admin") },
  { name: "view", rules: [], aggregates: "view", labels: label("edit") },
  { name: "system:aggregate-to-admin", rules: adminRules, labels: label("admin") },
  { name: "system:aggregate-to-edit", rules: editRules, labels: label("edit") },
  { name: "system:aggregate-to-view", rules: viewRules, labels: label("view") },
  {
    name: "system:auth-delegator",
    rules: [
      allow("authentication.k8s.io", "tokenreviews", "create"),
      allow("authorization.k8s.io", "subjectaccessreviews", "create"),
    ],
  },
  { name: "system:node", rules: nodeRules },
  {
    name: "system:node-proxier",
    rules: [
      allow("core", "endpoints services", "list watch"),
      allow("core", "nodes", read),
      eventWriter,
      allow("discovery.k8s.io", "endpointslices", "list watch"),
    ],
  },
  {
    name: "system:node-problem-detector",
    rules: [allow("core", "nodes", "get"), allow("core", "nodes/status", "patch"), eventWriter],
  },
  {
    name: "system:kubelet-api-admin",
    rules: [
      allow("core", "nodes", `${read} proxy`),
      allow("core", "nodes/configz nodes/healthz nodes/log nodes/metrics nodes/pods nodes/proxy nodes/stats", "*"),
    ],
  },
  { name: "system:kube-scheduler", rules: schedulerRules },
  { name: "system:kube-controller-manager", rules: controllerManagerRules },
  {
    name: "system:kube-dns",
    rules: [
      allow("core", "endpoints services", "list watch"),
      allow("discovery.k8s.io", "endpointslices", "list watch"),
    ],
  },
  {
    name: "system:kube-aggregator",
    rules: [allow("core", "endpoints services", read), allow("discovery.k8s.io", "endpointslices", read)],
  },
  {
    name: "system:node-bootstrapper",
    rules: [allow("certificates.k8s.io", "certificatesigningrequests", `create ${read}`)],
  },
  {
    name: "system:volume-scheduler",
    rules: [
      allow("core", "persistentvolumes", `${read} patch update`),
      allow("storage.k8s.io", "storageclasses", read),
      allow("core", "persistentvolumeclaims", `${read} patch update`),
    ],
  },
  {
    name: "system:persistent-volume-provisioner",
    rules: [
      allow("core", "persistentvolumes", `create delete ${read}`),
      allow("core", "persistentvolumeclaims", `${read} update`),
      allow("storage.k8s.io", "storageclasses", read),
      allow("core", "events", "watch"),
      eventWriter,
    ],
  },
  ...["nodeclient", "selfnodeclient"].map((name) => ({
    name: `system:certificates.k8s.io:certificatesigningrequests:${name}`,
    rules: [allow("certificates.k8s.io", `certificatesigningrequests/${name}`, "create")],
  })),
  ...["kube-apiserver-client", "kube-apiserver-client-kubelet", "kubelet-serving", "legacy-unknown"].map((name) => ({
    name: `system:certificates.k8s.io:${name}-approver`,
    rules: [signer(name)],
  })),
  {
    // Whoever forwards connections on a node also says which of them pods may have.
    name: "system:flotilla:network-policy",
    rules: [
      allow("core", "namespaces pods", "list watch"),
      allow("networking.k8s.io", "networkpolicies", "list watch"),
    ],
  },
  ...nodeServices,
  ...bootstrapControllers.map(({ name, rules }) => ({ name: `system:controller:${name}`, rules })),
];

/** What the DNS servers write stands in one namespace: their Service, and where each of them is. */
export const bootstrapRoles: readonly NamespacedRoleSpec[] = [
  {
    namespace: "kube-system",
    name: "extension-apiserver-authentication-reader",
    rules: [allow("core", "configmaps", read, ["extension-apiserver-authentication"])],
    subjects: [user("system:kube-controller-manager"), user("system:kube-scheduler")],
  },
  {
    namespace: "kube-system",
    name: "system:flotilla:dns",
    rules: [
      allow("core", "services", "create patch update"),
      allow("discovery.k8s.io", "endpointslices", `create delete patch update ${read}`),
    ],
    subjects: [user("system:flotilla:dns")],
  },
];

export const clusterRoleBindings: readonly BindingSpec[] = [
  { role: "cluster-admin", subjects: [group("system:masters")] },
  { role: "system:monitoring", subjects: [group("system:monitoring")] },
  { role: "system:discovery", subjects: [group("system:authenticated")] },
  { role: "system:basic-user", subjects: [group("system:authenticated")] },
  { role: "system:public-info-viewer", subjects: [group("system:authenticated"), group("system:unauthenticated")] },
  { role: "system:service-account-issuer-discovery", subjects: [group("system:serviceaccounts")] },
  // Kubelets get these rules from the Node authorizer, which knows which objects they hold for.
  { role: "system:node", subjects: [] },
  ...nodeServices.map(({ name }) => ({ role: name, subjects: [user(name)] })),
  { role: "system:volume-scheduler", subjects: [user("system:kube-scheduler")] },
  { role: "system:node-proxier", subjects: [user("system:kube-proxy")] },
  { role: "system:flotilla:network-policy", subjects: [user("system:kube-proxy")] },
  { role: "system:kube-controller-manager", subjects: [user("system:kube-controller-manager")] },
  { role: "system:kube-scheduler", subjects: [user("system:kube-scheduler")] },
  { role: "system:kube-dns", subjects: [account("kube-system", "kube-dns")] },
  ...bootstrapControllers.map(({ name }) => ({
    role: `system:controller:${name}`,
    // Controllers share one process and may share its certificate instead of a service account each.
    subjects: [account("kube-system", name), user("system:kube-controller-manager")],
  })),
];
