import { type KubeObject, StatusError } from "../../api/mod.ts";
import { loopback } from "../auth/user.ts";
import type { WriteContext } from "../registry/hooks.ts";
import type { Registry, Served } from "../registry/served.ts";
import type { Writer } from "../registry/writer.ts";

const context: WriteContext = { user: loopback, dryRun: false, warn: () => undefined };

export interface BootstrapOptions {
  readonly registry: Registry;
  readonly writer: Writer;
  /** Where clients inside the cluster reach this server. */
  readonly advertise: { readonly address: string; readonly port: number };
  /** The address of the Service `kubernetes`: the first of the range. */
  readonly serviceAddress: string;
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

/**
 * The Service `kubernetes` in default, and where it leads: to this server. A server that only its own machine can reach
 * leads nowhere: loopback addresses mean something else to everybody who would read them.
 */
export async function ensureKubernetesService(options: BootstrapOptions): Promise<void> {
  const { registry, writer, advertise, serviceAddress } = options;
  const labels = { component: "apiserver", provider: "kubernetes" };
  const metadata = { name: "kubernetes", namespace: "default", labels };
  await createIfAbsent(registry.need("", "v1", "services"), writer, {
    apiVersion: "v1",
    kind: "Service",
    metadata,
    spec: {
      type: "ClusterIP",
      clusterIP: serviceAddress,
      clusterIPs: [serviceAddress],
      ipFamilies: ["IPv4"],
      ipFamilyPolicy: "SingleStack",
      internalTrafficPolicy: "Cluster",
      sessionAffinity: "None",
      ports: [{ name: "https", protocol: "TCP", port: 443, targetPort: advertise.port }],
    },
    status: { loadBalancer: {} },
  } as KubeObject);

  if (advertise.address.startsWith("127.")) return;
  const ports = [{ name: "https", port: advertise.port, protocol: "TCP" }];
  const mirrored = { "endpointslice.kubernetes.io/skip-mirror": "true" };
  await put(registry.need("", "v1", "endpoints"), writer, {
    apiVersion: "v1",
    kind: "Endpoints",
    metadata: { name: "kubernetes", namespace: "default", labels: mirrored },
    subsets: [{ addresses: [{ ip: advertise.address }], ports }],
  } as KubeObject);
  await put(registry.need("discovery.k8s.io", "v1", "endpointslices"), writer, {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "kubernetes", namespace: "default", labels: { "kubernetes.io/service-name": "kubernetes" } },
    addressType: "IPv4",
    endpoints: [{ addresses: [advertise.address], conditions: { ready: true } }],
    ports,
  } as KubeObject);
}

async function createIfAbsent(served: Served, writer: Writer, object: KubeObject): Promise<boolean> {
  const { namespace = "", name } = object.metadata;
  await served.cache.start();
  if (served.cache.get(served.key(namespace, name)) !== undefined) return false;
  try {
    await writer.create(served, object, context);
    return true;
  } catch (error) {
    // Another API server of the same store was faster.
    if (error instanceof StatusError && error.status.reason === "AlreadyExists") return false;
    throw error;
  }
}

/** Created, or made to say what `wanted` says beside its metadata. */
async function put(served: Served, writer: Writer, wanted: KubeObject): Promise<void> {
  if (await createIfAbsent(served, writer, structuredClone(wanted))) return;
  const { namespace = "", name } = wanted.metadata;
  const produce = (current: KubeObject) => ({
    ...structuredClone(current),
    ...wanted,
    metadata: structuredClone(current.metadata),
  });
  await writer.update(served, namespace, name, produce, context);
}
