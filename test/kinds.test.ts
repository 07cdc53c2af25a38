// Every kind the controllers work on, through real kubectl, an API server and one member of the store: nobody acts on the objects.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ApiServerProcess, ApiServers } from "./support/api-servers.ts";
import { changed, type Manifest, manifests } from "./support/kinds.ts";

let servers: ApiServers;
let api: ApiServerProcess;

beforeAll(async () => {
  servers = await ApiServers.open("flotilla", 7);
  api = await servers.serve();
});
afterAll(() => servers?.remove());

const all = Object.values(manifests);
const listOf = (items: readonly Manifest[]) => JSON.stringify({ apiVersion: "v1", kind: "List", items });

/** kubectl with manifests on its standard input. */
async function withAll(args: readonly string[], items: readonly Manifest[] = all): Promise<string> {
  const { code, stdout, stderr } = await api.tryKubectl([...args, "-f", "-"], listOf(items));
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

interface Stored {
  readonly metadata: { readonly name: string; readonly generation?: number; readonly annotations?: object };
  readonly spec: Record<string, unknown>;
  readonly status?: object;
}

async function get(plural: string, name = "web"): Promise<Stored> {
  return JSON.parse(await api.kubectl("get", plural, name, "-o", "json")) as Stored;
}

describe("every kind", () => {
  test("is created, described, patched and found in discovery", async () => {
    const created = await withAll(["create"]);
    expect(created.trim().split("\n")).toHaveLength(all.length);
    // kubectl 1.33 describes these through v1beta1, which is off unless asked for, in the original too.
    const describable = all.filter(({ kind }) => kind !== "VolumeAttributesClass");
    const described = await withAll(["describe"], describable);
    expect(described.match(/^Name: +\S/gm)).toHaveLength(describable.length);
    expect((await withAll(["annotate", "touched=yes"])).match(/annotated/g)).toHaveLength(all.length);
    const served = (await api.kubectl("api-resources", "-o", "name")).split("\n").map((name) => name.split(".")[0]);
    expect(Object.keys(manifests).filter((plural) => !served.includes(plural))).toEqual([]);
    expect(await api.kubectl("explain", "statefulset.spec.podManagementPolicy")).toContain(
      "FIELD: podManagementPolicy",
    );
  });

  test.each<[string, RegExp]>([
    ["sts", /^NAME +READY +AGE +CONTAINERS +IMAGES\nweb +0\/1 +\S+ +main +busybox:1$/],
    [
      "rc",
      /^NAME +DESIRED +CURRENT +READY +AGE +CONTAINERS +IMAGES +SELECTOR\nweb +1 +0 +0 +\S+ +main +busybox:1 +app=web$/,
    ],
    ["pv", /\nweb +1Gi +RWO +Retain +Pending +<unset> +\S+ +Filesystem$/],
    ["pvc", /\nweb +Pending +fast +<unset> +\S+ +Filesystem$/],
    ["cj", /\nweb +\*\/5 \* \* \* \* +Europe\/Berlin +False +0 +<none> +\S+ +main +busybox:1 +<none>$/],
    ["hpa", /\nweb +Deployment\/web +cpu: <unknown>\/80% +1 +5 +0 +\S+$/],
    ["pdb", /\nweb +50% +N\/A +0 +\S+$/],
    ["sc", /\nweb +example.com\/disk +Delete +Immediate +false +\S+$/],
    ["ing", /\nweb +web +web.test +80, 443 +\S+$/],
    ["netpol", /\nweb +app=web +\S+$/],
    ["csidrivers", /\ndisk.example.com +true +false +false +<unset> +false +Persistent +\S+$/],
    ["ip", /\n10.96.7.7 +services\/default\/web$/],
  ])("get %s prints its columns", async (name, shown) => {
    expect(await api.kubectl("get", name, "-o", "wide")).toMatch(shown);
  });

  test("defaults are filled in, status is the server's, and generation counts what is wanted", async () => {
    const sts = await get("statefulsets");
    expect(sts.spec).toMatchObject({
      replicas: 1,
      podManagementPolicy: "OrderedReady",
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } },
      persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
    });
    expect(sts.metadata.generation).toBe(1);
    await api.kubectl("scale", "sts/web", "--replicas=3");
    expect(await get("statefulsets")).toMatchObject({ metadata: { generation: 2 }, spec: { replicas: 3 } });
    await api.kubectl("scale", "rc/web", "--replicas=0");
    expect((await get("replicationcontrollers")).spec.replicas).toBe(0);
    expect((await get("daemonsets")).metadata.annotations).toMatchObject({
      "deprecated.daemonset.template.generation": "1",
    });
    expect((await get("networkpolicies")).spec.policyTypes).toEqual(["Ingress"]);
    expect((await get("limitranges")).spec).toEqual({
      limits: [{ type: "Container", default: { cpu: "2" }, defaultRequest: { cpu: "2" }, max: { cpu: "2" } }],
    });
    const status = { currentHealthy: 1, desiredHealthy: 1, disruptionsAllowed: 1, expectedPods: 2 };
    const patch = JSON.stringify({ spec: { minAvailable: 7 }, status });
    await api.kubectl("patch", "pdb", "web", "--subresource=status", "--type=merge", "-p", patch);
    expect(await get("poddisruptionbudgets")).toMatchObject({ spec: { minAvailable: "50%" }, status });
    await api.kubectl("patch", "pdb", "web", "--type=merge", "-p", JSON.stringify({ status: { expectedPods: 9 } }));
    expect(await get("poddisruptionbudgets")).toMatchObject({ metadata: { generation: 1 }, status });
  });

  test("an autoscaler is the same object in both versions", async () => {
    const memory = {
      type: "Resource",
      resource: { name: "memory", target: { type: "AverageValue", averageValue: "1Gi" } },
    };
    const cpu = {
      type: "Resource",
      resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 60 } },
    };
    const patch = JSON.stringify({ spec: { metrics: [memory, cpu] } });
    await api.kubectl("patch", "hpa", "web", "--type=merge", "-p", patch);
    const old = await get("horizontalpodautoscalers.v1.autoscaling");
    expect(old.spec.targetCPUUtilizationPercentage).toBe(60);
    await api.kubectl("annotate", "horizontalpodautoscalers.v1.autoscaling", "web", "through=v1");
    const now = await get("horizontalpodautoscalers.v2.autoscaling");
    expect(now.spec.metrics).toEqual([memory, cpu]);
    expect(now.metadata.annotations).toEqual({ touched: "yes", through: "v1" });
    expect(await api.kubectl("get", "hpa", "web", "--no-headers")).toMatch(
      /memory: <unknown>\/1Gi, cpu: <unknown>\/60%/,
    );
  });

  test("kubectl get all shows workloads, and nothing else", async () => {
    const shown = await api.kubectl("get", "all", "-o", "name");
    expect(shown.split("\n").sort()).toEqual([
      "cronjob.batch/web",
      "daemonset.apps/web",
      "horizontalpodautoscaler.autoscaling/web",
      "replicationcontroller/web",
      "service/kubernetes",
      "statefulset.apps/web",
    ]);
  });
});

