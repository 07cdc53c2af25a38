import { resolve } from "node:path";
import { type Clock, Failure, type Log } from "../../../../base/mod.ts";
import { noRegistryConfig, type RegistryConfig } from "../../images/registry/registry-config.ts";
import { cgroupNameOf } from "./cgroup-name.ts";
import { noCgroups, openCgroups } from "./cgroups.ts";
import type { Driver } from "./driver.ts";
import { EmbeddedRuntime, exitsDirOf } from "./embedded-runtime.ts";
import { keepBases, readHierarchies } from "./hierarchies.ts";
import { NamespacesDriver, whyNoNamespaces } from "./namespaces-driver.ts";
import { ProcessDriver } from "./process-driver.ts";

/** `auto` takes the best driver that works here; the others insist. */
export type DriverChoice = "auto" | "namespaces" | "process";

export interface OpenRuntimeOptions {
  readonly stateDir: string;
  readonly imagesDir: string;
  readonly registries?: RegistryConfig;
  readonly driver: DriverChoice;
  /** Directories of the host that no container may see. */
  readonly maskedPaths: readonly string[];
  /** File of the node's network namespace; undefined: the one this process is in. */
  readonly nodeNamespace?: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** See MemoryWatch. */
const watchedMemory = "memory limits are watched, not enforced by the kernel";

/** Opens the embedded engine with a driver chosen by trying. `limitations`: what containers will not get, in sentences. */
export async function openEmbeddedRuntime(
  options: OpenRuntimeOptions,
): Promise<{ readonly runtime: EmbeddedRuntime; readonly limitations: readonly string[] }> {
  const stateDir = resolve(options.stateDir);
  const { clock, log } = options;
  const driver = await chooseDriver({ ...options, stateDir });
  const { cgroups, warning } = driver.limits ? openNodeCgroups(stateDir) : { cgroups: noCgroups(), warning: undefined };
  const limitations = [...driver.limitations, ...(warning === undefined ? [] : [watchedMemory, warning])];
  log("info", "container runtime", { driver: driver.name, cgroups: cgroups.version });
  for (const limitation of limitations) log("warn", "container runtime limitation", { limitation });
  const runtime = await EmbeddedRuntime.open({
    stateDir,
    imagesDir: resolve(options.imagesDir),
    registries: options.registries ?? noRegistryConfig,
    driver,
    cgroups,
    clock,
    log,
  });
  return { runtime, limitations };
}

function openNodeCgroups(stateDir: string) {
  const hierarchies = readHierarchies();
  keepBases(stateDir, hierarchies);
  return openCgroups(cgroupNameOf(stateDir), hierarchies);
}

async function chooseDriver(options: OpenRuntimeOptions): Promise<Driver> {
  const { stateDir, maskedPaths, nodeNamespace, clock } = options;
  const exitsDir = exitsDirOf(stateDir);
  if (options.driver === "process") return new ProcessDriver({ stateDir, exitsDir });
  const reason = await whyNoNamespaces(nodeNamespace);
  if (reason === undefined) return new NamespacesDriver({ stateDir, exitsDir, maskedPaths, nodeNamespace, clock });
  if (options.driver === "namespaces") {
    throw new Failure(
      "NamespacesUnavailable",
      `containers in namespaces are not possible here: ${reason}`,
      "Choose the process runtime, or give the kubelet what it lacks",
    );
  }
  options.log("warn", "containers in namespaces are not possible here, falling back to plain processes", { reason });
  return new ProcessDriver({ stateDir, exitsDir });
}
