import { describe, expect, test } from "vitest";
import { applyMergePatch } from "../patch/merge-patch.ts";
import { judge, judgeChange, made } from "./judge.testing.ts";

const container = { name: "a", image: "b" };

describe("metadata", () => {
  const label =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
  const pattern = "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";

  test.each<[string, object, string]>([
    [
      "a name with capitals",
      { name: "Web" },
      `metadata.name: Invalid value: "Web": ${label} (e.g. 'example.com', regex used for validation is '${pattern}')`,
    ],
    [
      "too long a name",
      { name: "a".repeat(254) },
      `metadata.name: Invalid value: "${"a".repeat(254)}": must be no more than 253 characters`,
    ],
    [
      "a label key with a space",
      { labels: { "a b": "c" } },
      "metadata.labels: Invalid value: \"a b\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
    ],
    [
      "too long a label value",
      { labels: { a: "v".repeat(64) } },
      `metadata.labels: Invalid value: "${"v".repeat(64)}": must be no more than 63 bytes`,
    ],
    [
      "annotations beyond 256 KiB",
      { annotations: { a: "v".repeat(262144) } },
      "metadata.annotations: Too long: may not be more than 262144 bytes",
    ],
    [
      "an owner without a uid",
      { ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "p" }] },
      "metadata.ownerReferences[0].uid: Required value: must not be empty",
    ],
    [
      "two controllers",
      {
        ownerReferences: [1, 2].map((n) => ({
          apiVersion: "v1",
          kind: "Pod",
          name: `p${n}`,
          uid: `${n}`,
          controller: true,
        })),
      },
      'metadata.ownerReferences: Invalid value: [{"apiVersion":"v1","kind":"Pod","name":"p1","uid":"1","controller":true},{"apiVersion":"v1","kind":"Pod","name":"p2","uid":"2","controller":true}]: Only one reference can have Controller set to true. Found "true" in references for Pod/p1 and Pod/p2',
    ],
  ])("%s", (_, metadata, error) => expect(judge("v1", "ConfigMap", { metadata })).toEqual([error]));

  test("neither name nor generateName", () => {
    const errors = judge("v1", "ConfigMap", { metadata: { name: "" } });
    expect(errors).toEqual(["metadata.name: Required value: name or generateName is required"]);
  });

  test("a generateName that ends in a hyphen is fine", () => {
    expect(judge("v1", "ConfigMap", { metadata: { generateName: "web-" } })).toEqual([]);
  });
});