/** A pod of the service account below, whose container asks for so much CPU. */
const asking = (cpu: string) => ({
  spec: {
    serviceAccountName: "robot",
    containers: [{ name: "looked-at", image: "busybox:1", resources: { requests: { cpu } } }],
  },
});

describe("kubectl's own commands for kinds", () => {
  test.each<[string, string[], RegExp]>([
    ["quota", ["create", "quota", "small", "--hard=cpu=2,count/jobs.batch=4"], /resourcequota\/small created/],
    ["priorityclass", ["create", "priorityclass", "high", "--value=7", "--preemption-policy=Never"], /high created/],
    ["pdb", ["create", "pdb", "half", "--selector=app=web", "--min-available=50%"], /half created/],
    ["cronjob", ["create", "cronjob", "tick", "--image=busybox", "--schedule=@hourly", "--", "date"], /tick created/],
    ["ingress", ["create", "ingress", "simple", "--rule=a.test/x*=svc:8080,tls=cert"], /simple created/],
    ["deployment", ["create", "deployment", "scaled", "--image=busybox"], /scaled created/],
    ["autoscale", ["autoscale", "deployment", "scaled", "--max=4", "--cpu-percent=70"], /autoscaled/],
    ["job", ["create", "job", "now", "--from=cronjob/tick"], /now created/],
    ["expose", ["expose", "deployment", "scaled", "--port=80"], /service\/scaled exposed/],
    ["set image", ["set", "image", "deployment/scaled", "busybox=busybox:2"], /image updated/],
    ["set resources", ["set", "resources", "deployment/scaled", "--limits=cpu=1"], /requirements updated/],
    ["service loadbalancer", ["create", "service", "loadbalancer", "lb", "--tcp=80:8080"], /service\/lb created/],
    [
      "service externalname",
      ["create", "service", "externalname", "out", "--external-name=a.example.com"],
      /service\/out created/,
    ],
    ["serviceaccount", ["create", "serviceaccount", "robot"], /robot created/],
    ["token", ["create", "token", "robot"], /^ey/],
    ["run", ["run", "looked-at", "--image=busybox:1", `--overrides=${JSON.stringify(asking("100m"))}`], /created/],
    [
      "debug",
      ["debug", "looked-at", "--image=busybox:1", "--container=lens", "--target=looked-at", "--attach=false"],
      /^(Targeting container|$)/,
    ],
    [
      "resize",
      ["patch", "pod", "looked-at", "--subresource=resize", `--patch=${JSON.stringify(asking("200m"))}`],
      /looked-at patched/,
    ],
    [
      "a server's dry run",
      ["create", "pdb", "dry", "--selector=a=b", "--min-available=1", "--dry-run=server"],
      /dry run/,
    ],
  ])("%s", async (_, args, said) => expect(await api.kubectl(...args)).toMatch(said));

  test("what debug added stays, and a resize changes what is asked for alone", async () => {
    const gone = '--patch={"spec":{"ephemeralContainers":null}}';
    await expect(
      api.kubectl("patch", "pod", "looked-at", "--subresource=ephemeralcontainers", "--type=merge", gone),
    ).rejects.toThrow('existing ephemeral containers "lens" may not be removed');
    const { spec } = JSON.parse(await api.kubectl("get", "pod", "looked-at", "-o", "json"));
    expect(spec.ephemeralContainers).toMatchObject([{ name: "lens", targetContainerName: "looked-at" }]);
    expect(spec.containers[0].resources.requests).toEqual({ cpu: "200m" });
  });
});

