import { describe, expect, test } from "vitest";
import { judge, judgeChange } from "./judge.testing.ts";

const labels = { app: "web" };
const template = { metadata: { labels }, spec: { containers: [{ name: "main", image: "busybox" }] } };
const replicated = { selector: { matchLabels: labels }, template };
const claim = {
  spec: { accessModes: ["ReadWriteOnce"], storageClassName: "fast", resources: { requests: { storage: "2Gi" } } },
};
const volume = { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"] };
const scaled = { scaleTargetRef: { kind: "Deployment", name: "web" }, maxReplicas: 5 };
const immutable = "field is immutable";

type Create = [what: string, value: object, errors: string[]];
type Change = [what: string, old: object, patch: object, errors: string[]];

function kind(apiVersion: string, name: string, creates: readonly Create[], changes: readonly Change[] = []): void {
  describe(name, () => {
    test.each(creates)("new: %s", (_, value, errors) => expect(judge(apiVersion, name, value)).toEqual(errors));
    if (changes.length > 0) {
      test.each(changes)("changed: %s", (_, old, patch, errors) => {
        expect(judge(apiVersion, name, old)).toEqual([]);
        expect(judgeChange(apiVersion, name, old, patch)).toEqual(errors);
      });
    }
  });
}

kind(
  "apps/v1",
  "StatefulSet",
  [
    ["good", { spec: replicated }, []],
    [
      "names that are no host names",
      { metadata: { name: "a.b" }, spec: replicated },
      ['metadata.name: Invalid value: "a.b": must not contain dots'],
    ],
    [
      "policies it does not know",
      {
        spec: {
          ...replicated,
          podManagementPolicy: "Any",
          persistentVolumeClaimRetentionPolicy: { whenDeleted: "Keep" },
        },
      },
      [
        "spec.podManagementPolicy: Invalid value: \"Any\": must be 'OrderedReady' or 'Parallel'",
        'spec.persistentVolumeClaimRetentionPolicy.whenDeleted: Unsupported value: "Keep": supported values: "Delete", "Retain"',
      ],
    ],
    [
      "rules of a strategy it does not use",
      { spec: { ...replicated, updateStrategy: { type: "OnDelete", rollingUpdate: { partition: 1 } } } },
      [
        "spec.updateStrategy.rollingUpdate: Invalid value: {\"partition\":1}: only allowed for updateStrategy 'RollingUpdate'",
      ],
    ],
    [
      "no pod may be down",
      { spec: { ...replicated, updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0 } } } },
      ["spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: 0: cannot be 0"],
    ],
    [
      "an empty selector",
      { spec: { selector: {}, template } },
      ["spec.selector: Invalid value: {}: empty selector is invalid for statefulset"],
    ],
    [
      "a mounted claim, which is no volume of the template",
      {
        spec: {
          ...replicated,
          template: {
            metadata: { labels },
            spec: { containers: [{ name: "c", image: "i", volumeMounts: [{ name: "data", mountPath: "/data" }] }] },
          },
          volumeClaimTemplates: [
            {
              metadata: { name: "data" },
              spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
            },
          ],
        },
      },
      [],
    ],
  ],
  [
    ["its replicas", { spec: replicated }, { spec: { replicas: 4 } }, []],
    [
      "its service",
      { spec: replicated },
      { spec: { serviceName: "b" } },
      [
        "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
      ],
    ],
  ],
);

kind(
  "apps/v1",
  "DaemonSet",
  [
    ["good", { spec: replicated }, []],
    [
      "both ways of updating at once",
      { spec: { ...replicated, updateStrategy: { rollingUpdate: { maxUnavailable: 1, maxSurge: 1 } } } },
      ["spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero"],
    ],
    [
      "neither of them",
      { spec: { ...replicated, updateStrategy: { rollingUpdate: { maxUnavailable: 0 } } } },
      ["spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0"],
    ],
    [
      "more than all",
      { spec: { ...replicated, updateStrategy: { rollingUpdate: { maxUnavailable: "150%" } } } },
      ['spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: "150%": must not be greater than 100%'],
    ],
  ],
  [
    [
      "its selector",
      { spec: { ...replicated, template: { ...template, metadata: { labels: { ...labels, b: "c" } } } } },
      { spec: { selector: { matchLabels: { b: "c" } } } },
      [`spec.selector: Invalid value: {"matchLabels":{"app":"web","b":"c"}}: ${immutable}`],
    ],
  ],
);

