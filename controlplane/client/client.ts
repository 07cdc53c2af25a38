import type {
  Binding,
  CertificateSigningRequest,
  ClusterRole,
  ConfigMap,
  ControllerRevision,
  CronJob,
  CSIDriver,
  CSINode,
  DaemonSet,
  Deployment,
  EndpointSlice,
  Endpoints,
  Event,
  HorizontalPodAutoscaler,
  Job,
  Lease,
  LimitRange,
  Namespace,
  NetworkPolicy,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  PodDisruptionBudget,
  ReplicaSet,
  ReplicationController,
  ResourceQuota,
  Secret,
  Service,
  ServiceAccount,
  ServiceCIDR,
  StatefulSet,
  StorageClass,
  VolumeAttachment,
} from "../api/mod.ts";
import { HttpClient, type HttpClientOptions, type RequestOptions } from "./http-client.ts";
import { type Connection, loadKubeconfig } from "./kubeconfig.ts";
import type { KubernetesObject } from "./kubernetes-object.ts";
import { lines } from "./lines.ts";
import { type CallOptions, ClusterResourceClient, ResourceClient, type WriteOptions } from "./resource-client.ts";
import { type ResourceDefinition, resourcePath } from "./resource-definition.ts";

export type ClientOptions = HttpClientOptions;

export interface LogOptions extends CallOptions {
  readonly container?: string;
  readonly follow?: boolean;
  readonly previous?: boolean;
  readonly sinceSeconds?: number;
  readonly sinceTime?: string;
  readonly tailLines?: number;
  readonly limitBytes?: number;
  readonly timestamps?: boolean;
}

function namespaced(group: string, version: string, plural: string, kind: string): ResourceDefinition {
  return { group, version, plural, kind, namespaced: true };
}

function clusterWide(group: string, version: string, plural: string, kind: string): ResourceDefinition {
  return { group, version, plural, kind, namespaced: false };
}

/** A Kubernetes API server, seen from outside. Holds one connection; `close` frees it. */
export class Client {
  readonly http: HttpClient;
  readonly certificateSigningRequests: ClusterResourceClient<CertificateSigningRequest>;
  readonly clusterRoles: ClusterResourceClient<ClusterRole>;
  readonly configMaps: ResourceClient<ConfigMap>;
  readonly controllerRevisions: ResourceClient<ControllerRevision>;
  readonly cronJobs: ResourceClient<CronJob>;
  readonly csiDrivers: ClusterResourceClient<CSIDriver>;
  readonly csiNodes: ClusterResourceClient<CSINode>;
  readonly daemonSets: ResourceClient<DaemonSet>;
  readonly deployments: ResourceClient<Deployment>;
  readonly endpoints: ResourceClient<Endpoints>;
  readonly endpointSlices: ResourceClient<EndpointSlice>;
  readonly events: ResourceClient<Event>;
  readonly horizontalPodAutoscalers: ResourceClient<HorizontalPodAutoscaler>;
  readonly jobs: ResourceClient<Job>;
  readonly leases: ResourceClient<Lease>;
  readonly limitRanges: ResourceClient<LimitRange>;
  readonly namespaces: ClusterResourceClient<Namespace>;
  readonly networkPolicies: ResourceClient<NetworkPolicy>;
  readonly nodes: ClusterResourceClient<Node>;
  readonly persistentVolumeClaims: ResourceClient<PersistentVolumeClaim>;
  readonly persistentVolumes: ClusterResourceClient<PersistentVolume>;
  readonly podDisruptionBudgets: ResourceClient<PodDisruptionBudget>;
  readonly pods: ResourceClient<Pod>;
  readonly replicaSets: ResourceClient<ReplicaSet>;
  readonly replicationControllers: ResourceClient<ReplicationController>;
  readonly resourceQuotas: ResourceClient<ResourceQuota>;
  readonly secrets: ResourceClient<Secret>;
  readonly serviceAccounts: ResourceClient<ServiceAccount>;
  readonly serviceCIDRs: ClusterResourceClient<ServiceCIDR>;
  readonly services: ResourceClient<Service>;
  readonly statefulSets: ResourceClient<StatefulSet>;
  readonly storageClasses: ClusterResourceClient<StorageClass>;
  readonly volumeAttachments: ClusterResourceClient<VolumeAttachment>;