/** What is wrong with a new object, and what kubectl prints of it. */
const refused: readonly [string, Manifest, string][] = [
  [
    "an Ingress path that is none",
    changed("ingresses", {
      spec: { rules: [{ http: { paths: [{ path: "x", pathType: "Prefix", backend: { service: { name: "a" } } }] } }] },
    }),
    '[spec.rules[0].http.paths[0].path: Invalid value: "x": must be an absolute path, spec.rules[0].http.paths[0].backend: Required value: port name or number is required]',
  ],
  [
    "a port that is out of range",
    changed("networkpolicies", { spec: { ingress: [{ ports: [{ port: 70000 }] }] } }),
    "spec.ingress[0].ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive",
  ],
  [
    "a hole outside of its block",
    changed("networkpolicies", {
      spec: { ingress: [{ from: [{ ipBlock: { cidr: "10.0.0.0/8", except: ["11.0.0.0/24"] } }] }] },
    }),
    'spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "11.0.0.0/24": must be a strict subset of `cidr`',
  ],
  [
    "a schedule that is none",
    changed("cronjobs", { spec: { schedule: "61 * * * *", timeZone: "Mars/Base" } }),
    '[spec.schedule: Invalid value: "61 * * * *": end of range (61) above maximum (59): 61, spec.timeZone: Invalid value: "Mars/Base": unknown time zone Mars/Base]',
  ],
  [
    "a volume of two sources",
    changed("persistentvolumes", { spec: { nfs: { server: "a", path: "/b" } } }),
    "spec.nfs: Forbidden: may not specify more than 1 volume type",
  ],
  [
    "a claim for nothing",
    changed("persistentvolumeclaims", { spec: { accessModes: ["Sometimes"], resources: {} } }),
    '[spec.accessModes: Unsupported value: "Sometimes": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod", spec.resources[storage]: Required value]',
  ],
  [
    "a quota of what does not exist",
    changed("resourcequotas", { spec: { hard: { wishes: "3" } } }),
    'spec.hard[wishes]: Invalid value: "wishes": must be a standard resource for quota',
  ],
  [
    "a minimum above the maximum",
    changed("limitranges", { spec: { limits: [{ type: "Pod", max: { cpu: "1" }, min: { cpu: "2" } }] } }),
    'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
  ],
  [
    "an autoscaler between five and four",
    changed("horizontalpodautoscalers", { spec: { minReplicas: 5, maxReplicas: 4 } }),
    "spec.maxReplicas: Invalid value: 4: must be greater than or equal to `minReplicas`",
  ],
  [
    "a priority above the system's",
    changed("priorityclasses", { value: 1_000_000_001 }),
    "value: Forbidden: maximum allowed value of a user defined priority is 1000000000",
  ],
  [
    "a reclaim policy for classes that only volumes have",
    changed("storageclasses", { reclaimPolicy: "Recycle" }),
    'reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"',
  ],
  [
    "a selector that is not the template's",
    changed("daemonsets", { spec: { selector: { matchLabels: { app: "other" } } } }),
    'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
  ],
  [
    "a controller that is no path",
    changed("ingressclasses", { spec: { controller: "nginx" } }),
    'spec.controller: Invalid value: "nginx": must be a domain-prefixed path (such as "acme.io/foo")',
  ],
];

