import { describe, expect, test } from "vitest";
import { judge, judgeChange } from "../judge.testing.ts";

const container = { name: "a", image: "b:1" };
const withContainer = (fields: object) => ({ containers: [{ ...container, ...fields }] });
const withVolume = (source: object) => ({ containers: [container], volumes: [{ name: "v", ...source }] });
const refused = (spec: object) => judge("v1", "Pod", { spec });

describe("volumes", () => {
  const at = "spec.volumes[0]";
  const octal = "must be a number between 0 and 0777 (octal), both inclusive";

  test.each<[string, object, string[]]>([
    [
      "a path that climbs",
      { hostPath: { path: "/a/../b" } },
      [`${at}.hostPath.path: Invalid value: "/a/../b": must not contain '..'`],
    ],
    [
      "an unknown type of path",
      { hostPath: { path: "/a", type: "Pipe" } },
      [
        `${at}.hostPath.type: Unsupported value: "Pipe": supported values: "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"`,
      ],
    ],
    [
      "less than nothing",
      { emptyDir: { sizeLimit: "-1Mi" } },
      [`${at}.emptyDir.sizeLimit: Forbidden: SizeLimit field must be a valid resource quantity`],
    ],
    [
      "a claim without a name",
      { persistentVolumeClaim: {} },
      [`${at}.persistentVolumeClaim.claimName: Required value`],
    ],
    [
      "two sources at once",
      { emptyDir: {}, persistentVolumeClaim: { claimName: "c" } },
      [`${at}.persistentVolumeClaim: Forbidden: may not specify more than 1 volume type`],
    ],
    ["an ephemeral one without a template", { ephemeral: {} }, [`${at}.ephemeral.volumeClaimTemplate: Required value`]],
    [
      "an ephemeral one that asks for nothing",
      { ephemeral: { volumeClaimTemplate: { spec: {} } } },
      [
        `${at}.ephemeral.volumeClaimTemplate.spec.accessModes: Required value: at least 1 access mode is required`,
        `${at}.ephemeral.volumeClaimTemplate.spec.resources[storage]: Required value`,
      ],
    ],
    ["a driver without a name", { csi: {} }, expect.arrayContaining([`${at}.csi.driver: Required value`]) as never],
    [
      "a secret of the driver without a name",
      { csi: { driver: "x.example.com", nodePublishSecretRef: {} } },
      [`${at}.csi.nodePublishSecretRef.name: Required value`],
    ],
    ["an image without a reference", { image: {} }, [`${at}.image.reference: Required value`]],
    [
      "an image pulled somehow",
      { image: { reference: "a", pullPolicy: "Maybe" } },
      [`${at}.image.pullPolicy: Unsupported value: "Maybe": supported values: "Always", "IfNotPresent", "Never"`],
    ],
    ["nowhere", { nfs: {} }, [`${at}.nfs.server: Required value`, `${at}.nfs.path: Required value`]],
    [
      "a mode of no file",
      { secret: { secretName: "s", defaultMode: 512 } },
      [`${at}.secret.defaultMode: Invalid value: 512: ${octal}`],
    ],
    [
      "an item without a key",
      { configMap: { name: "c", items: [{ path: "p" }] } },
      [`${at}.configMap.items[0].key: Required value`],
    ],
    [
      "a file the kubelet keeps for itself",
      { configMap: { name: "c", items: [{ key: "k", path: "..data" }] } },
      [`${at}.configMap.items[0].path: Invalid value: "..data": must not start with '..'`],
    ],
    [
      "a file of nothing",
      { downwardAPI: { items: [{ path: "p" }] } },
      [`${at}.downwardAPI: Required value: one of fieldRef and resourceFieldRef is required`],
    ],
    [
      "a file of what only a variable can be",
      { downwardAPI: { items: [{ path: "p", fieldRef: { fieldPath: "status.podIP" } }] } },
      [
        `${at}.downwardAPI.fieldRef.fieldPath: Unsupported value: "status.podIP": supported values: "metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"`,
      ],
    ],
    [
      "a file of nobody's limit",
      { downwardAPI: { items: [{ path: "p", resourceFieldRef: { resource: "limits.cpu" } }] } },
      [`${at}.downwardAPI.resourceFieldRef.containerName: Required value`],
    ],
    [
      "a token for a moment",
      { projected: { sources: [{ serviceAccountToken: { path: "t", expirationSeconds: 60 } }] } },
      expect.arrayContaining([
        `${at}.projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 60: may not specify a duration less than 10 minutes`,
      ]) as never,
    ],
    [
      "two files of one name",
      {
        projected: {
          sources: [
            { secret: { name: "s", items: [{ key: "k", path: "p" }] } },
            { configMap: { name: "c", items: [{ key: "k", path: "p" }] } },
          ],
        },
      },
      [`${at}.projected: Invalid value: "c": conflicting duplicate paths`],
    ],
    [
      "two sources in one place",
      { projected: { sources: [{ secret: { name: "s" }, configMap: { name: "c" } }] } },
      [`${at}.projected.sources[0]: Forbidden: may not specify more than 1 volume type per source`],
    ],
    [
      "a bundle of nobody",
      { projected: { sources: [{ clusterTrustBundle: { path: "p" } }] } },
      [`${at}.projected.sources[0].clusterTrustBundle: Required value: either name or signerName must be specified`],
    ],
  ])("%s", (_, source, errors) => expect(refused(withVolume(source))).toEqual(errors));

  test("whoever mounts a broken volume hears that it is not there", () => {
    const mounts = [{ name: "v", mountPath: "/v" }];
    expect(
      refused({ ...withContainer({ volumeMounts: mounts }), volumes: [{ name: "v", hostPath: { path: "" } }] }),
    ).toEqual([
      "spec.volumes[0].hostPath.path: Required value",
      'spec.containers[0].volumeMounts[0].name: Not found: "v"',
    ]);
  });

  test("a volume's claim is named after the pod and must be a name", () => {
    const name = "a".repeat(252);
    const spec = withVolume({
      ephemeral: {
        volumeClaimTemplate: { spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } } },
      },
    });
    expect(judge("v1", "Pod", { metadata: { name }, spec })).toEqual([
      `${at}.name: Invalid value: "v": PVC name "${name}-v": must be no more than 253 characters`,
    ]);
    expect(judge("v1", "Pod", { spec })).toEqual([]);
  });
});

