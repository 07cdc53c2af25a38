import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Clock, Log, Random, Timer } from "../../base/mod.ts";
import { type Node, type NodeStatus, type Pod, timeAt } from "../../controlplane/api/mod.ts";
import { type Client, InformerFactory, systemClock, systemRandom } from "../../controlplane/client/mod.ts";
import { EvictionManager, pressures } from "./eviction/eviction-manager.ts";
import { type EvictionFlags, inUnits, parseThresholds, type Signal, type Threshold } from "./eviction/thresholds.ts";
import { ImageGc } from "./images/image-gc.ts";
import type { RegistryConfig } from "./images/registry/registry-config.ts";
import { Kubelet } from "./kubelet.ts";
import { rotateLogs } from "./lifecycle/log-rotation.ts";
import { HostPortTable } from "./network/host-port-table.ts";
import { availableMemoryBytes, type Machine, processCounts, readMachine } from "./node/machine.ts";
import { NodeAgent } from "./node/node-agent.ts";
import { nodeLabels, nodeStatus, type Reserved } from "./node/node-status.ts";
import { NodeRoutes, wantedRoutes } from "./node/routes.ts";
import { createProber } from "./probes/prober.ts";
import type { DriverChoice } from "./runtime/embedded/open.ts";
import { type NodeRuntime, openRuntime } from "./runtime/open-runtime.ts";
import { type Listen, type ServerOptions, startServer } from "./server/server.ts";
import { Sessions } from "./server/sessions.ts";
import { Sampler } from "./stats/sampler.ts";
import { statsPaths } from "./stats/stats-paths.ts";
import { CsiDrivers } from "./volumes/csi/csi-drivers.ts";

