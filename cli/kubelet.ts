import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { Client } from "../controlplane/client/mod.ts";
import { type Listen, readRegistryConfig, startKubelet } from "../dataplane/kubelet/mod.ts";
import { runComponent } from "./component.ts";
import { oneOf, parser, wholeNumber } from "./flags.ts";
import { addNodeResourceFlags, type NodeResourceFlags, nodeResources } from "./node-resources.ts";
import { reported } from "./version.ts";

export interface KubeletFlags extends NodeResourceFlags {
  kubeconfig: string;
  apiserverSocket?: string;
  hostnameOverride: string;
  nodeIp: string;
  rootDir: string;
  runtime: "auto" | "namespaces" | "process";
  containerRuntimeEndpoint?: string;
  imageServiceEndpoint?: string;
  criSocket?: string;
  registryConfig?: string;
  insecureRegistry: string[];
  address: string;
  port: number;
  listenFd?: number;
  unixSocket?: string;
  tlsCertFile: string;
  tlsPrivateKeyFile: string;
  clientCaFile: string;
  clusterDns: string[];
  clusterDomain: string;
  serviceClusterIpRange?: string;
  maxPods: number;
  nodeLabels: Record<string, string>;
}

const list = (value: string) => value.split(",").filter((part) => part !== "");

function labels(value: string): Record<string, string> {
  return Object.fromEntries(
    list(value).map((pair) => [pair.split("=", 1)[0] as string, pair.slice(pair.indexOf("=") + 1)]),
  );
}

/** `flotilla kubelet`: runs the pods of one node, in the network namespace it is started in. */
export async function main(args: string[]): Promise<void> {
  const flags = addNodeResourceFlags(parser("kubelet", "Runs the pods of one node."))
    .requiredOption("--kubeconfig <file>", "how to reach the API server")
    .option("--apiserver-socket <path>", "reach it through this unix socket")
    .option("--hostname-override <name>", "the node's name", hostname())
    .requiredOption("--node-ip <address>", "the node's address")
    .requiredOption("--root-dir <dir>", "where everything of this node is kept")
    .option("--runtime <runtime>", "auto, namespaces or process", oneOf("auto", "namespaces", "process"), "auto")
    .option("--container-runtime-endpoint <unix:///path>", "a container engine to use instead of the built-in one")
    .option("--image-service-endpoint <unix:///path>", "who has its images, when that is another process")
    .option("--cri-socket <path>", "serve the built-in engine there, for crictl")
    .option("--registry-config <file>", "mirrors and insecure registries, for the built-in engine")
    .option("--insecure-registry <host...>", "registries to reach without TLS, or without checking it", [])
    .option("--address <address>", "address to listen on", "127.0.0.1")
    .option("--port <port>", "port to listen on; 0: any", wholeNumber(0, 65_535), 10_250)
    .option("--listen-fd <fd>", "listen on this inherited socket as well", wholeNumber(3, 1024))
    .option("--unix-socket <path>", "listen on this unix socket as well")
    .requiredOption("--tls-cert-file <file>", "the server's certificate")
    .requiredOption("--tls-private-key-file <file>", "its key")
    .requiredOption("--client-ca-file <file>", "CA of clients")
    .option("--cluster-dns <addresses>", "the cluster's DNS servers, separated by commas", list, [])
    .option("--cluster-domain <domain>", "the cluster's DNS domain", "cluster.local")
    .option("--service-cluster-ip-range <cidr>", "addresses of Services")
    .option("--max-pods <count>", "pods this node takes", wholeNumber(1, 10_000), 110)
    .option("--node-labels <labels>", "labels for the node, key=value separated by commas", labels, {})
    .allowExcessArguments(false)
    .parse(args, { from: "user" })
    .opts<KubeletFlags>();
  await runComponent("kubelet", async (log) => {
    const client = await Client.fromKubeconfig(flags.kubeconfig, {
      socketPath: flags.apiserverSocket,
      userAgent: `kubelet/${reported.kubernetes}`,
    });
    const listen: Listen[] = [{ host: flags.address, port: flags.port }];
    if (flags.listenFd !== undefined) listen.push({ fd: flags.listenFd });
    if (flags.unixSocket !== undefined) listen.push({ path: flags.unixSocket });
    const kubelet = await startKubelet({
      client,
      log,
      nodeName: flags.hostnameOverride,
      nodeIP: flags.nodeIp,
      rootDir: flags.rootDir,
      runtime: flags.runtime,
      containerRuntimeEndpoint: flags.containerRuntimeEndpoint,
      imageServiceEndpoint: flags.imageServiceEndpoint,
      criSocket: flags.criSocket,
      registries: readRegistryConfig(flags.registryConfig, flags.insecureRegistry),
      listen,
      tls: {
        cert: readFileSync(flags.tlsCertFile),
        key: readFileSync(flags.tlsPrivateKeyFile),
        clientCa: readFileSync(flags.clientCaFile),
      },
      clusterDNS: flags.clusterDns,
      clusterDomain: flags.clusterDomain,
      serviceCIDR: flags.serviceClusterIpRange,
      maxPods: flags.maxPods,
      ...nodeResources(flags),
      kubernetesVersion: reported.kubernetes,
      nodeLabels: flags.nodeLabels,
    });
    return {
      async stop() {
        await kubelet.stop();
        await client.close();
      },
    };
  });
}

if (import.meta.main) await main(process.argv.slice(2));