describe("mounts", () => {
  const mounting = (mount: object, more: object = {}, volume: object = { emptyDir: {} }) => ({
    ...withContainer({ volumeMounts: [{ name: "v", mountPath: "/v", ...mount }], ...more }),
    volumes: [{ name: "v", ...volume }],
  });
  const at = "spec.containers[0].volumeMounts";

  test.each<[string, object, string[]]>([
    [
      "a path that leaves the volume",
      mounting({ subPath: "../x" }),
      [`${at}.subPath: Invalid value: "../x": must not contain '..'`],
    ],
    [
      "an absolute one",
      mounting({ subPathExpr: "/x" }),
      [`${at}.subPathExpr: Invalid value: "/x": must be a relative path`],
    ],
    [
      "both kinds of path",
      mounting({ subPath: "a", subPathExpr: "$(B)" }),
      [`${at}[0].subPathExpr: Invalid value: "$(B)": subPathExpr and subPath are mutually exclusive`],
    ],
    [
      "a part of an image",
      mounting({ subPath: "a" }, {}, { image: { reference: "i" } }),
      [`${at}[0].subPath: Invalid value: "a": not allowed in image volume sources`],
    ],
    [
      "mounts that the host sees",
      mounting({ mountPropagation: "Bidirectional" }),
      [`${at}.mountPropagation: Forbidden: Bidirectional mount propagation is available only to privileged containers`],
    ],
    [
      "the same, privileged",
      mounting({ mountPropagation: "Bidirectional" }, { securityContext: { privileged: true } }),
      [],
    ],
    [
      "recursively read-only, but writable",
      mounting({ recursiveReadOnly: "Enabled" }),
      [`${at}.recursiveReadOnly: Forbidden: may only be specified when readOnly is true`],
    ],
    [
      "a device of a directory",
      {
        ...withContainer({ volumeDevices: [{ name: "v", devicePath: "/dev/v" }] }),
        volumes: [{ name: "v", emptyDir: {} }],
      },
      [
        'spec.containers[0].volumeDevices[0].name: Invalid value: "v": can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode',
      ],
    ],
  ])("%s", (_, spec, errors) => expect(refused(spec)).toEqual(errors));
});

