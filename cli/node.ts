import { mkdirSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { Deferred, Failure, type Log } from "../base/mod.ts";
import { Client } from "../controlplane/client/mod.ts";
import { startDns } from "../dataplane/dns/mod.ts";
import { readRegistryConfig, startKubelet } from "../dataplane/kubelet/mod.ts";
import { type RunningPolicies, startPolicies } from "../dataplane/netpol/mod.ts";
import { startProvisioner } from "../dataplane/provisioner/mod.ts";
import { startProxy } from "../dataplane/proxy/mod.ts";
import { startApiForwarder } from "./api-forwarder.ts";
import { runComponent } from "./component.ts";
import { oneOf, parser, wholeNumber } from "./flags.ts";
import { addNodeResourceFlags, type NodeResourceFlags, nodeResources } from "./node-resources.ts";
import { reported } from "./version.ts";

interface NodeFlags extends NodeResourceFlags {
  hostnameOverride: string;
  nodeIp: string;
  kubeconfig: string;
  proxyKubeconfig: string;
  dnsKubeconfig?: string;
  provisionerKubeconfig?: string;
  clusterDns?: string;
  clusterDomain: string;
  apiserverSocket: string[];
  apiserverAddress?: string;
  rootDir: string;
  runtime: "auto" | "namespaces" | "process";
  containerRuntimeEndpoint?: string;
  imageServiceEndpoint?: string;
  criSocket?: string;
  registryConfig?: string;
  insecureRegistry: string[];
  address: string;
  port: number;
  unixSocket?: string;
  mask: string[];
  tlsCertFile: string;
  tlsPrivateKeyFile: string;
  clientCaFile: string;
  clusterCidr: string;
  serviceClusterIpRange: string;
  proxyMode: "auto" | "nftables" | "userspace";
}

/** `flotilla node`: a kubelet, a service proxy and whoever enforces network policies in one process, inside the network namespace it is started in. */
export async function main(args: string[]): Promise<void> {
  const flags = addNodeResourceFlags(parser("node", "Runs a node: a kubelet and a service proxy in one process."))
    .requiredOption("--kubeconfig <file>", "how the kubelet reaches the API server")
    .requiredOption("--proxy-kubeconfig <file>", "how the proxy reaches it")
    .option("--dns-kubeconfig <file>", "how a DNS server reaches it; without, the node serves no names")
    .option("--provisioner-kubeconfig <file>", "how a provisioner of volumes reaches it; without, the node makes none")
    .option("--cluster-dns <ip>", "the DNS server that pods are told of")
    .option("--cluster-domain <zone>", "the zone of the cluster's names", "cluster.local")
    .option("--apiserver-socket <path...>", "the API server's unix socket, or those of several", [])
    .option(
      "--apiserver-address <ip:port>",
      "forward connections to this address, made the node's own, to the sockets, and reach the API there",
    )
    .requiredOption("--root-dir <dir>", "where everything of the node lives")
    .requiredOption("--tls-cert-file <file>", "certificate of the kubelet's server")
    .requiredOption("--tls-private-key-file <file>", "its key")
    .requiredOption("--client-ca-file <file>", "authority of those who may ask it")
    .option("--hostname-override <name>", "the node's name", hostname())
    .option("--node-ip <address>", "the node's own address", "127.0.0.1")
    .option("--runtime <kind>", "auto, namespaces or process", oneOf("auto", "namespaces", "process"), "auto")
    .option("--container-runtime-endpoint <unix:///path>", "a container engine to use instead of the built-in one")
    .option("--image-service-endpoint <unix:///path>", "who has its images, when that is another process")
    .option("--cri-socket <path>", "serve the built-in engine there, for crictl")
    .option("--registry-config <file>", "mirrors and insecure registries, for the built-in engine")
    .option("--insecure-registry <host...>", "registries to reach without TLS, or without checking it", [])
    .option("--address <ip>", "where the kubelet listens", "127.0.0.1")
    .option("--port <port>", "its port", wholeNumber(0, 65_535), 10_250)
    .option("--unix-socket <path>", "listen on this unix socket too, and announce it")
    .option("--mask <dir...>", "directories of the machine that pods must not see", [])
    .option("--cluster-cidr <cidr>", "addresses of pods", "10.244.0.0/16")
    .option("--service-cluster-ip-range <cidr>", "addresses of Services", "10.96.0.0/16")
    .option("--proxy-mode <mode>", "auto, nftables or userspace", oneOf("auto", "nftables", "userspace"), "auto")
    .allowExcessArguments(false)
    .parse(args, { from: "user" })
    .opts<NodeFlags>();
  await runComponent("node", (log) => startNode(flags, log));
}

/** kube-proxy's. */
const proxyHealthPort = 10_256;

/** Manifests put there run on this node. */
function manifestsOf(rootDir: string): string {
  const dir = join(rootDir, "manifests");
  mkdirSync(dir, { recursive: true });
  return dir;
}

function readPem(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new Failure(
      "CertificateUnreadable",
      `cannot read ${file}: ${(error as Error).message}`,
      "Restore the file, or let `flotilla start` make it again",
      error,
    );
  }
}