describe("pods", () => {
  const inContainer = (fields: object) => ({ containers: [{ ...container, ...fields }] });

  test.each<[string, object, string[]]>([
    ["nothing to run", {}, ["spec.containers: Required value"]],
    ["no image", { containers: [{ name: "a" }] }, ["spec.containers[0].image: Required value"]],
    ["two of a name", { containers: [container, container] }, ['spec.containers[1].name: Duplicate value: "a"']],
    [
      "an unknown restartPolicy",
      { ...inContainer({}), restartPolicy: "Sometimes" },
      ['spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"'],
    ],
    [
      "an unknown pull policy",
      inContainer({ imagePullPolicy: "Maybe" }),
      [
        'spec.containers[0].imagePullPolicy: Unsupported value: "Maybe": supported values: "Always", "IfNotPresent", "Never"',
      ],
    ],
    [
      "no port",
      inContainer({ ports: [{ name: "http" }] }),
      ["spec.containers[0].ports[0].containerPort: Required value"],
    ],
    [
      "a port out of range",
      inContainer({ ports: [{ containerPort: 70000 }] }),
      ["spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive"],
    ],
    ["a nameless variable", inContainer({ env: [{ value: "x" }] }), ["spec.containers[0].env[0].name: Required value"]],
    [
      "a variable with an equals sign",
      inContainer({ env: [{ name: "a=b" }] }),
      [
        "spec.containers[0].env[0].name: Invalid value: \"a=b\": a valid environment variable name must consist only of printable ASCII characters other than '='",
      ],
    ],
    [
      "a value and a source",
      inContainer({ env: [{ name: "A", value: "x", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }] }),
      ['spec.containers[0].env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty'],
    ],
    [
      "a mount of no volume",
      inContainer({ volumeMounts: [{ name: "data", mountPath: "/data" }] }),
      ['spec.containers[0].volumeMounts[0].name: Not found: "data"'],
    ],
    [
      "two volumes of a name",
      { ...inContainer({}), volumes: [{ name: "v" }, { name: "v" }] },
      ['spec.volumes[1].name: Duplicate value: "v"'],
    ],
    [
      "a volume of two kinds",
      { ...inContainer({}), volumes: [{ name: "v", emptyDir: {}, configMap: { name: "c" } }] },
      ["spec.volumes[0].configMap: Forbidden: may not specify more than 1 volume type"],
    ],
    [
      "more than the limit",
      inContainer({ resources: { requests: { cpu: "2" }, limits: { cpu: "1" } } }),
      ['spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1'],
    ],
    [
      "less than nothing",
      inContainer({ resources: { requests: { memory: "-1" } } }),
      ['spec.containers[0].resources.requests[memory]: Invalid value: "-1": must be greater than or equal to 0'],
    ],
    [
      "a probe of nothing",
      inContainer({ readinessProbe: {} }),
      ["spec.containers[0].readinessProbe: Required value: must specify a handler type"],
    ],
    [
      "a liveness probe that succeeds twice",
      inContainer({ livenessProbe: { tcpSocket: { port: 80 }, successThreshold: 2 } }),
      ["spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1"],
    ],
    [
      "a probed init container",
      { ...inContainer({}), initContainers: [{ name: "i", image: "b", livenessProbe: { tcpSocket: { port: 80 } } }] },
      [
        "spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always",
      ],
    ],
    [
      "affinity to no node",
      { ...inContainer({}), affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: {} } } },
      [
        "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value: must have at least one node selector term",
      ],
    ],
    [
      "a toleration of everything that is not Exists",
      { ...inContainer({}), tolerations: [{ operator: "Equal" }] },
      [
        'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"',
      ],
    ],
  ])("%s", (_, spec, errors) => expect(judge("v1", "Pod", { spec })).toEqual(errors));

  test("a sidecar may be probed", () => {
    const sidecar = { name: "s", image: "b", restartPolicy: "Always", livenessProbe: { tcpSocket: { port: 80 } } };
    expect(judge("v1", "Pod", { spec: { containers: [container], initContainers: [sidecar] } })).toEqual([]);
  });

  test("of a running pod only little may change", () => {
    const change = (spec: object) => judgeChange("v1", "Pod", { spec: { containers: [container] } }, { spec });
    expect(change({ containers: [{ ...container, image: "c" }] })).toEqual([]);
    expect(change({ tolerations: [{ key: "a", operator: "Exists" }] })).toEqual([]);
    expect(change({ activeDeadlineSeconds: 10 })).toEqual([]);
    expect(change({ containers: [{ ...container, command: ["x"] }] })).toEqual([
      expect.stringContaining(
        "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`",
      ),
    ]);
  });
});

describe("deployments", () => {
  const deployment = (spec: object = {}) => ({
    spec: applyMergePatch(
      {
        selector: { matchLabels: { app: "web" } },
        template: { metadata: { labels: { app: "web" } }, spec: { containers: [container] } },
      },
      spec,
    ),
  });

  test.each<[string, object, string[]]>([
    ["nothing wrong", {}, []],
    ["fewer than none", { replicas: -1 }, ["spec.replicas: Invalid value: -1: must be greater than or equal to 0"]],
    ["no selector", { selector: null }, ["spec.selector: Required value"]],
    [
      "a selector of everything",
      { selector: { matchLabels: null } },
      ["spec.selector: Invalid value: {}: empty selector is invalid for deployment"],
    ],
    [
      "a template that is not selected",
      { template: { metadata: { labels: { app: "api" } } } },
      ['spec.template.metadata.labels: Invalid value: {"app":"api"}: `selector` does not match template `labels`'],
    ],
    [
      "pods that end",
      { template: { spec: { restartPolicy: "Never" } } },
      ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
    ],
    [
      "no way to roll",
      { strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: "0%" } } },
      ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0'],
    ],
    [
      "a rolling Recreate",
      { strategy: { type: "Recreate", rollingUpdate: {} } },
      ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"],
    ],
    [
      "a deadline before it can be met",
      { minReadySeconds: 60, progressDeadlineSeconds: 60 },
      ["spec.progressDeadlineSeconds: Invalid value: 60: must be greater than minReadySeconds"],
    ],
  ])("%s", (_, spec, errors) => expect(judge("apps/v1", "Deployment", deployment(spec))).toEqual(errors));

  test("the selector stays", () => {
    const patch = {
      spec: { selector: { matchLabels: { tier: "x" } }, template: { metadata: { labels: { tier: "x" } } } },
    };
    expect(judgeChange("apps/v1", "Deployment", deployment(), patch)).toEqual([
      'spec.selector: Invalid value: {"matchLabels":{"app":"web","tier":"x"}}: field is immutable',
    ]);
  });
});