/** Changes of the objects made above. */
const immutable: readonly [string, string, object, string][] = [
  [
    "sts",
    "web",
    { spec: { serviceName: "other" } },
    "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
  ],
  [
    "pvc",
    "web",
    { spec: { resources: { requests: { storage: "2Gi" } } } },
    "spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims",
  ],
  ["sc", "web", { provisioner: "example.com/other" }, "provisioner: Forbidden: updates to provisioner are forbidden."],
  ["priorityclass", "web", { value: 2 }, "value: Forbidden: may not be changed in an update."],
  ["runtimeclass", "web", { handler: "runc" }, 'handler: Invalid value: "runc": field is immutable'],
  [
    "ingressclass",
    "web",
    { spec: { controller: "example.com/b" } },
    'spec.controller: Invalid value: "example.com/b": field is immutable',
  ],
];

describe("what is wrong is said in the original's words", () => {
  test.each(refused)("%s", async (_, manifest, words) => {
    const body = { ...manifest, metadata: { name: "wrong" } };
    const { code, stderr } = await api.tryKubectl(["create", "-f", "-"], JSON.stringify(body));
    expect([code, stderr.trim()]).toEqual([1, `The ${manifest.kind} "wrong" is invalid: ${lines(words)}`]);
  });

  test.each(immutable)("a changed %s", async (plural, name, change, words) => {
    const args = ["patch", plural, name, "--type=merge", "-p", JSON.stringify(change)];
    const { code, stderr } = await api.tryKubectl(args);
    expect(code).toBe(1);
    expect(stderr).toContain(lines(words));
  });

  test("what is accepted but old is warned of", async () => {
    const ingress = changed("ingresses", {
      metadata: { name: "old", annotations: { "kubernetes.io/ingress.class": "web" } },
    });
    const { code, stderr } = await api.tryKubectl(["create", "-f", "-"], JSON.stringify(ingress));
    expect(code).toBe(0);
    expect(stderr).toContain('Warning: annotation "kubernetes.io/ingress.class" is deprecated');
  });
});

/** kubectl prints several errors as a list of lines. */
function lines(words: string): string {
  if (!words.startsWith("[")) return words;
  const parts = words.slice(1, -1).split(/, (?=spec\.)/);
  return parts.map((part) => `\n* ${part}`).join("");
}

test("every kind is deleted", async () => {
  await withAll(["delete", "--wait=false"]);
  // Protection of volumes in use is a controller's to lift, and none runs here.
  const lift = ["--type=merge", "-p", JSON.stringify({ metadata: { finalizers: null } })];
  await Promise.all([
    api.tryKubectl(["patch", "pvc", "web", ...lift]),
    api.tryKubectl(["patch", "pv", "web", ...lift]),
    api.tryKubectl(["patch", "vac", "web", ...lift]),
  ]);
  const { stdout } = await api.tryKubectl(["get", "--ignore-not-found", "-o", "name", "-f", "-"], listOf(all));
  expect(stdout).toBe("");
});