kind("v1", "ReplicationController", [
  ["a selector from the template", { spec: { template } }, []],
  ["no template", { spec: { selector: labels } }, ["spec.template: Required value"]],
  [
    "another selector than the template's",
    { spec: { selector: { app: "b" }, template } },
    ['spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`'],
  ],
]);

kind(
  "apps/v1",
  "ControllerRevision",
  [
    ["good", { data: { a: 1 }, revision: 1 }, []],
    ["nothing remembered", { revision: 1 }, ["data: Required value: data is mandatory"]],
  ],
  [["its data", { data: { a: 1 }, revision: 1 }, { data: { a: 2 } }, [`data: Invalid value: {"a":2}: ${immutable}`]]],
);

const jobTemplate = { spec: { template: { spec: { ...template.spec, restartPolicy: "OnFailure" } } } };
kind("batch/v1", "CronJob", [
  ["good", { spec: { schedule: "@daily", timeZone: "Asia/Kolkata", jobTemplate } }, []],
  [
    "a long name",
    { metadata: { name: "x".repeat(53) }, spec: { schedule: "@daily", jobTemplate } },
    [`metadata.name: Invalid value: "${"x".repeat(53)}": must be no more than 52 characters`],
  ],
  [
    "a zone in the schedule",
    { spec: { schedule: "TZ=UTC 0 * * * *", jobTemplate } },
    [
      'spec.schedule: Invalid value: "TZ=UTC 0 * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead',
    ],
  ],
  [
    "a local zone",
    { spec: { schedule: "@daily", timeZone: "Local", jobTemplate } },
    [
      'spec.timeZone: Invalid value: "Local": timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones',
    ],
  ],
  [
    "what only a Job knows",
    {
      spec: {
        schedule: "@daily",
        concurrencyPolicy: "Queue",
        jobTemplate: { spec: { ...jobTemplate.spec, selector: { matchLabels: labels } } },
      },
    },
    [
      'spec.concurrencyPolicy: Unsupported value: "Queue": supported values: "Allow", "Forbid", "Replace"',
      'spec.jobTemplate.spec.selector: Invalid value: {"matchLabels":{"app":"web"}}: `selector` will be auto-generated',
    ],
  ],
]);

for (const version of ["autoscaling/v1", "autoscaling/v2"]) {
  kind(version, "HorizontalPodAutoscaler", [
    ["good", { spec: scaled }, []],
    [
      "no pods at all",
      { spec: { ...scaled, minReplicas: 0, maxReplicas: 0 } },
      [
        "spec.minReplicas: Invalid value: 0: must be greater than or equal to 1",
        "spec.maxReplicas: Invalid value: 0: must be greater than 0",
      ],
    ],
  ]);
}

const metrics = (...list: object[]) => ({ spec: { ...scaled, metrics: list } });
kind("autoscaling/v2", "HorizontalPodAutoscaler", [
  [
    "a metric that says nothing",
    metrics({ type: "Pods" }),
    ["spec.metrics[0].pods: Required value: must populate information for the given metric source"],
  ],
  [
    "a metric of another type",
    metrics({ type: "Pods", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 1 } } }),
    [
      "spec.metrics[0].pods: Required value: must populate information for the given metric source",
      "spec.metrics[0].resource: Forbidden: must populate the given metric source only",
    ],
  ],
  [
    "a type nobody knows",
    metrics({ type: "Weather" }),
    [
      'spec.metrics[0].type: Unsupported value: "Weather": supported values: "ContainerResource", "External", "Object", "Pods", "Resource"',
    ],
  ],
  [
    "a share and an amount",
    metrics({
      type: "Resource",
      resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 1, averageValue: "1" } },
    }),
    [
      "spec.metrics[0].resource.target.averageValue: Forbidden: may not set both a target raw value and a target utilization",
    ],
  ],
  [
    "behavior without bounds",
    {
      spec: {
        ...scaled,
        behavior: {
          scaleUp: { stabilizationWindowSeconds: 4000, policies: [{ type: "Pods", value: 0, periodSeconds: 2000 }] },
        },
      },
    },
    [
      "spec.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: 4000: must be less than or equal to 3600",
      "spec.behavior.scaleUp.policies[0].value: Invalid value: 0: must be greater than zero",
      "spec.behavior.scaleUp.policies[0].periodSeconds: Invalid value: 2000: must be less than or equal to 1800",
    ],
  ],
]);