describe("jobs", () => {
  const job = (spec: object = {}) => ({
    spec: applyMergePatch({ template: { spec: { restartPolicy: "Never", containers: [container] } } }, spec),
  });

  test.each<[string, object, string[]]>([
    ["nothing wrong", {}, []],
    [
      "pods that never end",
      { template: { spec: { restartPolicy: null } } },
      ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
    ],
    [
      "indexes without an end",
      { completionMode: "Indexed", parallelism: 2 },
      ["spec.completions: Required value: when completion mode is Indexed"],
    ],
    [
      "fewer than none",
      { backoffLimit: -1 },
      ["spec.backoffLimit: Invalid value: -1: must be greater than or equal to 0"],
    ],
    ["a selector by hand without saying so", { manualSelector: true }, ["spec.selector: Required value"]],
  ])("%s", (_, spec, errors) => expect(judge("batch/v1", "Job", job(spec))).toEqual(errors));

  test("what is to be done stays", () => {
    expect(judgeChange("batch/v1", "Job", job(), { spec: { completions: 3 } })).toEqual([
      "spec.completions: Invalid value: 3: field is immutable",
    ]);
    expect(judgeChange("batch/v1", "Job", job(), { spec: { template: { metadata: { labels: { a: "b" } } } } })).toEqual(
      [expect.stringMatching(/^spec\.template: Invalid value: .*: field is immutable$/)],
    );
    expect(judgeChange("batch/v1", "Job", job(), { spec: { parallelism: 3, suspend: true } })).toEqual([]);
  });
});

describe("services", () => {
  test.each<[string, object, string[]]>([
    ["nothing to reach", {}, ["spec.ports: Required value"]],
    ["nothing to reach, but headless", { clusterIP: "None" }, []],
    [
      "two nameless ports",
      { ports: [{ port: 80 }, { port: 81 }] },
      ["spec.ports[0].name: Required value", "spec.ports[1].name: Required value"],
    ],
    [
      "a port twice",
      {
        ports: [
          { name: "a", port: 80 },
          { name: "b", port: 80 },
        ],
      },
      ['spec.ports[1]: Duplicate value: {"protocol":"TCP","port":80}'],
    ],
    [
      "a node port without nodes",
      { ports: [{ port: 80, nodePort: 30080 }] },
      ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
    ],
    [
      "an address that is none",
      { clusterIP: "10.0.0", ports: [{ port: 80 }] },
      ['spec.clusterIPs[0]: Invalid value: "10.0.0": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'],
    ],
    ["an alias of nothing", { type: "ExternalName" }, ["spec.externalName: Required value"]],
    [
      "an unknown type",
      { type: "Magic", ports: [{ port: 80 }] },
      [
        'spec.type: Unsupported value: "Magic": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
      ],
    ],
  ])("%s", (_, spec, errors) => expect(judge("v1", "Service", { spec })).toEqual(errors));

  test("the address stays", () => {
    const service = { spec: { clusterIP: "10.96.0.9", clusterIPs: ["10.96.0.9"], ports: [{ port: 80 }] } };
    const patch = { spec: { clusterIP: "10.96.0.10", clusterIPs: ["10.96.0.10"] } };
    expect(judgeChange("v1", "Service", service, patch)).toEqual([
      'spec.clusterIPs[0]: Invalid value: ["10.96.0.10"]: may not change once set',
    ]);
  });

  test("a name that starts with a digit", () => {
    expect(judge("v1", "Service", { metadata: { name: "1a" }, spec: { ports: [{ port: 80 }] } })).toEqual([
      expect.stringMatching(/^metadata\.name: Invalid value: "1a": a DNS-1035 label must consist of/),
    ]);
  });
});

describe("config maps and secrets", () => {
  test.each<[string, string, object, string[]]>([
    [
      "a key that cannot be a file",
      "ConfigMap",
      { data: { "a/b": "" } },
      [expect.stringMatching(/^data\[a\/b\]: Invalid value: "a\/b": a valid config key must consist of/)],
    ],
    [
      "a key in both maps",
      "ConfigMap",
      { data: { a: "" }, binaryData: { a: "" } },
      ['data[a]: Invalid value: "a": duplicate of key present in binaryData'],
    ],
    [
      "more than a mebibyte",
      "ConfigMap",
      { data: { a: "v".repeat(1048577) } },
      [": Too long: may not be more than 1048576 bytes"],
    ],
    [
      "half a TLS secret",
      "Secret",
      { type: "kubernetes.io/tls", data: { "tls.crt": "" } },
      ["data[tls.key]: Required value"],
    ],
  ])("%s", (_, kind, value, errors) => expect(judge("v1", kind, value)).toEqual(errors));

  test("immutable means immutable, for ever", () => {
    const frozen = { data: { a: "YQ==" }, immutable: true };
    const rule = "Forbidden: field is immutable when `immutable` is set";
    expect(judgeChange("v1", "ConfigMap", frozen, { data: { a: "b" } })).toEqual([`data: ${rule}`]);
    expect(judgeChange("v1", "Secret", frozen, { immutable: false })).toEqual([`immutable: ${rule}`]);
    expect(judgeChange("v1", "Secret", frozen, { metadata: { labels: { a: "b" } } })).toEqual([]);
  });

  test("stringData ends up in data, in base64", () => {
    expect(made("v1", "Secret", { stringData: { b: "héllo", a: "x" }, data: { b: "eA==" } })).toMatchObject({
      type: "Opaque",
      data: { a: "eA==", b: "aMOpbGxv" },
    });
  });
});

