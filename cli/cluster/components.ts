import { join } from "node:path";
import { type ContainerdProcess, containerdProcess } from "../../dataplane/kubelet/mod.ts";
import { componentLog } from "../component.ts";
import type { ClusterConfig, IngressConfig, MemberConfig, NodeConfig } from "./config.ts";
import {
  controlPlanes,
  dnsServiceAddress,
  edgeAddress,
  loadBalancerCIDR,
  nodeApiAddress,
  nodeApiPort,
  ownNetworks,
  podCIDR,
  serviceCIDR,
} from "./config.ts";
import { clustersHome, type Layout } from "./layout.ts";
import { edgeComponent } from "./node-networks.ts";
import { certificateFile, keyFile, pkiNames } from "./pki-files.ts";

/** One process of a cluster: what the supervisor starts, and what `status` and `logs` call it. */
export interface Component {
  /** For example `etcd-1`, `apiserver`, `node-2`. Names its log and its process record. */
  readonly name: string;
  /** The subcommand and its flags. Empty where `program` is set. */
  readonly args: readonly string[];
  /** What a person may want to open or connect to, for the progress line. */
  readonly where: string;
  /** Set for node agents, which run inside their node's network namespace where nodes have one. */
  readonly node?: NodeConfig;
  /** Set where the process is not ours. */
  readonly program?: Program;
}

/** Somebody else's program: it does not say itself when it is ready. */
export interface Program {
  readonly argv: readonly string[];
  /** Before each start. Throws Failure when the program cannot be had. */
  prepare(): void;
  /** Resolves when the program, which has been started, is ready; rejects with Failure when it does not get there. */
  ready(): Promise<void>;
}

function memberComponent(layout: Layout, config: ClusterConfig, member: MemberConfig): Component {
  const client = `https://127.0.0.1:${member.clientPort}`;
  const peer = `https://127.0.0.1:${member.peerPort}`;
  const cert = certificateFile(layout, pkiNames.etcdMember(member.name));
  const key = keyFile(layout, pkiNames.etcdMember(member.name));
  const ca = certificateFile(layout, pkiNames.etcdCa);
  const cluster = config.members.map(({ name, peerPort }) => `${name}=https://127.0.0.1:${peerPort}`).join(",");
  return {
    name: member.name,
    where: client,
    args: [
      "etcd",
      ...["--name", member.name, "--data-dir", layout.memberDir(member.name), "--logger", "flotilla"],
      ...["--listen-client-urls", client, "--advertise-client-urls", client],
      ...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer],
      ...["--initial-cluster", cluster, "--initial-cluster-token", config.token],
      ...["--cert-file", cert, "--key-file", key, "--trusted-ca-file", ca, "--client-cert-auth"],
      ...["--peer-cert-file", cert, "--peer-key-file", key, "--peer-trusted-ca-file", ca, "--peer-client-cert-auth"],
    ],
  };
}

/** `NAME` where there is one of a kind, else `NAME-1`, `NAME-2`, … */
function numbered(name: string, index: number, count: number): string {
  return count === 1 ? name : `${name}-${index}`;
}

function storeFlags(layout: Layout, { members, externalEtcd }: ClusterConfig): string[] {
  if (externalEtcd === undefined) {
    return [
      ...["--etcd-servers", members.map(({ clientPort }) => `https://127.0.0.1:${clientPort}`).join(",")],
      ...["--etcd-cafile", certificateFile(layout, pkiNames.etcdCa)],
      ...["--etcd-certfile", certificateFile(layout, pkiNames.apiServerEtcdClient)],
      ...["--etcd-keyfile", keyFile(layout, pkiNames.apiServerEtcdClient)],
    ];
  }
  const { servers, caFile, certFile, keyFile: key } = externalEtcd;
  return [
    ...["--etcd-servers", servers.join(",")],
    ...(caFile === undefined ? [] : ["--etcd-cafile", caFile]),
    ...(certFile === undefined ? [] : ["--etcd-certfile", certFile]),
    ...(key === undefined ? [] : ["--etcd-keyfile", key]),
  ];
}