kind("policy/v1", "PodDisruptionBudget", [
  ["good", { spec: { minAvailable: 1, selector: { matchLabels: labels } } }, []],
  [
    "both bounds",
    { spec: { minAvailable: 1, maxUnavailable: "200%" } },
    [
      'spec: Invalid value: {"minAvailable":1,"maxUnavailable":"200%"}: minAvailable and maxUnavailable cannot be both set',
      'spec.maxUnavailable: Invalid value: "200%": must not be greater than 100%',
    ],
  ],
]);

kind(
  "v1",
  "ResourceQuota",
  [
    ["good", { spec: { hard: { pods: "3", "count/jobs.batch": "2", "requests.nvidia.com/gpu": "1" } } }, []],
    [
      "half a pod",
      { spec: { hard: { pods: "500m" } } },
      ['spec.hard[pods]: Invalid value: "500m": must be an integer'],
    ],
    [
      "scopes that fit neither each other nor what is counted",
      { spec: { hard: { secrets: "1" }, scopes: ["BestEffort", "NotBestEffort"] } },
      [
        'spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: unsupported scope applied to resource',
        'spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: unsupported scope applied to resource',
        'spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: conflicting scopes',
      ],
    ],
    [
      "no priority class",
      {
        spec: {
          hard: { pods: "1" },
          scopeSelector: { matchExpressions: [{ scopeName: "PriorityClass", operator: "In" }] },
        },
      },
      [
        "spec.scopeSelector.matchExpressions.values: Required value: must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
      ],
    ],
  ],
  [
    ["its amounts", { spec: { hard: { pods: "3" } } }, { spec: { hard: { pods: "4" } } }, []],
    [
      "its scopes",
      { spec: { hard: { pods: "3" } } },
      { spec: { scopes: ["Terminating"] } },
      [`spec.scopes: Invalid value: ["Terminating"]: ${immutable}`],
    ],
  ],
);

kind("v1", "LimitRange", [
  [
    "defaults for whole pods",
    { spec: { limits: [{ type: "Pod", default: { cpu: "1" } }] } },
    ["spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'"],
  ],
  [
    "a default outside of its bounds, twice",
    {
      spec: {
        limits: [
          { type: "Container", max: { cpu: "1" }, default: { cpu: "2" }, defaultRequest: { cpu: "1" } },
          { type: "Container" },
        ],
      },
    },
    [
      'spec.limits[0].default[cpu]: Invalid value: "1": default value 2 is greater than max value 1',
      'spec.limits[1].type: Duplicate value: "Container"',
    ],
  ],
  [
    "a ratio that its bounds exclude",
    {
      spec: {
        limits: [{ type: "Pod", min: { cpu: "1" }, max: { cpu: "2" }, maxLimitRequestRatio: { cpu: "3" } }],
      },
    },
    ['spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "3": ratio 3 is greater than max/min = 2.000000'],
  ],
  [
    "claims without bounds",
    { spec: { limits: [{ type: "PersistentVolumeClaim" }] } },
    ["spec.limits[0]: Required value: either minimum or maximum storage value is required, but neither was provided"],
  ],
]);

