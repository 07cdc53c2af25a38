import { rmSync } from "node:fs";
import type { handleUnaryCall, ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";
import type { Clock } from "../../../../base/mod.ts";
import { type Method, runtimepb, type Service, Status } from "../../../../proto/mod.ts";
import type { ContainerStreams } from "../container-streams.ts";
import { CriError, type ImageService, type RuntimeService } from "../cri.ts";
import { fromWireMap, fromWireResources, type Wire } from "./convert-common.ts";
import { fromWireConfig, toWireContainer, toWireEvent, toWireStatus } from "./convert-container.ts";
import { fromWirePodConfig, toWirePod, toWirePodStatus } from "./convert-pod.ts";
import { toWireFilesystem, toWireImage, toWirePodStats, toWireStats } from "./convert-stats.ts";
import { StreamServer } from "./stream-server.ts";

type Unary<S extends Service> = {
  readonly [K in keyof S["methods"]]: S["methods"][K] extends Method<infer Request, infer Response, "unary">
    ? (request: Request) => Promise<Parameters<S["methods"][K]["response"]["encode"]>[0] & Partial<Response>>
    : never;
};

/** Calls of the wire on an engine of this process. */
function runtimeHandlers(engine: RuntimeService, sessions: StreamServer, clock: Clock) {
  const labels = (filter: { labelSelector: readonly { key: string; value: string }[] } | undefined) => ({
    labels: fromWireMap(filter?.labelSelector ?? []),
  });
  const containers = (filter: Wire<"ContainerStatsFilter"> | undefined) => ({
    ...labels(filter),
    ...(filter === undefined || filter.id === "" ? {} : { id: filter.id }),
    ...(filter === undefined || filter.podSandboxId === "" ? {} : { podSandboxId: filter.podSandboxId }),
  });
  return {
    version: () => engine.version(),
    status: async () => ({ status: await engine.status() }),
    runtimeConfig: async () => {
      const { cgroupDriver } = await engine.runtimeConfig();
      return { linux: { cgroupDriver: runtimepb.CgroupDriver[cgroupDriver] } };
    },
    updateRuntimeConfig: async ({ runtimeConfig }) => {
      await engine.updateRuntimeConfig({ podCidr: runtimeConfig?.networkConfig?.podCidr ?? "" });
      return {};
    },
    runPodSandbox: ({ config }) => engine.runPodSandbox(fromWirePodConfig(config)),
    stopPodSandbox: async ({ podSandboxId }) => {
      await engine.stopPodSandbox(podSandboxId);
      return {};
    },
    removePodSandbox: async ({ podSandboxId }) => {
      await engine.removePodSandbox(podSandboxId);
      return {};
    },
    podSandboxStatus: async ({ podSandboxId }) => ({
      status: toWirePodStatus(await engine.podSandboxStatus(podSandboxId)),
    }),
    listPodSandbox: async ({ filter }) => {
      const all = (await engine.listPodSandbox(labels(filter))).map(toWirePod);
      const wanted = (one: Wire<"PodSandbox">) =>
        (!filter?.id || one.id === filter.id) && (filter?.state === undefined || one.state === filter.state.state);
      return { items: all.filter(wanted) };
    },
    createContainer: ({ podSandboxId, config, sandboxConfig }) =>
      engine.createContainer(podSandboxId, fromWireConfig(config), fromWirePodConfig(sandboxConfig)),
    startContainer: async ({ containerId }) => {
      await engine.startContainer(containerId);
      return {};
    },
    stopContainer: async ({ containerId, timeout }) => {
      await engine.stopContainer(containerId, timeout);
      return {};
    },
    removeContainer: async ({ containerId }) => {
      await engine.removeContainer(containerId);
      return {};
    },
    listContainers: async ({ filter }) => {
      const all = (await engine.listContainers(containers(filter))).map(toWireContainer);
      return { containers: all.filter(({ state }) => filter?.state === undefined || state === filter.state.state) };
    },
    containerStatus: async ({ containerId }) => ({ status: toWireStatus(await engine.containerStatus(containerId)) }),
    updateContainerResources: async ({ containerId, linux }) => {
      await engine.updateContainerResources(containerId, fromWireResources(linux));
      return {};
    },
    reopenContainerLog: async ({ containerId }) => {
      await engine.reopenContainerLog(containerId);
      return {};
    },
    execSync: ({ containerId, cmd, timeout }) => engine.execSync(containerId, cmd, timeout),
    exec: async (request) => {
      await needRunning(engine, request.containerId);
      return sessions.exec(request);
    },
    attach: async (request) => {
      await needRunning(engine, request.containerId);
      return sessions.attach(request);
    },
    portForward: async ({ podSandboxId }) => {
      await engine.podSandboxStatus(podSandboxId);
      return sessions.portForward(podSandboxId);
    },
    containerStats: async ({ containerId }) => ({
      stats: toWireStats(await engine.containerStats(containerId), clock.now()),
    }),
    listContainerStats: async ({ filter }) => ({
      stats: (await engine.listContainerStats(containers(filter))).map((one) => toWireStats(one, clock.now())),
    }),
    podSandboxStats: async ({ podSandboxId }) => ({
      stats: toWirePodStats(await engine.podSandboxStats(podSandboxId), clock.now()),
    }),
    listPodSandboxStats: async ({ filter }) => ({
      stats: (await engine.listPodSandboxStats(labels(filter))).map((one) => toWirePodStats(one, clock.now())),
    }),
  } satisfies Omit<Unary<typeof runtimepb.RuntimeService>, "getContainerEvents">;
}

function imageHandlers(engine: ImageService, clock: Clock) {
  return {
    listImages: async () => ({ images: (await engine.listImages()).map(toWireImage) }),
    imageStatus: async ({ image }) => {
      const found = await engine.imageStatus(image?.image ?? "");
      return { image: found && toWireImage(found) };
    },
    pullImage: ({ image, auth }) => engine.pullImage(image?.image ?? "", auth),
    removeImage: async ({ image }) => {
      await engine.removeImage(image?.image ?? "");
      return {};
    },
    imageFsInfo: async () => ({ imageFilesystems: [toWireFilesystem(await engine.imageFsInfo(), clock.now())] }),
  } satisfies Unary<typeof runtimepb.ImageService>;
}

/** Serves an engine of this process on a unix socket, as containerd serves itself. `stop()` leaves the engine's containers alone. */
export async function serveCri(
  engine: RuntimeService & ImageService & { readonly streams: ContainerStreams },
  socketPath: string,
  clock: Clock,
): Promise<{ stop(): Promise<void> }> {
  const { Server, ServerCredentials } = await import("@grpc/grpc-js");
  const server = new Server({ "grpc.max_receive_message_length": 16 << 20 });
  const stopping = new AbortController();
  const streams: UntypedServiceImplementation = {
    getContainerEvents: async (call: {
      write(value: unknown): boolean;
      end(): void;
      emit(name: "error", error: unknown): boolean;
      on(name: "cancelled", listener: () => void): unknown;
    }) => {
      const gone = new AbortController();
      call.on("cancelled", () => gone.abort());
      try {
        const signal = AbortSignal.any([gone.signal, stopping.signal]);
        for await (const event of engine.getContainerEvents(signal)) call.write(toWireEvent(event));
        call.end();
      } catch (error) {
        call.emit("error", toGrpcError(error));
      }
    },
  };
  const sessions = new StreamServer(engine.streams, clock);
  add(server, runtimepb.RuntimeService, runtimeHandlers(engine, sessions, clock), streams);
  add(server, runtimepb.ImageService, imageHandlers(engine, clock), {});
  rmSync(socketPath, { force: true });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.bindAsync(`unix:${socketPath}`, ServerCredentials.createInsecure(), (error) =>
    error === null ? resolve() : reject(error),
  );
  await promise;
  return {
    async stop() {
      stopping.abort();
      await sessions.stop();
      server.forceShutdown();
      rmSync(socketPath, { force: true });
    },
  };
}

/** Refuses a session before anybody gets a URL for it. */
async function needRunning(engine: RuntimeService, containerId: string): Promise<void> {
  const { state } = await engine.containerStatus(containerId);
  if (state !== "CONTAINER_RUNNING") throw new CriError("Unknown", `container is in ${state} state`);
}

type Handler = (request: never) => Promise<unknown>;

function add(
  server: { addService(definition: ServiceDefinition, handlers: UntypedServiceImplementation): void },
  service: Service,
  unary: Readonly<Record<string, Handler>>,
  streams: UntypedServiceImplementation,
): void {
  const definition: Record<string, ServiceDefinition[string]> = {};
  const handlers: UntypedServiceImplementation = { ...streams };
  for (const [name, method] of Object.entries(service.methods)) {
    definition[name] = {
      path: method.path,
      requestStream: false,
      responseStream: method.kind === "serverStream",
      requestSerialize: (value: unknown) => Buffer.from(method.request.encode(value as never)),
      requestDeserialize: (bytes: Buffer) => method.request.decode(bytes),
      responseSerialize: (value: unknown) => Buffer.from(method.response.encode(value as never)),
      responseDeserialize: (bytes: Buffer) => method.response.decode(bytes),
    };
    const handler = unary[name];
    if (handler === undefined) continue;
    const answer: handleUnaryCall<unknown, unknown> = (call, done) => {
      handler(call.request as never).then(
        (value) => done(null, value),
        (error) => done(toGrpcError(error)),
      );
    };
    handlers[name] = answer;
  }
  server.addService(definition, handlers);
}

function toGrpcError(error: unknown): { code: Status; details: string } {
  const code = error instanceof CriError ? Status[error.code] : Status.Unknown;
  return { code, details: (error as Error).message };
}
