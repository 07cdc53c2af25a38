const labels = { app: "web" };
const template = { metadata: { labels }, spec: { containers: [{ name: "main", image: "busybox:1" }] } };
const jobTemplate = { spec: { template: { spec: { ...template.spec, restartPolicy: "Never" } } } };
const backend = { service: { name: "web", port: { number: 80 } } };

/** What tests say of an object; kubectl and the server fill in the rest. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly annotations?: object };
  readonly [field: string]: unknown;
}

function object(apiVersion: string, kind: string, fields: object = {}, name = "web"): Manifest {
  return { apiVersion, kind, metadata: { name }, ...fields };
}

const replicated = { selector: { matchLabels: labels }, template };

/** One small, valid object of every kind that a cluster's controllers work on. */
export const manifests: Readonly<Record<string, Manifest>> = {
  statefulsets: object("apps/v1", "StatefulSet", { spec: { serviceName: "web", ...replicated } }),
  daemonsets: object("apps/v1", "DaemonSet", { spec: replicated }),
  controllerrevisions: object("apps/v1", "ControllerRevision", { data: { spec: {} }, revision: 3 }),
  replicationcontrollers: object("v1", "ReplicationController", { spec: { template } }),
  podtemplates: object("v1", "PodTemplate", { template }),
  resourcequotas: object("v1", "ResourceQuota", { spec: { hard: { "limits.cpu": "8", pods: "10" } } }),
  limitranges: object("v1", "LimitRange", { spec: { limits: [{ type: "Container", max: { cpu: "2" } }] } }),
  persistentvolumes: object("v1", "PersistentVolume", {
    spec: { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"], hostPath: { path: "/tmp/web" } },
  }),
  persistentvolumeclaims: object("v1", "PersistentVolumeClaim", {
    spec: { accessModes: ["ReadWriteOnce"], storageClassName: "fast", resources: { requests: { storage: "1Gi" } } },
  }),
  cronjobs: object("batch/v1", "CronJob", {
    spec: { schedule: "*/5 * * * *", timeZone: "Europe/Berlin", jobTemplate },
  }),
  horizontalpodautoscalers: object("autoscaling/v2", "HorizontalPodAutoscaler", {
    spec: { scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" }, maxReplicas: 5 },
  }),
  poddisruptionbudgets: object("policy/v1", "PodDisruptionBudget", {
    spec: { minAvailable: "50%", selector: { matchLabels: labels } },
  }),
  priorityclasses: object("scheduling.k8s.io/v1", "PriorityClass", { value: 1000 }),
  runtimeclasses: object("node.k8s.io/v1", "RuntimeClass", { handler: "crun" }),
  storageclasses: object("storage.k8s.io/v1", "StorageClass", { provisioner: "example.com/disk" }),
  volumeattributesclasses: object("storage.k8s.io/v1", "VolumeAttributesClass", {
    driverName: "disk.example.com",
    parameters: { iops: "100" },
  }),
  csidrivers: object("storage.k8s.io/v1", "CSIDriver", { spec: {} }, "disk.example.com"),
  csinodes: object("storage.k8s.io/v1", "CSINode", { spec: { drivers: [{ name: "disk.example.com", nodeID: "n1" }] } }),
  csistoragecapacities: object("storage.k8s.io/v1", "CSIStorageCapacity", {
    storageClassName: "fast",
    capacity: "5Gi",
  }),
  volumeattachments: object("storage.k8s.io/v1", "VolumeAttachment", {
    spec: { attacher: "disk.example.com", nodeName: "node-1", source: { persistentVolumeName: "web" } },
  }),
  ingresses: object("networking.k8s.io/v1", "Ingress", {
    spec: {
      ingressClassName: "web",
      tls: [{ hosts: ["web.test"], secretName: "web-tls" }],
      rules: [{ host: "web.test", http: { paths: [{ path: "/", pathType: "Prefix", backend }] } }],
    },
  }),
  ingressclasses: object("networking.k8s.io/v1", "IngressClass", { spec: { controller: "example.com/ingress" } }),
  networkpolicies: object("networking.k8s.io/v1", "NetworkPolicy", {
    spec: { podSelector: { matchLabels: labels }, ingress: [{ ports: [{ port: 80 }] }] },
  }),
  ipaddresses: object(
    "networking.k8s.io/v1",
    "IPAddress",
    { spec: { parentRef: { resource: "services", namespace: "default", name: "web" } } },
    "10.96.7.7",
  ),
  servicecidrs: object("networking.k8s.io/v1", "ServiceCIDR", { spec: { cidrs: ["10.97.0.0/24"] } }),
};

/** A valid object with some fields of its spec, or of its top, said otherwise; `undefined` takes a field away. */
export function changed(
  plural: string,
  change: { readonly spec?: object; readonly [field: string]: unknown },
): Manifest {
  const manifest = manifests[plural];
  if (manifest === undefined) throw new Error(`there is no manifest of ${plural}`);
  const spec = { ...(manifest.spec as object | undefined), ...change.spec };
  return { ...manifest, ...change, ...(Object.keys(spec).length > 0 && { spec }) };
}