  constructor(connection: Connection, options: ClientOptions = {}) {
    this.http = new HttpClient(connection, options);
    this.certificateSigningRequests = this.clusterResource(
      clusterWide("certificates.k8s.io", "v1", "certificatesigningrequests", "CertificateSigningRequest"),
    );
    this.clusterRoles = this.clusterResource(
      clusterWide("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole"),
    );
    this.configMaps = this.resource(namespaced("", "v1", "configmaps", "ConfigMap"));
    this.controllerRevisions = this.resource(namespaced("apps", "v1", "controllerrevisions", "ControllerRevision"));
    this.cronJobs = this.resource(namespaced("batch", "v1", "cronjobs", "CronJob"));
    this.csiDrivers = this.clusterResource(clusterWide("storage.k8s.io", "v1", "csidrivers", "CSIDriver"));
    this.csiNodes = this.clusterResource(clusterWide("storage.k8s.io", "v1", "csinodes", "CSINode"));
    this.daemonSets = this.resource(namespaced("apps", "v1", "daemonsets", "DaemonSet"));
    this.deployments = this.resource(namespaced("apps", "v1", "deployments", "Deployment"));
    this.endpoints = this.resource(namespaced("", "v1", "endpoints", "Endpoints"));
    this.endpointSlices = this.resource(namespaced("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice"));
    this.events = this.resource(namespaced("", "v1", "events", "Event"));
    this.horizontalPodAutoscalers = this.resource(
      namespaced("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler"),
    );
    this.jobs = this.resource(namespaced("batch", "v1", "jobs", "Job"));
    this.leases = this.resource(namespaced("coordination.k8s.io", "v1", "leases", "Lease"));
    this.limitRanges = this.resource(namespaced("", "v1", "limitranges", "LimitRange"));
    this.namespaces = this.clusterResource(clusterWide("", "v1", "namespaces", "Namespace"));
    this.networkPolicies = this.resource(namespaced("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy"));
    this.nodes = this.clusterResource(clusterWide("", "v1", "nodes", "Node"));
    this.persistentVolumeClaims = this.resource(
      namespaced("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim"),
    );
    this.persistentVolumes = this.clusterResource(clusterWide("", "v1", "persistentvolumes", "PersistentVolume"));
    this.podDisruptionBudgets = this.resource(
      namespaced("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget"),
    );
    this.pods = this.resource(namespaced("", "v1", "pods", "Pod"));
    this.replicaSets = this.resource(namespaced("apps", "v1", "replicasets", "ReplicaSet"));
    this.replicationControllers = this.resource(
      namespaced("", "v1", "replicationcontrollers", "ReplicationController"),
    );
    this.resourceQuotas = this.resource(namespaced("", "v1", "resourcequotas", "ResourceQuota"));
    this.secrets = this.resource(namespaced("", "v1", "secrets", "Secret"));
    this.serviceAccounts = this.resource(namespaced("", "v1", "serviceaccounts", "ServiceAccount"));
    this.serviceCIDRs = this.clusterResource(clusterWide("networking.k8s.io", "v1", "servicecidrs", "ServiceCIDR"));
    this.services = this.resource(namespaced("", "v1", "services", "Service"));
    this.statefulSets = this.resource(namespaced("apps", "v1", "statefulsets", "StatefulSet"));
    this.storageClasses = this.clusterResource(clusterWide("storage.k8s.io", "v1", "storageclasses", "StorageClass"));
    this.volumeAttachments = this.clusterResource(
      clusterWide("storage.k8s.io", "v1", "volumeattachments", "VolumeAttachment"),
    );
  }

  /**
   * From a kubeconfig file's current (or named) context; `server` and `socketPath` say another way to the same API. Throws Failure when the file is
   * not usable.
   */
  static async fromKubeconfig(
    path: string,
    options: ClientOptions & { context?: string; server?: string; socketPath?: string } = {},
  ): Promise<Client> {
    const { context, server, socketPath, ...rest } = options;
    const connection = await loadKubeconfig(path, { context });
    return new Client({ ...connection, ...(server && { server }), ...(socketPath && { socketPath }) }, rest);
  }

  /** Any kind, by its names in URLs. */
  resource<T extends KubernetesObject>(definition: ResourceDefinition): ResourceClient<T> {
    return new ResourceClient<T>(this.http, definition);
  }

  clusterResource<T extends KubernetesObject>(definition: ResourceDefinition): ClusterResourceClient<T> {
    return new ClusterResourceClient(this.resource<T>(definition));
  }

  /** Objects of any kind reduced to apiVersion, kind and metadata. */
  metadata(definition: ResourceDefinition): ResourceClient<KubernetesObject> {
    return new ResourceClient(this.http, definition, "metadata");
  }

  /** Anything else: discovery, health, version. */
  request<T>(method: string, path: string, options?: RequestOptions): Promise<T> {
    return this.http.json(method, path, options);
  }

  /** Puts a pod on a node. Throws a conflict when it already has one. */
  async bind(namespace: string, podName: string, binding: Binding, options?: WriteOptions): Promise<void> {
    await this.pods.createSubresource(namespace, podName, "binding", binding, options);
  }

  /** Asks for a pod's deletion within its disruption budget. Throws ApiError 429 when the budget forbids it now. */
  async evict(
    namespace: string,
    podName: string,
    options: CallOptions & { gracePeriodSeconds?: number } = {},
  ): Promise<void> {
    const { signal, ...deleteOptions } = options;
    const eviction = {
      apiVersion: "policy/v1",
      kind: "Eviction",
      metadata: { name: podName, namespace },
      deleteOptions,
    };
    await this.pods.createSubresource(namespace, podName, "eviction", eviction, { signal });
  }

  /** A container's log, line by line; with `follow` it goes on until the container ends or the signal aborts. */
  async *logs(namespace: string, podName: string, options: LogOptions = {}): AsyncGenerator<string, void> {
    const { signal, ...query } = options;
    const path = resourcePath(this.pods.definition, namespace, podName, "log");
    const response = await this.http.stream("GET", path, { query: { ...query }, signal, accept: "text/plain, */*" });
    yield* lines(response.body);
  }

  close(): Promise<void> {
    return this.http.close();
  }
}