describe("rbac", () => {
  const rbac = "rbac.authorization.k8s.io/v1";
  const roleRef = { kind: "Role", name: "reader" };

  test.each<[string, string, object, string[]]>([
    ["names may hold colons", "ClusterRole", { metadata: { name: "system:x" } }, []],
    [
      "names may not hold slashes",
      "Role",
      { metadata: { name: "a/b" } },
      ["metadata.name: Invalid value: \"a/b\": may not contain '/'"],
    ],
    [
      "a rule that allows nothing",
      "Role",
      { rules: [{ apiGroups: [""], resources: ["pods"] }] },
      ["rules[0].verbs: Required value: verbs must contain at least one value"],
    ],
    [
      "URLs in a namespace",
      "Role",
      { rules: [{ verbs: ["get"], nonResourceURLs: ["/x"] }] },
      ['rules[0].nonResourceURLs: Invalid value: ["/x"]: namespaced rules cannot apply to non-resource URLs'],
    ],
    [
      "a binding to a pod",
      "RoleBinding",
      { roleRef: { kind: "Pod", name: "p" } },
      ['roleRef.kind: Unsupported value: "Pod": supported values: "ClusterRole", "Role"'],
    ],
    [
      "a homeless service account",
      "RoleBinding",
      { roleRef, subjects: [{ kind: "ServiceAccount", name: "a" }] },
      ["subjects[0].namespace: Required value"],
    ],
  ])("%s", (_, kind, value, errors) => expect(judge(rbac, kind, value)).toEqual(errors));

  test("what a binding grants cannot be changed", () => {
    expect(judgeChange(rbac, "RoleBinding", { roleRef }, { roleRef: { name: "admin" } })).toEqual([
      'roleRef: Invalid value: {"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"admin"}: cannot change roleRef',
    ]);
  });
});

describe("others", () => {
  test.each<[string, string, string, object, string[]]>([
    [
      "endpoints that loop back",
      "v1",
      "Endpoints",
      { subsets: [{ addresses: [{ ip: "127.0.0.1" }] }] },
      [
        'subsets[0].addresses[0].ip: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
      ],
    ],
    [
      "an IPv6 address among IPv4",
      "discovery.k8s.io/v1",
      "EndpointSlice",
      { addressType: "IPv4", endpoints: [{ addresses: ["fd00::1"] }] },
      ['endpoints[0].addresses[0]: Invalid value: "fd00::1": must be an IPv4 address'],
    ],
    [
      "a lease for no time",
      "coordination.k8s.io/v1",
      "Lease",
      { spec: { leaseDurationSeconds: 0 } },
      ["spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0"],
    ],
    [
      "an event of another namespace",
      "v1",
      "Event",
      { involvedObject: { namespace: "other" } },
      ['involvedObject.namespace: Invalid value: "other": does not match event.namespace'],
    ],
    [
      "a taint twice",
      "v1",
      "Node",
      { spec: { taints: [1, 2].map(() => ({ key: "a", effect: "NoSchedule" })) } },
      ['spec.taints[1]: Duplicate value: {"key":"a","value":"","effect":"NoSchedule"}'],
    ],
    [
      "a question about nothing",
      "authorization.k8s.io/v1",
      "SelfSubjectAccessReview",
      {},
      [
        "spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified",
      ],
    ],
  ])("%s", (_, apiVersion, kind, value, errors) => expect(judge(apiVersion, kind, value)).toEqual(errors));

  test("the pods' addresses of a node stay", () => {
    const node = { spec: { podCIDR: "10.244.1.0/24", podCIDRs: ["10.244.1.0/24"] } };
    expect(judgeChange("v1", "Node", node, { spec: { podCIDRs: ["10.244.2.0/24"] } })).toEqual([
      'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid',
    ]);
  });
});
