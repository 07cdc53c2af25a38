import { existsSync, rmSync } from "node:fs";
import { Failure } from "../base/mod.ts";
import { type ClusterConfig, readConfig } from "./cluster/config.ts";
import { stopCluster } from "./cluster/control.ts";
import { giveUpPorts } from "./cluster/kept-ports.ts";
import { defaultKubeconfig, unmergeKubeconfig } from "./cluster/kubeconfig.ts";
import { type Layout, layoutOf } from "./cluster/layout.ts";
import { removeNodes } from "./cluster/node-networks.ts";
import { clusterParser } from "./flags.ts";
import { step } from "./output.ts";

/** A cluster whose description is damaged can still be removed: its processes and files carry its directory. */
function configOrNothing(layout: Layout): ClusterConfig | undefined {
  try {
    return readConfig(layout);
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

/** `flotilla down`: removes a cluster whatever its state. Removing what is not there is no error. */
export async function main(args: string[]): Promise<void> {
  const flags = clusterParser("down", "Removes a cluster: processes, network, mounts and files.")
    .allowExcessArguments(false)
    .parse(args, { from: "user" })
    .opts<{ name: string; dataDir?: string }>();
  const layout = layoutOf(flags.name, flags.dataDir);
  if (!existsSync(layout.root)) {
    step("done", "nothing to remove", layout.root);
    return;
  }
  const config = configOrNothing(layout);
  if (config === undefined && flags.dataDir !== undefined && !existsSync(layout.pki)) {
    throw new Failure(
      "NotAClusterDirectory",
      `${layout.root} holds no cluster`,
      "Remove it yourself if it is not needed",
    );
  }
  const startedAt = performance.now();
  await stopCluster(layout, config);
  await removeNodes(layout);
  giveUpPorts(layout);
  rmSync(layout.root, { recursive: true, force: true });
  unmergeKubeconfig(defaultKubeconfig(), config?.name ?? flags.name);
  step("done", "removed", layout.root, performance.now() - startedAt);
}
