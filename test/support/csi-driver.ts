import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  status as grpcStatus,
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type UntypedHandleCall,
} from "@grpc/grpc-js";
import { seededRandom } from "../../base/mod.ts";
import { Client, InformerFactory, systemClock } from "../../controlplane/client/mod.ts";
import { runCsiDriver } from "../../controlplane/controllers/csi/run.ts";
import { csi, type Init, type Method, pluginregistration as registration } from "../../proto/mod.ts";
import { run } from "./processes.ts";

export const driverName = "disks.example.com";

export interface DriverNode {
  readonly name: string;
  /** Of its kubelet: drivers register below it. */
  readonly rootDir: string;
}

interface Disk {
  readonly dir: string;
  bytes: number;
  /** What the file system in it takes of it. */
  fileSystemBytes: number;
  attachedTo: string | undefined;
}

/**
 * A CSI driver as a vendor would write one: controller service, a node service for each node, registered with its kubelet. A disk is a directory,
 * and only bind mounts on the node it is attached to show it. It keeps to the specification's word and refuses what a real one would.
 */
export class TestCsiDriver {
  readonly #dir = mkdtempSync(join(tmpdir(), "flotilla-csi-"));
  readonly #servers: Server[] = [];
  readonly #stop = new AbortController();
  #controllers: Promise<void> = Promise.resolve();
  readonly disks = new Map<string, Disk>();
  /** `Method node-1`, in order; of the controller service without a node. */
  readonly calls: string[] = [];
  /** By method: what calls are refused with. */
  readonly failures = new Map<string, string>();

