import { type FSWatcher, mkdirSync, readdirSync, statSync, watch } from "node:fs";
import { join } from "node:path";
import type { Clock, Log, Timer } from "../../../../base/mod.ts";
import { pluginregistration as registration } from "../../../../proto/mod.ts";
import { CriTransport } from "../../runtime/grpc/transport.ts";

/** A driver that wants to serve this node. */
export interface Plugin {
  readonly name: string;
  /** `unix:///path`. */
  readonly endpoint: string;
}

export interface PluginWatcherOptions {
  /** Where drivers (or node-driver-registrar beside them) put a socket. */
  readonly dir: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Rejects when the driver cannot be used; it is told why, and tried again. */
  readonly onRegister: (plugin: Plugin) => Promise<void>;
  readonly onGone: (name: string) => Promise<void>;
}

const callTimeoutMs = 10_000;
const retryMs = [500, 1_000, 2_000, 5_000, 10_000] as const;
/** A file system that tells nothing of its changes is looked at this often. */
const lookAgainMs = 30_000;

/**
 * Registers CSI drivers by the sockets in a directory, as the original's pluginmanager does: asks each who it is, takes it into use, tells it so, and
 * forgets it when its socket goes. A socket that was replaced belongs to a driver that has started anew.
 */
export class PluginWatcher {
  readonly #options: PluginWatcherOptions;
  /** By file name: which socket it was, and what came of it. */
  readonly #known = new Map<string, { readonly inode: number; name?: string; failures: number }>();
  #watcher: FSWatcher | undefined;
  #timer: Timer | undefined;
  #turn: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: PluginWatcherOptions) {
    this.#options = options;
  }

  start(): void {
    const { dir, log } = this.#options;
    mkdirSync(dir, { recursive: true, mode: 0o750 });
    this.#watcher = watch(dir, () => this.look());
    this.#watcher.on("error", (error) => log("warn", "drivers are no longer watched", { dir, error: error.message }));
    this.look();
  }

  stop(): void {
    this.#stopped = true;
    this.#watcher?.close();
    this.#timer?.cancel();
  }

  /** Looks at what is there, once whoever looks now has ended. */
  look(): void {
    this.#turn = this.#turn.then(() => this.#look());
  }

  async #look(): Promise<void> {
    if (this.#stopped) return;
    const { clock } = this.#options;
    const sockets = socketsIn(this.#options.dir);
    let againMs = lookAgainMs;
    for (const [file, { inode, name }] of this.#known) {
      if (sockets.get(file) === inode) continue;
      this.#known.delete(file);
      if (name !== undefined && !sockets.has(file)) await this.#forget(name);
    }
    for (const [file, inode] of sockets) {
      const known = this.#known.get(file) ?? { inode, failures: 0 };
      this.#known.set(file, known);
      if (known.name !== undefined) continue;
      try {
        known.name = await this.#register(join(this.#options.dir, file));
      } catch (error) {
        againMs = Math.min(againMs, retryMs[Math.min(known.failures++, retryMs.length - 1)] as number);
        this.#options.log("warn", "a driver could not be registered", { file, error: (error as Error).message });
      }
    }
    this.#timer?.cancel();
    if (!this.#stopped) this.#timer = clock.after(againMs, () => this.look());
  }

  async #forget(name: string): Promise<void> {
    try {
      await this.#options.onGone(name);
    } catch (error) {
      this.#options.log("warn", "a driver that went could not be struck off", {
        name,
        error: (error as Error).message,
      });
    }
  }

  /** Returns the driver's name. */
  async #register(path: string): Promise<string> {
    const transport = await CriTransport.open(`unix://${path}`, this.#options.clock);
    const { getInfo, notifyRegistrationStatus } = registration.RegistrationService.methods;
    try {
      const info = await transport.call(getInfo, {}, callTimeoutMs);
      try {
        if (info.type !== "CSIPlugin") throw new Error(`plugins of type ${info.type} are not supported`);
        if (!info.supportedVersions.some((version) => /^v?1\./.test(version)))
          throw new Error(`none of the versions ${info.supportedVersions.join(", ")} is supported`);
        const endpoint = info.endpoint === "" ? path : info.endpoint.replace(/^unix:(\/\/)?/, "");
        await this.#options.onRegister({ name: info.name, endpoint: `unix://${endpoint}` });
      } catch (error) {
        const status = { pluginRegistered: false, error: (error as Error).message };
        await transport.call(notifyRegistrationStatus, status, callTimeoutMs);
        throw error;
      }
      await transport.call(notifyRegistrationStatus, { pluginRegistered: true, error: "" }, callTimeoutMs);
      return info.name;
    } finally {
      transport.close();
    }
  }
}

/** Inodes by file name. */
function socketsIn(dir: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const file of readdirSync(dir)) {
    if (file.startsWith(".")) continue;
    const stat = statSync(join(dir, file), { throwIfNoEntry: false });
    if (stat?.isSocket()) found.set(file, stat.ino);
  }
  return found;
}
