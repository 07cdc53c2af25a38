import type { KubeObject } from "../../api/mod.ts";
import { systemPriorityClasses } from "../admission/priority.ts";
import type { Registry } from "../registry/served.ts";
import type { Writer } from "../registry/writer.ts";
import { createIfAbsent, put } from "./ensure.ts";

export interface BootstrapOptions {
  readonly registry: Registry;
  readonly writer: Writer;
  /** Where Services get their addresses: `10.96.0.0/16`. */
  readonly serviceRange: string;
  /** The address of the Service `kubernetes`: the first of the range. */
  readonly serviceAddress: string;
  /** The port behind it. */
  readonly port: number;
  /** Authority of client certificates, PEM: other servers learn it from the cluster. */
  readonly clientCa: string;
}

/** Namespaces that are always there. */
export async function ensureNamespaces({
  registry,
  writer,
}: Pick<BootstrapOptions, "registry" | "writer">): Promise<void> {
  const namespaces = registry.need("", "v1", "namespaces");
  for (const name of ["default", "kube-system", "kube-public", "kube-node-lease"]) {
    const labels = { "kubernetes.io/metadata.name": name };
    const namespace = {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name, labels },
      spec: { finalizers: ["kubernetes"] },
    };
    await createIfAbsent(namespaces, writer, namespace);
  }
}

/** What every cluster has beside its namespaces and roles. */
export async function ensureClusterObjects(options: BootstrapOptions): Promise<void> {
  await ensureKubernetesService(options);
  await ensurePriorityClasses(options);
  await ensureServiceCidr(options);
  await ensureAuthenticationConfig(options);
}

/** The Service `kubernetes` in default: this server, for clients inside the cluster. */
async function ensureKubernetesService({ registry, writer, serviceAddress, port }: BootstrapOptions): Promise<void> {
  const labels = { component: "apiserver", provider: "kubernetes" };
  await createIfAbsent(registry.need("", "v1", "services"), writer, {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "kubernetes", namespace: "default", labels },
    spec: {
      type: "ClusterIP",
      clusterIP: serviceAddress,
      clusterIPs: [serviceAddress],
      ipFamilies: ["IPv4"],
      ipFamilyPolicy: "SingleStack",
      internalTrafficPolicy: "Cluster",
      sessionAffinity: "None",
      ports: [{ name: "https", protocol: "TCP", port: 443, targetPort: port }],
    },
    status: { loadBalancer: {} },
  } as KubeObject);
}

async function ensurePriorityClasses({ registry, writer }: BootstrapOptions): Promise<void> {
  const classes = registry.find("scheduling.k8s.io", "v1", "priorityclasses");
  if (classes === undefined) return;
  for (const { name, ...rest } of systemPriorityClasses) {
    const priorityClass = {
      apiVersion: "scheduling.k8s.io/v1",
      kind: "PriorityClass",
      metadata: { name },
      preemptionPolicy: "PreemptLowerPriority",
      ...rest,
    };
    await createIfAbsent(classes, writer, priorityClass);
  }
}

async function ensureServiceCidr({ registry, writer, serviceRange }: BootstrapOptions): Promise<void> {
  const cidrs = registry.find("networking.k8s.io", "v1", "servicecidrs");
  if (cidrs === undefined) return;
  await createIfAbsent(cidrs, writer, {
    apiVersion: "networking.k8s.io/v1",
    kind: "ServiceCIDR",
    metadata: { name: "kubernetes" },
    spec: { cidrs: [serviceRange] },
  } as KubeObject);
}

/** How servers that extend this one recognise its clients. */
async function ensureAuthenticationConfig({ registry, writer, clientCa }: BootstrapOptions): Promise<void> {
  await put(registry.need("", "v1", "configmaps"), writer, {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "extension-apiserver-authentication", namespace: "kube-system" },
    data: { "client-ca-file": clientCa },
  } as KubeObject);
}