  /** The driver's own processes. Kubelets find it by themselves. */
  async start(nodes: readonly DriverNode[]): Promise<void> {
    await this.#listen(this.controllerSocket, (server) => {
      this.#serveIdentity(server);
      this.#serveController(server);
    });
    for (const node of nodes) {
      const socket = join(this.#dir, `${node.name}.sock`);
      await this.#listen(socket, (server) => {
        this.#serveIdentity(server);
        this.#serveNode(server, node.name);
      });
      await this.#listen(join(node.rootDir, "plugins_registry", "disks-reg.sock"), (server) => {
        const { getInfo, notifyRegistrationStatus } = registration.RegistrationService.methods;
        const info = { type: "CSIPlugin", name: driverName, endpoint: socket, supportedVersions: ["1.0.0"] };
        this.#serve(server, getInfo, () => info);
        this.#serve(server, notifyRegistrationStatus, ({ pluginRegistered, error }) => {
          this.calls.push(`${pluginRegistered ? "registered" : `refused (${error})`} ${node.name}`);
          return {};
        });
      });
    }
  }

  /** The programs that run beside a driver's controller service: provisioner, attacher, resizer. */
  async startControllers(kubeconfig: string): Promise<void> {
    const client = await Client.fromKubeconfig(kubeconfig);
    const [clock, random, log] = [systemClock, seededRandom(1), () => undefined];
    const context = { client, informers: new InformerFactory({ log, clock, random }), clock, random, log };
    const endpoint = `unix://${this.controllerSocket}`;
    this.#controllers = runCsiDriver(context, { name: driverName, endpoint }, this.#stop.signal).finally(() =>
      client.close(),
    );
  }

  get controllerSocket(): string {
    return join(this.#dir, "controller.sock");
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#controllers;
    for (const server of this.#servers) server.forceShutdown();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  #serveIdentity(server: Server): void {
    const { getPluginInfo, getPluginCapabilities, probe } = csi.IdentityService.methods;
    this.#serve(server, getPluginInfo, () => ({ name: driverName, vendorVersion: "1" }));
    const kinds = csi.PluginCapabilityServiceType;
    this.#serve(server, getPluginCapabilities, () => ({
      capabilities: [
        { service: { type: kinds.CONTROLLER_SERVICE } },
        { service: { type: kinds.VOLUME_ACCESSIBILITY_CONSTRAINTS } },
      ],
    }));
    this.#serve(server, probe, () => ({ ready: { value: true } }));
  }

  #serveController(server: Server): void {
    const { methods } = csi.ControllerService;
    const types = csi.ControllerServiceCapabilityRPCType;
    this.#serve(server, methods.controllerGetCapabilities, () => ({
      capabilities: [types.CREATE_DELETE_VOLUME, types.PUBLISH_UNPUBLISH_VOLUME, types.EXPAND_VOLUME].map((type) => ({
        rpc: { type },
      })),
    }));
    this.#serve(server, methods.createVolume, ({ name, capacityRange }) => {
      const bytes = capacityRange?.requiredBytes ?? 0;
      const dir = join(this.#dir, "disks", name);
      mkdirSync(dir, { recursive: true });
      if (!this.disks.has(name)) this.disks.set(name, { dir, bytes, fileSystemBytes: bytes, attachedTo: undefined });
      return { volume: { volumeId: name, capacityBytes: bytes, volumeContext: csi.toEntries({ colour: "blue" }) } };
    });
    this.#serve(server, methods.deleteVolume, ({ volumeId }) => {
      const disk = this.disks.get(volumeId);
      if (disk?.attachedTo !== undefined) throw new Error(`${volumeId} is attached to ${disk.attachedTo}`);
      if (disk !== undefined) rmSync(disk.dir, { recursive: true });
      this.disks.delete(volumeId);
      return {};
    });
    this.#serve(server, methods.controllerPublishVolume, ({ volumeId, nodeId }) => {
      const disk = this.#disk(volumeId);
      if (disk.attachedTo !== undefined && disk.attachedTo !== nodeId)
        throw new Error(`attached to ${disk.attachedTo}`);
      disk.attachedTo = nodeId;
      return { publishContext: csi.toEntries({ device: `/dev/disk/${volumeId}` }) };
    });
    this.#serve(server, methods.controllerUnpublishVolume, ({ volumeId }) => {
      const disk = this.disks.get(volumeId);
      if (disk !== undefined) disk.attachedTo = undefined;
      return {};
    });
    this.#serve(server, methods.controllerExpandVolume, ({ volumeId, capacityRange }) => {
      const disk = this.#disk(volumeId);
      disk.bytes = capacityRange?.requiredBytes ?? 0;
      return { capacityBytes: disk.bytes, nodeExpansionRequired: true };
    });
  }

  #serveNode(server: Server, node: string): void {
    const { methods } = csi.NodeService;
    const types = csi.NodeServiceCapabilityRPCType;
    this.#serve(server, methods.nodeGetInfo, () => ({
      nodeId: `id-of-${node}`,
      maxVolumesPerNode: 8,
      accessibleTopology: { segments: csi.toEntries({ "disks.example.com/rack": "r1" }) },
    }));
    this.#serve(server, methods.nodeGetCapabilities, () => ({
      capabilities: [types.STAGE_UNSTAGE_VOLUME, types.EXPAND_VOLUME].map((type) => ({ rpc: { type } })),
    }));
    this.#serve(
      server,
      methods.nodeStageVolume,
      async ({ volumeId, stagingTargetPath, publishContext, volumeContext }) => {
        const disk = this.#disk(volumeId);
        if (disk.attachedTo !== `id-of-${node}`) throw new Error(`${volumeId} is not attached to ${node}`);
        if (csi.fromEntries(publishContext).device !== `/dev/disk/${volumeId}`) throw new Error("no such device");
        if (csi.fromEntries(volumeContext).colour !== "blue") throw new Error("the volume's own context is missing");
        if (!isMounted(stagingTargetPath)) await mount("--bind", disk.dir, stagingTargetPath);
        return {};
      },
      node,
    );
    this.#serve(
      server,
      methods.nodePublishVolume,
      async ({ stagingTargetPath, targetPath, readonly }) => {
        if (!isMounted(stagingTargetPath)) throw new Error("not staged");
        mkdirSync(targetPath, { recursive: true });
        if (!isMounted(targetPath)) await mount("--bind", stagingTargetPath, targetPath);
        if (readonly) await mount("-o", "remount,bind,ro", targetPath);
        return {};
      },
      node,
    );
    const unmount = async (path: string) => {
      if (isMounted(path)) await command("umount", path);
    };
    this.#serve(
      server,
      methods.nodeUnpublishVolume,
      async ({ targetPath }) => {
        await unmount(targetPath);
        if (existsSync(targetPath)) rmdirSync(targetPath);
        return {};
      },
      node,
    );
    this.#serve(
      server,
      methods.nodeUnstageVolume,
      async ({ stagingTargetPath }) => {
        await unmount(stagingTargetPath);
        return {};
      },
      node,
    );
    this.#serve(
      server,
      methods.nodeExpandVolume,
      ({ volumeId, volumePath }) => {
        if (!isMounted(volumePath)) throw new Error("not published");
        const disk = this.#disk(volumeId);
        disk.fileSystemBytes = disk.bytes;
        return { capacityBytes: disk.bytes };
      },
      node,
    );
  }

  #disk(id: string): Disk {
    const disk = this.disks.get(id);
    if (disk === undefined) throw new Error(`there is no volume ${id}`);
    return disk;
  }

  async #listen(path: string, serve: (server: Server) => void): Promise<void> {
    const server = new Server();
    serve(server);
    mkdirSync(join(path, ".."), { recursive: true });
    rmSync(path, { force: true });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.bindAsync(`unix://${path}`, ServerCredentials.createInsecure(), (error) =>
      error === null ? resolve() : reject(error),
    );
    await promise;
    this.#servers.push(server);
  }

  #serve<A, B>(
    server: Server,
    method: Method<A, B, "unary">,
    handler: (request: A) => Init<B> | Promise<Init<B>>,
    node?: string,
  ): void {
    const handle: handleUnaryCall<A, Init<B>> = async ({ request }, done) => {
      try {
        const failure = this.failures.get(method.name);
        if (failure !== undefined) throw new Error(failure);
        const answer = await handler(request);
        if (node !== undefined) this.calls.push(`${method.name} ${node}`);
        done(null, answer);
      } catch (error) {
        done({ code: grpcStatus.INTERNAL, details: (error as Error).message });
      }
    };
    server.register(
      method.path,
      handle as UntypedHandleCall as never,
      (response: Init<B>) => Buffer.from(method.response.encode(response)),
      (bytes: Buffer) => method.request.decode(bytes),
      "unary",
    );
  }
}

function isMounted(path: string): boolean {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .some((line) => line.split(" ")[4] === path);
}

const mount = (...args: string[]) => command("mount", ...args);

async function command(program: string, ...args: string[]): Promise<void> {
  const { code, stderr } = await run(program, args);
  if (code !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr}`);
}
