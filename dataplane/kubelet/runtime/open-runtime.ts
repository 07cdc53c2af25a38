import type { Clock, Log } from "../../../base/mod.ts";
import { Failure } from "../../../base/mod.ts";
import type { RegistryConfig } from "../images/registry/registry-config.ts";
import { imagesDirOf, runtimeDirOf } from "../root-dir.ts";
import type { ContainerStreams } from "./container-streams.ts";
import type { ImageService, RuntimeService } from "./cri.ts";
import { cgroupNameOf } from "./embedded/cgroup-name.ts";
import { openCgroups } from "./embedded/cgroups.ts";
import { type DriverChoice, openEmbeddedRuntime } from "./embedded/open.ts";
import { readIdMap } from "./embedded/user-namespace.ts";

export interface OpenRuntimeOptions {
  readonly rootDir: string;
  /** Driver of the embedded engine. */
  readonly driver: DriverChoice;
  /** `unix:///path` of an engine to use instead. */
  readonly endpoint?: string;
  readonly imageEndpoint?: string;
  /** Serve the embedded engine on this unix socket as well. */
  readonly criSocket?: string;
  readonly registries?: RegistryConfig;
  readonly maskedPaths: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
}

/** What runs a node's containers. */
export interface NodeRuntime {
  readonly runtime: RuntimeService & ImageService;
  readonly containers: ContainerStreams;
  /** namespaces, process, or the engine's own name, such as containerd. */
  readonly name: string;
  /** Whether pods have a network, a file system and processes of their own. */
  readonly isolated: boolean;
  /** What containers do not get, in sentences. */
  readonly limitations: readonly string[];
  /** Lets go of the engine; containers go on. */
  close(): Promise<void>;
}

/** Opens the engine behind the endpoint, or the embedded one. Rejects with Failure when it cannot be had. */
export async function openRuntime(options: OpenRuntimeOptions): Promise<NodeRuntime> {
  return options.endpoint === undefined ? openEmbedded(options) : connect(options, options.endpoint);
}

async function openEmbedded(options: OpenRuntimeOptions): Promise<NodeRuntime> {
  const { rootDir, clock } = options;
  const { runtime, limitations } = await openEmbeddedRuntime({
    ...options,
    stateDir: runtimeDirOf(rootDir),
    imagesDir: imagesDirOf(rootDir),
    maskedPaths: [rootDir, ...options.maskedPaths],
  });
  let server: { stop(): Promise<void> } | undefined;
  if (options.criSocket !== undefined) {
    const { serveCri } = await import("./grpc/cri-server.ts");
    server = await serveCri(runtime, options.criSocket, clock);
  }
  return {
    runtime,
    containers: runtime.streams,
    name: runtime.driver.name,
    isolated: runtime.driver.ownRoots,
    limitations,
    async close() {
      await server?.stop();
      runtime.close();
    },
  };
}

/** Its containers' limits are the engine's to enforce; where it is as rootless as the node, nobody does. */
const unlimited = "rootless: memory and CPU limits are not enforced";

async function connect(options: OpenRuntimeOptions, endpoint: string): Promise<NodeRuntime> {
  if (!endpoint.startsWith("unix://")) {
    throw new Failure(
      "EndpointInvalid",
      `${JSON.stringify(endpoint)} is no endpoint`,
      "Write unix:///path/of/the/socket",
    );
  }
  const { CriRuntime } = await import("./grpc/cri-runtime.ts");
  const { UrlStreams } = await import("./grpc/url-streams.ts");
  const root = cgroupNameOf(options.rootDir);
  const { cgroups, warning } = openCgroups(root);
  try {
    const { clock, log, imageEndpoint } = options;
    const runtime = await CriRuntime.connect({ endpoint, imageEndpoint, podCgroups: { cgroups, root }, clock, log });
    const { runtimeName, runtimeVersion } = await runtime.version();
    log("info", "container runtime", { name: runtimeName, version: runtimeVersion, endpoint });
    return {
      runtime,
      containers: new UrlStreams(runtime),
      name: runtimeName,
      isolated: true,
      limitations: warning === undefined ? [] : [readIdMap().inUserNamespace ? unlimited : warning],
      close: async () => runtime.close(),
    };
  } catch (error) {
    throw new Failure(
      "RuntimeUnavailable",
      `no container engine answers at ${endpoint}: ${(error as Error).message}`,
      "Start the engine, or give another --container-runtime-endpoint",
      error,
    );
  }
}