const hostPath = { path: "/data" };
kind(
  "v1",
  "PersistentVolume",
  [
    ["good", { spec: { ...volume, hostPath } }, []],
    [
      "nothing",
      { spec: {} },
      [
        "spec.accessModes: Required value",
        "spec.capacity: Required value",
        'spec.capacity: Unsupported value: {}: supported values: "storage"',
        "spec: Required value: must specify a volume type",
      ],
    ],
    [
      "a directory of no particular node",
      { spec: { ...volume, local: { path: "../data" } } },
      [
        "spec.local.path: Invalid value: \"../data\": must not contain '..'",
        "metadata.annotations: Required value: Local volume requires node affinity",
      ],
    ],
    [
      "one pod and others",
      { spec: { ...volume, hostPath, accessModes: ["ReadWriteOncePod", "ReadOnlyMany"] } },
      ["spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes"],
    ],
  ],
  [
    [
      "its source",
      { spec: { ...volume, hostPath } },
      { spec: { hostPath: { path: "/other" } } },
      ["spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation"],
    ],
    [
      "what becomes of it",
      { spec: { ...volume, hostPath } },
      { spec: { persistentVolumeReclaimPolicy: "Delete" } },
      [],
    ],
  ],
);

const unchangeable =
  "spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
kind(
  "v1",
  "PersistentVolumeClaim",
  [
    ["good", claim, []],
    [
      "nothing at all",
      { spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "0" } } } },
      ['spec.resources[storage]: Invalid value: "0": must be greater than zero'],
    ],
  ],
  [
    ["its volume, once", claim, { spec: { volumeName: "pv-1" } }, []],
    ["more, before it is bound", claim, { spec: { resources: { requests: { storage: "3Gi" } } } }, [unchangeable]],
    ["its class", claim, { spec: { storageClassName: "slow" } }, [unchangeable]],
    [
      "a class where it had none",
      { spec: { ...claim.spec, storageClassName: null } },
      { spec: { storageClassName: "a" } },
      [],
    ],
  ],
);

kind(
  "storage.k8s.io/v1",
  "StorageClass",
  [
    [
      "bindings it does not know",
      { provisioner: "a/b", volumeBindingMode: "Later" },
      ['volumeBindingMode: Unsupported value: "Later": supported values: "Immediate", "WaitForFirstConsumer"'],
    ],
  ],
  [
    ["whether it grows", { provisioner: "a/b" }, { allowVolumeExpansion: true }, []],
    [
      "what it is",
      { provisioner: "a/b" },
      { parameters: { a: "b" }, reclaimPolicy: "Retain" },
      [
        "parameters: Forbidden: updates to parameters are forbidden.",
        "reclaimPolicy: Forbidden: updates to reclaimPolicy are forbidden.",
      ],
    ],
  ],
);

kind("storage.k8s.io/v1", "CSIDriver", [
  [
    "short tokens and unknown lifecycles",
    { spec: { volumeLifecycleModes: ["Eternal"], tokenRequests: [{ audience: "a", expirationSeconds: 60 }] } },
    [
      'spec.volumeLifecycleModes: Unsupported value: "Eternal": supported values: "Ephemeral", "Persistent"',
      "spec.tokenRequests[0].expirationSeconds: Invalid value: 60: may not specify a duration less than 10 minutes",
    ],
  ],
]);

kind("storage.k8s.io/v1", "VolumeAttachment", [
  [
    "nothing to attach",
    { spec: { attacher: "a.b", nodeName: "n", source: {} } },
    ["spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName"],
  ],
]);