function apiServerComponent(layout: Layout, config: ClusterConfig, index: number): Component {
  const port = config.apiServerPorts?.[index - 1] ?? config.apiPort;
  return {
    name: numbered("apiserver", index, controlPlanes(config)),
    where: `https://127.0.0.1:${port}`,
    args: [
      "apiserver",
      ...storeFlags(layout, config),
      ...["--bind-address", "127.0.0.1", "--secure-port", String(port), "--unix-socket", layout.apiSocket(index)],
      // On the host's own network, nothing forwards the nodes' address of the API.
      ...(ownNetworks(config) ? ["--advertise-address", nodeApiAddress, "--advertise-port", String(nodeApiPort)] : []),
      ...["--tls-cert-file", certificateFile(layout, pkiNames.apiServer)],
      ...["--tls-private-key-file", keyFile(layout, pkiNames.apiServer)],
      ...["--client-ca-file", certificateFile(layout, pkiNames.ca)],
      ...["--service-account-key-file", join(layout.pki, "sa.pub")],
      ...["--service-account-signing-key-file", keyFile(layout, pkiNames.serviceAccount)],
      ...["--service-account-issuer", "https://kubernetes.default.svc.cluster.local"],
      ...["--kubelet-client-certificate", certificateFile(layout, pkiNames.apiServerKubeletClient)],
      ...["--kubelet-client-key", keyFile(layout, pkiNames.apiServerKubeletClient)],
      ...["--kubelet-certificate-authority", certificateFile(layout, pkiNames.ca)],
      ...["--service-cluster-ip-range", serviceCIDR(config)],
      ...["--encryption-provider-config", layout.encryptionConfig],
      // Long enough for the balancer to hear that this one leaves.
      ...(controlPlanes(config) === 1 ? [] : ["--shutdown-delay-duration", "2s"]),
    ],
  };
}

/** Before several API servers, at the address that clients know. */
function balancerComponent(layout: Layout, config: ClusterConfig): Component {
  const targets = range(controlPlanes(config)).map((index) => layout.apiSocket(index));
  return {
    name: "balancer",
    where: `https://127.0.0.1:${config.apiPort}`,
    args: [
      "balancer",
      ...["--listen", `127.0.0.1:${config.apiPort}`, "--target", ...targets],
      ...["--ca-file", certificateFile(layout, pkiNames.ca)],
    ],
  };
}

function controllerManagerComponent(layout: Layout, config: ClusterConfig, index: number): Component {
  const count = controlPlanes(config);
  return {
    name: numbered("controller-manager", index, count),
    where: "",
    args: [
      "controller-manager",
      ...["--kubeconfig", join(layout.run, "controller-manager.kubeconfig")],
      ...["--cluster-cidr", podCIDR, "--root-ca-file", certificateFile(layout, pkiNames.ca)],
      ...["--cluster-signing-cert-file", certificateFile(layout, pkiNames.ca)],
      ...["--cluster-signing-key-file", keyFile(layout, pkiNames.ca)],
      ...(ownNetworks(config) ? ["--load-balancer-cidr", loadBalancerCIDR] : []),
      // One alone need not wait for the Lease of the one before it.
      ...["--leader-elect", String(count > 1)],
    ],
  };
}

function schedulerComponent(layout: Layout, config: ClusterConfig, index: number): Component {
  const count = controlPlanes(config);
  const flags = ["--kubeconfig", join(layout.run, "scheduler.kubeconfig"), "--leader-elect", String(count > 1)];
  return { name: numbered("scheduler", index, count), where: "", args: ["scheduler", ...flags] };
}

/** What runs a node's containers where that is a containerd. */
function containerdComponent(layout: Layout, config: ClusterConfig, node: NodeConfig): Component {
  return {
    name: `${node.name}-containerd`,
    where: containerdOf(layout, config, node).socket,
    node,
    args: [],
    program: containerdOf(layout, config, node),
  };
}

function containerdOf(layout: Layout, config: ClusterConfig, node: NodeConfig): ContainerdProcess {
  return containerdProcess({
    rootDir: layout.nodeDir(node.name),
    rootless: config.rootless,
    log: componentLog("supervisor"),
  });
}

