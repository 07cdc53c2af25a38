import { mkdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { Clock, Log } from "../../base/mod.ts";
import { systemClock } from "../../controlplane/client/mod.ts";
import type { RegistryConfig } from "./images/registry/registry-config.ts";
import { imagesDirOf, runtimeDirOf } from "./root-dir.ts";
import { type DriverChoice, openEmbeddedRuntime } from "./runtime/embedded/open.ts";
import { serveCri } from "./runtime/grpc/cri-server.ts";

export interface StartCriOptions {
  /** As a kubelet's root directory: destroyNode removes all that is below it. */
  readonly rootDir: string;
  /** Path of the unix socket. */
  readonly socket: string;
  readonly runtime: DriverChoice;
  /** Addresses of pods; undefined: the kubelet tells. */
  readonly podCIDR?: string;
  readonly registries?: RegistryConfig;
  readonly maskedPaths?: readonly string[];
  readonly log: Log;
  readonly clock?: Clock;
}

/** Runs the embedded container engine by itself, for a kubelet or crictl on a CRI socket. `stop()` leaves containers running. */
export async function startCri(
  options: StartCriOptions,
): Promise<{ readonly limitations: readonly string[]; stop(): Promise<void> }> {
  const { rootDir, log, clock = systemClock } = options;
  const root = resolve(rootDir);
  mkdirSync(root, { recursive: true, mode: 0o755 });
  const { runtime, limitations } = await openEmbeddedRuntime({
    stateDir: runtimeDirOf(root),
    imagesDir: imagesDirOf(root),
    registries: options.registries,
    driver: options.runtime,
    maskedPaths: [root, ...(options.maskedPaths ?? [])],
    clock,
    log,
  });
  if (options.podCIDR !== undefined) await runtime.updateRuntimeConfig({ podCidr: options.podCIDR });
  mkdirSync(dirname(resolve(options.socket)), { recursive: true });
  const server = await serveCri(runtime, resolve(options.socket), clock);
  return {
    limitations,
    async stop() {
      await server.stop();
      runtime.close();
    },
  };
}