describe("containers", () => {
  const at = "spec.containers[0]";

  test.each<[string, object, string[]]>([
    [
      "two of them on one port of the host",
      {
        containers: ["a", "b"].map((name) => ({ ...container, name, ports: [{ containerPort: 80, hostPort: 80 }] })),
      },
      ['spec.containers[1].ports[0].hostPort: Duplicate value: "TCP//80"'],
    ],
    [
      "another port on the host's own network",
      { ...withContainer({ ports: [{ containerPort: 80, hostPort: 81 }] }), hostNetwork: true },
      [`${at}.ports[0].hostPort: Invalid value: 81: must match \`containerPort\` when \`hostNetwork\` is true`],
    ],
    [
      "a gRPC probe of no port",
      withContainer({ livenessProbe: { grpc: {} } }),
      [`${at}.livenessProbe.grpc.port: Invalid value: 0: must be between 1 and 65535, inclusive`],
    ],
    [
      "two ways to probe",
      withContainer({ livenessProbe: { exec: { command: ["a"] }, grpc: { port: 1 } } }),
      [`${at}.livenessProbe.grpc: Forbidden: may not specify more than 1 handler type`],
    ],
    [
      "a readiness probe that kills",
      withContainer({ readinessProbe: { tcpSocket: { port: 1 }, terminationGracePeriodSeconds: 1 } }),
      [`${at}.readinessProbe.terminationGracePeriodSeconds: Invalid value: 1: must not be set for readinessProbes`],
    ],
    [
      "sleep beyond the grace period",
      withContainer({ lifecycle: { preStop: { sleep: { seconds: 31 } } } }),
      [
        `${at}.lifecycle.preStop.sleep: Invalid value: 31: must be non-negative and less than terminationGracePeriodSeconds (30)`,
      ],
    ],
    [
      "a field of nothing known",
      withContainer({ env: [{ name: "A", valueFrom: { fieldRef: { fieldPath: "spec.foo" } } }] }),
      [
        `${at}.env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.foo": error converting fieldPath: field label not supported: spec.foo`,
      ],
    ],
    [
      "a divisor that divides nothing",
      withContainer({
        env: [{ name: "A", valueFrom: { resourceFieldRef: { resource: "limits.cpu", divisor: "2" } } }],
      }),
      [
        `${at}.env[0].valueFrom.resourceFieldRef.divisor: Invalid value: "limits.cpu": only divisor's values 1m and 1 are supported with the cpu resource`,
      ],
    ],
    [
      "variables from nowhere",
      withContainer({ envFrom: [{}] }),
      [`${at}.envFrom: Invalid value: "": must specify one of: \`configMapRef\` or \`secretRef\``],
    ],
    [
      "a resize of what cannot be resized",
      withContainer({ resizePolicy: [{ resourceName: "disk", restartPolicy: "NotRequired" }] }),
      [`${at}.resizePolicy: Unsupported value: "disk": supported values: "cpu", "memory"`],
    ],
    [
      "huge pages alone",
      withContainer({ resources: { limits: { "hugepages-2Mi": "2Mi" } } }),
      [`${at}.resources: Forbidden: HugePages require cpu or memory`],
    ],
    [
      "a seccomp profile of no name",
      withContainer({ securityContext: { seccompProfile: { type: "Localhost" } } }),
      [
        `${at}.securityContext.seccompProfile.localhostProfile: Required value: must be set when seccomp type is Localhost`,
      ],
    ],
    [
      "an AppArmor profile of two kinds",
      withContainer({ securityContext: { appArmorProfile: { type: "Unconfined", localhostProfile: "p" } } }),
      [
        `${at}.securityContext.appArmorProfile.localhostProfile: Invalid value: "p": can only be set when AppArmor type is Localhost`,
      ],
    ],
    [
      "a probe of an init container that ends",
      {
        containers: [container],
        initContainers: [{ name: "i", image: "b", startupProbe: { exec: { command: ["a"] } } }],
      },
      [
        "spec.initContainers[0].startupProbe: Forbidden: may not be set for init containers without restartPolicy=Always",
      ],
    ],
  ])("%s", (_, spec, errors) => expect(refused(spec)).toEqual(errors));
});