function nodeComponent(layout: Layout, config: ClusterConfig, node: NodeConfig): Component {
  const containerd = config.runtime === "containerd" ? containerdOf(layout, config, node) : undefined;
  const sockets = range(controlPlanes(config)).map((index) => layout.apiSocket(index));
  return {
    name: node.name,
    where: node.address,
    node,
    args: [
      "node",
      ...["--hostname-override", node.name, "--node-ip", node.address],
      ...["--kubeconfig", join(layout.run, `${node.name}.kubeconfig`)],
      ...["--proxy-kubeconfig", join(layout.run, "proxy.kubeconfig")],
      ...["--provisioner-kubeconfig", join(layout.run, "provisioner.kubeconfig")],
      // Plain processes have the host's resolv.conf, which nobody may change.
      ...(ownNetworks(config)
        ? ["--dns-kubeconfig", join(layout.run, "dns.kubeconfig"), "--cluster-dns", dnsServiceAddress]
        : []),
      ...["--root-dir", layout.nodeDir(node.name)],
      // The image is this machine's root: without this, a pod could read the administrator's keys, of this cluster and of others.
      ...["--mask", layout.root, clustersHome(), ...(layout.sockets === layout.run ? [] : [layout.sockets])],
      ...(containerd === undefined
        ? ["--runtime", config.runtime]
        : ["--container-runtime-endpoint", `unix://${containerd.socket}`]),
      ...["--address", node.address, "--port", String(node.kubeletPort)],
      ...["--unix-socket", layout.kubeletSocket(node.name), "--apiserver-socket", ...sockets],
      ...(ownNetworks(config) ? ["--apiserver-address", `${nodeApiAddress}:${nodeApiPort}`] : []),
      ...["--tls-cert-file", certificateFile(layout, pkiNames.kubelet(node.name))],
      ...["--tls-private-key-file", keyFile(layout, pkiNames.kubelet(node.name))],
      ...["--client-ca-file", certificateFile(layout, pkiNames.ca)],
      ...["--cluster-cidr", podCIDR, "--service-cluster-ip-range", serviceCIDR(config)],
    ],
  };
}

/** Inside, at the edge's own address; for this machine, at ports of 127.0.0.1. */
function ingressComponent(layout: Layout, config: ClusterConfig, ingress: IngressConfig): Component {
  const sockets = range(controlPlanes(config)).map((index) => layout.apiSocket(index));
  const [hostHttp, hostHttps] = [`127.0.0.1:${ingress.httpPort}`, `127.0.0.1:${ingress.httpsPort}`];
  return {
    name: edgeComponent,
    where: `http://${hostHttp} https://${hostHttps}`,
    args: [
      "ingress",
      ...["--kubeconfig", join(layout.run, "ingress.kubeconfig"), "--apiserver-socket", ...sockets],
      ...["--client-ca-file", certificateFile(layout, pkiNames.ca)],
      ...["--host-http", hostHttp, "--host-https", hostHttps],
      ...(ownNetworks(config)
        ? [
            ...["--apiserver-address", `${nodeApiAddress}:${nodeApiPort}`, "--load-balancer-cidr", loadBalancerCIDR],
            // Also the sign that the addresses of this loopback network are taken.
            ...["--host-http", `${ingress.loopback}.0.3:${ingress.httpPort}`, "--host-loopback", ingress.loopback],
            ...["--http", `${edgeAddress}:80`, "--https", `${edgeAddress}:443`, "--status-address", edgeAddress],
          ]
        : []),
    ],
  };
}

/** 1 … count. */
function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

/** Every process of the cluster, in the order in which they depend on each other. */
export function componentsOf(layout: Layout, config: ClusterConfig): Component[] {
  const planes = range(controlPlanes(config));
  return [
    ...config.members.map((member) => memberComponent(layout, config, member)),
    ...planes.map((index) => apiServerComponent(layout, config, index)),
    ...(planes.length > 1 ? [balancerComponent(layout, config)] : []),
    ...planes.map((index) => controllerManagerComponent(layout, config, index)),
    ...planes.map((index) => schedulerComponent(layout, config, index)),
    ...(config.runtime === "containerd" ? config.nodes.map((node) => containerdComponent(layout, config, node)) : []),
    ...config.nodes.map((node) => nodeComponent(layout, config, node)),
    ...(config.ingress === undefined ? [] : [ingressComponent(layout, config, config.ingress)]),
  ];
}