export interface StartKubeletOptions {
  readonly nodeName: string;
  /** Identity system:node:NAME. Closed by the caller. */
  readonly client: Client;
  /** Everything the kubelet keeps lies below; destroyNode removes it. */
  readonly rootDir: string;
  readonly nodeIP: string;
  readonly runtime: DriverChoice;
  /** `unix:///path` of a container engine to use instead of the embedded one, and of one that has the images. */
  readonly containerRuntimeEndpoint?: string;
  readonly imageServiceEndpoint?: string;
  /** Serve the embedded engine on this unix socket as well. */
  readonly criSocket?: string;
  /** Mirrors and insecure registries, for the embedded engine. */
  readonly registries?: RegistryConfig;
  /** Addresses of the cluster's DNS; none: pods get the node's resolv.conf. */
  readonly clusterDNS?: readonly string[];
  readonly clusterDomain?: string;
  /** Routed to the pods' side so that the node's own connections to Services leave at all. */
  readonly serviceCIDR?: string;
  /** Called with each pod's address before its first container starts: policies have to hold from then on. */
  readonly networkReady?: (pod: Pod, podIP: string) => Promise<void>;
  readonly listen: readonly Listen[];
  /** PEM: the server's certificate and key, the CA of clients. */
  readonly tls: { readonly cert: string | Buffer; readonly key: string | Buffer; readonly clientCa: string | Buffer };
  /** The port the API server is told, when it is not that of a TCP listener in `listen`. */
  readonly advertisedPort?: number;
  readonly maxPods?: number;
  /** Directory of manifests: their pods run whether or not there is an API server. */
  readonly podManifestPath?: string;
  /** Less than the machine has: what this node counts as its own. */
  readonly capacity?: NodeCapacity;
  /** Kept back from pods. */
  readonly reserved?: NodeCapacity;
  readonly eviction?: EvictionFlags & {
    readonly pressureTransitionPeriodMs?: number;
    readonly maxPodGraceSeconds?: number;
  };
  /** The node reports it as its kubelet's, such as v1.33.0. */
  readonly kubernetesVersion: string;
  readonly nodeLabels?: Readonly<Record<string, string>>;
  /** Directories of the host that no container may see, besides `rootDir`. */
  readonly maskedPaths?: readonly string[];
  readonly log: Log;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** CPUs, bytes. */
export interface NodeCapacity {
  readonly cpu?: number;
  readonly memory?: number;
  readonly "ephemeral-storage"?: number;
}

export interface RunningKubelet {
  /** Of the first TCP listener. */
  readonly port: number | undefined;
  /** Who runs containers: `namespaces`, `process`, or an engine's name, such as containerd. */
  readonly driver: string;
  /** What containers do not get here, in sentences. */
  readonly limitations: readonly string[];
  /** Stops the kubelet; its containers go on. */
  stop(): Promise<void>;
}

const rotateEveryMs = 10_000;
/** Of unused images. */
const collectEveryMs = 300_000;

/**
 * Starts a kubelet in the network namespace this process is in. Resolves when it listens and its runtime is open; registering the node goes on
 * in the background until the API server answers. Throws Failure when it cannot listen or the chosen runtime cannot work here.
 */
export async function startKubelet(options: StartKubeletOptions): Promise<RunningKubelet> {
  const { client, log, nodeName, nodeIP } = options;
  const clock = options.clock ?? systemClock;
  const random = options.random ?? systemRandom;
  const rootDir = resolve(options.rootDir);
  mkdirSync(rootDir, { recursive: true, mode: 0o755 });
  const engine = await openRuntime({
    rootDir,
    driver: options.runtime,
    endpoint: options.containerRuntimeEndpoint,
    imageEndpoint: options.imageServiceEndpoint,
    criSocket: options.criSocket,
    registries: options.registries,
    maskedPaths: options.maskedPaths ?? [],
    clock,
    log,
  });
  const { runtime, limitations, isolated } = engine;
  const machine = withCapacity(readMachine(rootDir), options.capacity);
  const thresholds = parseThresholds(options.eviction ?? {});
  const version = await runtime.version();

  const informers = new InformerFactory({ log, clock, random });
  const pods = informers.informer(client.pods, { fieldSelector: `spec.nodeName=${nodeName}` });
  const services = informers.informer(client.services);
  const nodes = informers.informer(client.nodes);
  let registered: Node | undefined;
  let ownStatus: NodeStatus = {};
  /** The API's labels and taints, but what this node can hold is ours to know: the API hears of it a moment after it hears of the node. */
  const ownNode = (): Node | undefined => {
    const known = nodes.lister.get(undefined, nodeName) ?? registered;
    return known && { ...known, status: { ...known.status, ...ownStatus } };
  };

  const kubelet = new Kubelet({
    client,
    clock,
    random,
    log,
    nodeName,
    nodeIP,
    rootDir,
    runtime,
    runtimeName: version.runtimeName,
    prober: createProber(runtime),
    canMount: isolated,
    memoryCapacityBytes: machine.memoryBytes,
    dns: { servers: options.clusterDNS ?? [], domain: options.clusterDomain ?? "cluster.local" },
    pods,
    services,
    node: ownNode,
    reportNode: () => agent.report(),
    hostPorts: isolated ? new HostPortTable(log) : undefined,
    networkReady: options.networkReady,
    manifestDir: options.podManifestPath,
    refuses: (pod) => evictions.refuses(pod),
  });

  const sampler = new Sampler({
    runtime,
    clock,
    log,
    rootDir,
    pods: () => kubelet.pods(),
    claims: (uid) => kubelet.volumes.claimsOf(uid),
    ownUsage,
  });
  const server = await startServerOrClose(engine, {
    listen: options.listen,
    tls: options.tls,
    clock,
    log,
    pods: () => kubelet.pods(),
    sessions: new Sessions({
      runtime,
      containers: engine.containers,
      pods: () => kubelet.pods(),
      reachable: () => [
        ...(options.serviceCIDR === undefined ? [] : [options.serviceCIDR]),
        ...nodes.lister.list().flatMap(({ spec }) => (spec.podCIDR ? [spec.podCIDR] : [])),
      ],
      clock,
      log,
    }),
    stats: statsPaths(sampler, nodeName, clock.now()),
    containerLog: (namespace, pod, container, previous) => kubelet.containerLog(namespace, pod, container, previous),
  });

  const stop = new AbortController();
  const agent: NodeAgent = new NodeAgent({
    client,
    clock,
    log,
    nodeName,
    labels: { ...nodeLabels(nodeName, machine), ...options.nodeLabels },
    annotations: nodeAnnotations(engine.name, options.listen),
    async status(previous) {
      const { conditions } = await runtime.status();
      const sick = kubelet.pleg.unhealthy();
      const pleg =
        sick === undefined
          ? []
          : [{ type: "RuntimeReady" as const, status: false, reason: "PLEGUnhealthy", message: sick }];
      ownStatus = nodeStatus({
        nodeName,
        nodeIP,
        machine,
        version,
        limitations,
        isolated,
        kubeletPort: options.advertisedPort ?? server.port ?? 10_250,
        maxPods: options.maxPods ?? 110,
        kubernetesVersion: options.kubernetesVersion,
        reserved: reservedOf(options.reserved ?? {}, thresholds, machine),
        pressures: new Set(pressures.filter((name) => evictions.under(name))),
        runtimeConditions: [...conditions, ...pleg],
        images: await runtime.listImages(),
        volumesInUse: kubelet.volumes.csi.volumesInUse(),
        systemUuid: uuidOf(rootDir),
        now: timeAt(clock.now()),
        previous: previous.conditions ?? [],
      });
      return ownStatus;
    },
    onRegistered(node) {
      registered = node;
      kubelet.nodeEvent("Normal", "RegisteredNode", `Node ${nodeName} has been registered`);
      void takePodCidr(node);
      drivers.start(node);
      // Before the node exists, a node may not even read its own pods.
      informers.start(stop.signal);
      kubelet.wakeAll();
    },
  });

  const drivers = new CsiDrivers({ client, clock, log, nodeName, rootDir, volumes: kubelet.volumes.csi });
  const images = new ImageGc({ runtime, clock, log });
  const collectImages = () =>
    images.collect().catch((error: Error) => kubelet.nodeEvent("Warning", "ImageGCFailed", error.message));
  const evictions: EvictionManager = new EvictionManager({
    clock,
    log,
    thresholds,
    transitionPeriodMs: options.eviction?.pressureTransitionPeriodMs ?? 300_000,
    maxPodGraceSeconds: options.eviction?.maxPodGraceSeconds ?? 0,
    sample: (maxAgeMs) => sampler.fresh(maxAgeMs),
    machine: () => ({
      availableMemoryBytes: availableMemoryBytes(),
      memoryCapacityBytes: machine.memoryBytes,
      ownCapacity: options.capacity?.memory !== undefined,
      pids: processCounts(),
    }),
    pods: () => kubelet.active(),
    evict: (pod, message, graceSeconds) => kubelet.evict(pod, "Evicted", message, graceSeconds),
    reclaimDisk: () => collectImages(),
    nodeEvent: (reason, message) => kubelet.nodeEvent("Warning", reason, message),
    onPressureChanged: () =>
      void agent
        .report()
        .catch((error: Error) =>
          log("warn", "could not report that the node is under pressure; trying again", { error: error.message }),
        ),
  });

  let podCidr = "";
  async function takePodCidr(node: Node): Promise<void> {
    const cidr = node.spec.podCIDR ?? "";
    if (cidr === "" || cidr === podCidr) return;
    podCidr = cidr;
    try {
      await runtime.updateRuntimeConfig({ podCidr: cidr });
    } catch (error) {
      podCidr = "";
      log("error", "the pods' addresses could not be set", { podCIDR: cidr, error: (error as Error).message });
      return;
    }
    writeFileSync(podCidrFile(rootDir), cidr);
    log("info", "pod addresses", { podCIDR: cidr });
    // The network is ready now: pods need not wait for their next turn, nor the node for its.
    kubelet.wakeAll();
    try {
      await agent.report();
      kubelet.nodeEvent("Normal", "NodeReady", `Node ${nodeName} status is now: NodeReady`);
    } catch (error) {
      log("warn", "could not report that the node is ready; trying again", { error: (error as Error).message });
    }
  }

  // Without an API server, what it said last still holds: pods must be able to start again.
  const lastCidr = readIfThere(podCidrFile(rootDir));
  if (lastCidr !== "") await runtime.updateRuntimeConfig({ podCidr: lastCidr });

  const routes = new NodeRoutes(log);
  if (isolated) await routes.prepare(options.serviceCIDR);
  let attached = "";
  const onNode = (node: Node) => {
    if (node.metadata.name === nodeName) {
      void takePodCidr(node);
      const now = JSON.stringify(node.status?.volumesAttached ?? []);
      // Pods may wait for one.
      if (now !== attached) kubelet.wakeAll();
      attached = now;
    }
    if (isolated) routes.set(wantedRoutes(nodes.lister.list(), nodeName));
  };
  nodes.addHandler({ onAdd: onNode, onUpdate: (_old, node) => onNode(node), onDelete: onNode });

  let rotation: Timer;
  const rotate = () => {
    rotation = clock.after(rotateEveryMs, rotate);
    rotateLogs(runtime, clock).catch((error: Error) =>
      log("warn", "a log could not be rotated", { error: error.message }),
    );
  };
  rotation = clock.after(rotateEveryMs, rotate);
  let collection: Timer;
  const collect = () => {
    collection = clock.after(collectEveryMs, collect);
    void collectImages();
  };
  collection = clock.after(collectEveryMs, collect);
  sampler.start();
  evictions.start();
  kubelet.start();
  kubelet.nodeEvent("Normal", "Starting", "Starting kubelet.");
  agent.start();

  return {
    port: server.port,
    driver: engine.name,
    limitations,
    async stop() {
      rotation.cancel();
      collection.cancel();
      sampler.stop();
      evictions.stop();
      agent.stop();
      drivers.stop();
      await server.stop();
      stop.abort();
      await informers.stopped();
      await kubelet.stop();
      await engine.close();
    },
  };
}

function withCapacity(machine: Machine, given: NodeCapacity = {}): Machine {
  return {
    ...machine,
    cpus: given.cpu ?? machine.cpus,
    memoryBytes: given.memory ?? machine.memoryBytes,
    diskBytes: given["ephemeral-storage"] ?? machine.diskBytes,
  };
}

/** What was asked to be kept back, and what hard eviction would take back anyway. */
function reservedOf(reserved: NodeCapacity, thresholds: readonly Threshold[], machine: Machine): Reserved {
  const defended = (signal: Signal, capacity: number) => {
    const hard = thresholds.find((one) => one.signal === signal && one.gracePeriodMs === 0);
    return hard === undefined ? 0 : inUnits(hard.below, capacity);
  };
  return {
    milliCpu: (reserved.cpu ?? 0) * 1000,
    memoryBytes: (reserved.memory ?? 0) + defended("memory.available", machine.memoryBytes),
    diskBytes: (reserved["ephemeral-storage"] ?? 0) + defended("nodefs.available", machine.diskBytes),
  };
}

function podCidrFile(rootDir: string): string {
  return join(rootDir, "pod-cidr");
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

/** Of this process. */
function ownUsage(): { cpuNanoseconds: number; rssBytes: number } {
  const { user, system } = process.cpuUsage();
  return { cpuNanoseconds: (user + system) * 1000, rssBytes: process.memoryUsage.rss() };
}

/** A kubelet that cannot listen lets go of its containers again. */
async function startServerOrClose(engine: NodeRuntime, options: ServerOptions) {
  try {
    return await startServer(options);
  } catch (error) {
    await engine.close();
    throw error;
  }
}

/** `flotilla.dev/kubelet-socket` leads API servers of this machine across network namespaces. */
function nodeAnnotations(driver: string, listen: readonly Listen[]): Record<string, string> {
  const socket = listen.find((place) => "path" in place);
  return {
    "flotilla.dev/runtime": driver,
    ...(socket === undefined ? {} : { "flotilla.dev/kubelet-socket": resolve(socket.path) }),
  };
}

/** The same for the same node, another for each of several on one machine. */
function uuidOf(rootDir: string): string {
  const hex = createHash("sha256").update(rootDir).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-");
}
