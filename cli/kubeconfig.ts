import { requireCluster } from "./cluster/control.ts";
import { contextName, defaultKubeconfig, kubeconfigFor, mergeKubeconfig } from "./cluster/kubeconfig.ts";
import { pkiNames } from "./cluster/pki-files.ts";
import { clusterParser } from "./flags.ts";
import { say } from "./output.ts";

/** `flotilla kubeconfig`: prints the administrator's kubeconfig, its path, or merges it into kubectl's own. */
export async function main(args: string[]): Promise<void> {
  const flags = clusterParser("kubeconfig", "Prints the cluster's kubeconfig.")
    .option("--path", "print where the file is instead", false)
    .option("--merge-kubeconfig", "put the context into kubectl's default kubeconfig instead", false)
    .allowExcessArguments(false)
    .parse(args, { from: "user" })
    .opts<{ name: string; dataDir?: string; path: boolean; mergeKubeconfig: boolean }>();
  const { layout, config } = requireCluster(flags.name, flags.dataDir);
  if (flags.path) return say(layout.kubeconfig);
  const kubeconfig = kubeconfigFor(layout, config, pkiNames.admin);
  if (flags.mergeKubeconfig) {
    mergeKubeconfig(defaultKubeconfig(), kubeconfig);
    return say(`context ${contextName(config.name)} is now the current one in ${defaultKubeconfig()}`);
  }
  const { stringify } = await import("yaml");
  process.stdout.write(stringify(kubeconfig));
}