async function startNode(flags: NodeFlags, log: Log): Promise<{ stop(): Promise<void> }> {
  const api = await startApiForwarder(
    { sockets: flags.apiserverSocket, address: flags.apiserverAddress, ca: readPem(flags.clientCaFile) },
    log,
  );
  const client = await Client.fromKubeconfig(flags.kubeconfig, api.access);
  // Which policies can hold depends on how pods run here; until that is known, no pod has a network.
  const policies = new Deferred<RunningPolicies>();
  const kubelet = await startKubelet({
    nodeName: flags.hostnameOverride,
    client,
    rootDir: flags.rootDir,
    nodeIP: flags.nodeIp,
    runtime: flags.runtime,
    containerRuntimeEndpoint: flags.containerRuntimeEndpoint,
    imageServiceEndpoint: flags.imageServiceEndpoint,
    criSocket: flags.criSocket,
    registries: readRegistryConfig(flags.registryConfig, flags.insecureRegistry),
    serviceCIDR: flags.serviceClusterIpRange,
    networkReady: async (pod, podIP) => (await policies.promise).isolate(pod, podIP),
    clusterDNS: flags.clusterDns === undefined ? [] : [flags.clusterDns],
    clusterDomain: flags.clusterDomain,
    ...nodeResources(flags),
    podManifestPath: flags.podManifestPath ?? manifestsOf(flags.rootDir),
    kubernetesVersion: reported.kubernetes,
    maskedPaths: flags.mask,
    listen: [
      { host: flags.address, port: flags.port },
      ...(flags.unixSocket === undefined ? [] : [{ path: flags.unixSocket }]),
    ],
    tls: {
      cert: readPem(flags.tlsCertFile),
      key: readPem(flags.tlsPrivateKeyFile),
      clientCa: readPem(flags.clientCaFile),
    },
    log,
  });
  const proxyClient = await Client.fromKubeconfig(flags.proxyKubeconfig, api.access);
  // On the host's own network nothing may be changed: plain processes get their Services from sockets on loopback addresses.
  const ownNetwork = kubelet.driver !== "process";
  const common = { client: proxyClient, log, nodeName: flags.hostnameOverride };
  const enforcer = await startPolicies({ ...common, enforceable: ownNetwork });
  policies.resolve(enforcer);
  const proxy = await startProxy({
    ...common,
    nodeIP: flags.nodeIp,
    clusterCIDR: flags.clusterCidr,
    serviceCIDR: flags.serviceClusterIpRange,
    mode: ownNetwork ? flags.proxyMode : "userspace",
    ownNetwork,
    healthz: ownNetwork ? { host: flags.nodeIp, port: proxyHealthPort } : undefined,
  });
  const dns =
    flags.dnsKubeconfig === undefined
      ? undefined
      : await startNodeDns(flags, await Client.fromKubeconfig(flags.dnsKubeconfig, api.access), log);
  const provisioner =
    flags.provisionerKubeconfig === undefined
      ? undefined
      : startNodeProvisioner(flags, await Client.fromKubeconfig(flags.provisionerKubeconfig, api.access), log);
  return {
    async stop() {
      await provisioner?.stop();
      await dns?.stop();
      await proxy.stop();
      await enforcer.stop();
      await kubelet.stop();
      await Promise.all([client.close(), proxyClient.close()]);
      await api.stop();
    },
  };
}

/** The cluster's names, for the pods of this node: Service kube-dns leads each pod to its own node's server. */
async function startNodeDns(flags: NodeFlags, client: Client, log: Log): Promise<{ stop(): Promise<void> }> {
  const dns = await startDns({
    client,
    log,
    nodeName: flags.hostnameOverride,
    nodeIP: flags.nodeIp,
    listen: [{ host: flags.nodeIp, port: 53 }],
    clusterDomain: flags.clusterDomain,
    serviceCIDR: flags.serviceClusterIpRange,
    // From within the nodes' network nobody else can be reached.
    upstream: [],
  });
  return {
    async stop() {
      await dns.stop();
      await client.close();
    },
  };
}

/** Volumes for the pods of this node, in directories that stay when everything of the node is stopped. */
function startNodeProvisioner(flags: NodeFlags, client: Client, log: Log): { stop(): Promise<void> } {
  const rootDir = join(resolve(flags.rootDir), "local-volumes");
  const provisioner = startProvisioner({ client, log, nodeName: flags.hostnameOverride, rootDir });
  return {
    async stop() {
      await provisioner.stop();
      await client.close();
    },
  };
}

if (import.meta.main) await main(process.argv.slice(2));