const path = (fields: object) => ({
  spec: {
    rules: [
      {
        http: {
          paths: [
            { path: "/", pathType: "Prefix", backend: { service: { name: "a", port: { number: 80 } } }, ...fields },
          ],
        },
      },
    ],
  },
});
const at = "spec.rules[0].http.paths[0]";
kind("networking.k8s.io/v1", "Ingress", [
  ["good", path({}), []],
  ["nothing", { spec: {} }, ["spec: Invalid value: null: either `defaultBackend` or `rules` must be specified"]],
  [
    "paths read in two ways",
    path({ path: "/a/../b//c/." }),
    [
      `${at}.path: Invalid value: "/a/../b//c/.": must not contain '//'`,
      `${at}.path: Invalid value: "/a/../b//c/.": must not contain '/../'`,
      `${at}.path: Invalid value: "/a/../b//c/.": cannot end with '/.'`,
    ],
  ],
  ["no type of path", path({ pathType: null }), [`${at}.pathType: Required value: pathType must be specified`]],
  [
    "two ports",
    path({ backend: { service: { name: "a", port: { name: "http", number: 80 } } } }),
    [`${at}.backend: Invalid value: "": cannot set both port name & port number`],
  ],
  ["no backend", path({ backend: {} }), [`${at}.backend: Invalid value: "": resource or service backend is required`]],
  [
    "hosts that are none",
    { spec: { rules: [{ host: "10.0.0.1" }, { host: "a.*.b" }] } },
    [
      'spec.rules[0].host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address',
      "spec.rules[1].host: Invalid value: \"a.*.b\": a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    ],
  ],
  [
    "two classes",
    {
      metadata: { annotations: { "kubernetes.io/ingress.class": "a" } },
      spec: { ...path({}).spec, ingressClassName: "b" },
    },
    [
      'metadata.annotations.kubernetes.io/ingress.class: Invalid value: "a": must match `ingressClassName` when both are specified',
    ],
  ],
]);

kind("networking.k8s.io/v1", "IngressClass", [
  [
    "parameters of a namespace it does not name",
    { spec: { controller: "a.b/c", parameters: { kind: "K", name: "n", scope: "Namespace" } } },
    ["spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'"],
  ],
]);

const ingress = (rule: object) => ({ spec: { ingress: [rule] } });
kind("networking.k8s.io/v1", "NetworkPolicy", [
  ["good", ingress({ from: [{ ipBlock: { cidr: "::/0", except: ["fe80::/10"] } }] }), []],
  [
    "ranges of ports",
    ingress({ ports: [{ port: 80, endPort: 79 }, { endPort: 80 }, { port: "http", endPort: 81, protocol: "ICMP" }] }),
    [
      "spec.ingress[0].ports[0].endPort: Invalid value: 79: must be greater than or equal to `port`",
      "spec.ingress[0].ports[1].endPort: Invalid value: 80: may not be specified when `port` is not specified",
      'spec.ingress[0].ports[2].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"',
      "spec.ingress[0].ports[2].endPort: Invalid value: 81: may not be specified when `port` is non-numeric",
    ],
  ],
  [
    "peers",
    ingress({ from: [{}, { podSelector: {}, ipBlock: { cidr: "10.0.0.0/8" } }] }),
    [
      "spec.ingress[0].from[0]: Required value: must specify a peer",
      "spec.ingress[0].from[1]: Forbidden: may not specify both ipBlock and another peer",
    ],
  ],
]);

kind("networking.k8s.io/v1", "IPAddress", [
  [
    "an address spelt in another way",
    { metadata: { name: "2001:db8:0::1" }, spec: { parentRef: { resource: "services", name: "a" } } },
    ['metadata.name: Invalid value: "2001:db8:0::1": must be in canonical form ("2001:db8::1")'],
  ],
  ["nobody's", { metadata: { name: "10.0.0.1" }, spec: {} }, ["spec.parentRef: Required value"]],
]);

kind("networking.k8s.io/v1", "ServiceCIDR", [
  [
    "not the lowest address",
    { spec: { cidrs: ["10.0.0.1/24"] } },
    ['spec.cidrs[0]: Invalid value: "10.0.0.1/24": must be in canonical form ("10.0.0.0/24")'],
  ],
]);

kind(
  "scheduling.k8s.io/v1",
  "PriorityClass",
  [
    ["the system's", { metadata: { name: "system-node-critical" }, value: 2_000_001_000 }, []],
    [
      "a name of the system's",
      { metadata: { name: "system-mine" }, value: 1 },
      [
        "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: system-mine is not a known system priority class",
      ],
    ],
  ],
  [["its value", { value: 1 }, { value: 2 }, ["value: Forbidden: may not be changed in an update."]]],
);

kind("certificates.k8s.io/v1", "CertificateSigningRequest", [
  ["good", { spec: { request: "AAAA", signerName: "example.com/a", usages: ["client auth"] } }, []],
  [
    "what no signer signs",
    { spec: { request: "AAAA", signerName: "mine", usages: ["client auth", "client auth"], expirationSeconds: 10 } },
    [
      'spec.usages[1]: Duplicate value: "client auth"',
      "spec.expirationSeconds: Invalid value: 10: may not specify a duration less than 600 seconds (10 minutes)",
      "spec.signerName: Invalid value: \"mine\": must be a fully qualified domain and path of the form 'example.com/signer-name'",
    ],
  ],
]);