describe("the pod as a whole", () => {
  const one = { containers: [container] };

  test.each<[string, object, string[]]>([
    [
      "devices by claim",
      { ...one, resourceClaims: [{ name: "gpu", resourceClaimName: "c" }] },
      ["spec.resourceClaims: Forbidden: dynamic resource allocation is not supported by this server"],
    ],
    [
      "an operating system of the past",
      { ...one, os: { name: "os2" } },
      ['spec.os: Unsupported value: "os2": supported values: "linux", "windows"'],
    ],
    [
      "Linux's settings on Windows",
      { ...one, os: { name: "windows" }, securityContext: { runAsUser: 1 } },
      ["spec.securityContext.runAsUser: Forbidden: cannot be set for a windows pod"],
    ],
    [
      "users of its own on the host's network",
      { ...one, hostUsers: false, hostNetwork: true },
      ["spec.hostNetwork: Forbidden: when `pod.Spec.HostUsers` is false"],
    ],
    [
      "the host's processes shared",
      { ...one, hostPID: true, shareProcessNamespace: true },
      [
        "spec.securityContext.shareProcessNamespace: Invalid value: true: ShareProcessNamespace and HostPID cannot both be enabled",
      ],
    ],
    [
      "a kernel setting of the host",
      { ...one, hostNetwork: true, securityContext: { sysctls: [{ name: "net.core.somaxconn", value: "1" }] } },
      [
        `spec.securityContext.sysctls[0].name: Invalid value: "net.core.somaxconn": may not be specified when 'hostNetwork' is true`,
      ],
    ],
    [
      "domains of nothing",
      {
        ...one,
        topologySpreadConstraints: [
          { maxSkew: 1, topologyKey: "z", whenUnsatisfiable: "ScheduleAnyway", minDomains: 2 },
        ],
      },
      [
        "spec.topologySpreadConstraints[0].minDomains: Invalid value: 2: can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway",
      ],
    ],
    [
      "label keys to compare without a selector",
      {
        ...one,
        topologySpreadConstraints: [
          { maxSkew: 1, topologyKey: "z", whenUnsatisfiable: "DoNotSchedule", matchLabelKeys: ["a"] },
        ],
      },
      [
        "spec.topologySpreadConstraints[0].matchLabelKeys: Forbidden: must not be specified when labelSelector is not set",
      ],
    ],
    [
      "label keys to compare and not to",
      {
        ...one,
        affinity: {
          podAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: [
              { topologyKey: "z", labelSelector: {}, matchLabelKeys: ["a"], mismatchLabelKeys: ["a"] },
            ],
          },
        },
      },
      [
        'spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].matchLabelKeys[0]: Invalid value: "a": exists in both matchLabelKeys and mismatchLabelKeys',
      ],
    ],
    [
      "a toleration of a strange effect",
      { ...one, tolerations: [{ key: "k", operator: "Exists", effect: "Never" }] },
      [
        'spec.tolerations[0].effect: Unsupported value: "Never": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
      ],
    ],
    [
      "a gate twice",
      { ...one, schedulingGates: [{ name: "g" }, { name: "g" }] },
      ['spec.schedulingGates[1]: Duplicate value: "g"'],
    ],
  ])("%s", (_, spec, errors) => expect(refused(spec)).toEqual(errors));
});

describe("changes of a running pod", () => {
  const spec = { containers: [container], tolerations: [{ key: "a", operator: "Exists" }], activeDeadlineSeconds: 60 };
  const changed = (patch: object, from: object = spec) => judgeChange("v1", "Pod", { spec: from }, { spec: patch });

  test.each<[string, object]>([
    ["another image", { containers: [{ ...container, image: "c:2" }] }],
    ["a closer deadline", { activeDeadlineSeconds: 30 }],
    ["one more toleration", { tolerations: [...spec.tolerations, { key: "b", operator: "Exists" }] }],
  ])("%s is fine", (_, patch) => expect(changed(patch)).toEqual([]));

  test.each<[string, object, string]>([
    [
      "a further deadline",
      { activeDeadlineSeconds: 90 },
      "spec.activeDeadlineSeconds: Invalid value: 90: must be less than or equal to previous value",
    ],
    [
      "no deadline any more",
      { activeDeadlineSeconds: null },
      "spec.activeDeadlineSeconds: Invalid value: null: must not update from a positive integer to nil value",
    ],
    [
      "a toleration less",
      { tolerations: [] },
      "spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds",
    ],
    [
      "one more container",
      { containers: [container, { ...container, name: "b" }] },
      "spec.containers: Forbidden: pod updates may not add or remove containers",
    ],
    [
      "a gate",
      { schedulingGates: [{ name: "g" }] },
      "spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling gate 'g'",
    ],
    [
      "a node",
      { nodeName: "n" },
      expect.stringMatching(
        /^spec: Forbidden: pod updates may not change fields other than .*\nchanged: nodeName$/,
      ) as never,
    ],
  ])("%s is not", (_, patch, error) => expect(changed(patch)).toEqual([error]));

  test("where a gated pod may run can be narrowed, not widened", () => {
    const gated = { ...spec, schedulingGates: [{ name: "g" }], nodeSelector: { disk: "ssd" } };
    expect(changed({ nodeSelector: { disk: "ssd", zone: "a" } }, gated)).toEqual([]);
    expect(changed({ nodeSelector: { disk: "hdd" } }, gated)).toEqual([
      'spec.nodeSelector: Invalid value: {"disk":"hdd"}: only additions are allowed (no mutations or deletions)',
    ]);
    expect(changed({ schedulingGates: [] }, gated)).toEqual([]);
  });
});
