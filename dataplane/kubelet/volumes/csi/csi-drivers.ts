import { join } from "node:path";
import type { Clock, Log } from "../../../../base/mod.ts";
import type { Node } from "../../../../controlplane/api/mod.ts";
import type { Client } from "../../../../controlplane/client/mod.ts";
import { csi } from "../../../../proto/mod.ts";
import { CsiNodeObject } from "./csi-node.ts";
import type { CsiVolumes } from "./csi-volumes.ts";
import { type Plugin, PluginWatcher } from "./plugin-watcher.ts";

export interface CsiDriversOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Log;
  readonly nodeName: string;
  readonly rootDir: string;
  readonly volumes: CsiVolumes;
}

/** The CSI drivers of this node: found by their sockets in `plugins_registry`, taken into use, told to the API. */
export class CsiDrivers {
  readonly #options: CsiDriversOptions;
  readonly #object: CsiNodeObject;
  readonly #watcher: PluginWatcher;
  #started = false;

  constructor(options: CsiDriversOptions) {
    this.#options = options;
    const { client, clock, log, nodeName, rootDir, volumes } = options;
    this.#object = new CsiNodeObject(client, nodeName);
    this.#watcher = new PluginWatcher({
      dir: join(rootDir, "plugins_registry"),
      clock,
      log,
      onRegister: (plugin) => this.#register(plugin),
      onGone: async (name) => {
        volumes.deregister(name);
        await this.#object.remove(name);
      },
    });
  }

  /** The node is registered. Called again when it was registered anew. */
  start(node: Node): void {
    const { log } = this.#options;
    this.#object
      .ensure(node)
      .catch((error: Error) => log("warn", "the node's CSINode could not be made", { error: error.message }));
    if (!this.#started) this.#watcher.start();
    this.#started = true;
  }

  stop(): void {
    this.#watcher.stop();
  }

  async #register(plugin: Plugin): Promise<void> {
    const { nodeId, maxVolumesPerNode, accessibleTopology } = await this.#options.volumes.register(plugin);
    const segments = csi.fromEntries(accessibleTopology?.segments ?? []);
    const topologyKeys = Object.keys(segments).sort();
    await this.#object.add(
      {
        name: plugin.name,
        nodeID: nodeId,
        topologyKeys,
        ...(maxVolumesPerNode > 0 ? { allocatable: { count: maxVolumesPerNode } } : {}),
      },
      segments,
    );
  }
}
