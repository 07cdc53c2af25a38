import { readRegistryConfig, startCri } from "../dataplane/kubelet/mod.ts";
import { runComponent } from "./component.ts";
import { oneOf, parser } from "./flags.ts";

interface CriFlags {
  socket: string;
  rootDir: string;
  runtime: "auto" | "namespaces" | "process";
  podCidr?: string;
  registryConfig?: string;
  insecureRegistry: string[];
}

/** `flotilla cri`: the nodes' container engine by itself, on a CRI socket, in the network namespace it is started in. */
export async function main(args: string[]): Promise<void> {
  const flags = parser("cri", "Runs the nodes' container engine by itself, for a kubelet or crictl.")
    .requiredOption("--socket <path>", "where it listens")
    .requiredOption("--root-dir <dir>", "where everything of it is kept")
    .option("--runtime <runtime>", "auto, namespaces or process", oneOf("auto", "namespaces", "process"), "auto")
    .option("--pod-cidr <cidr>", "addresses of pods, until a kubelet says otherwise")
    .option("--registry-config <file>", "mirrors and insecure registries")
    .option("--insecure-registry <host...>", "registries to reach without TLS, or without checking it", [])
    .allowExcessArguments(false)
    .parse(args, { from: "user" })
    .opts<CriFlags>();
  await runComponent("cri", (log) =>
    startCri({
      rootDir: flags.rootDir,
      socket: flags.socket,
      runtime: flags.runtime,
      podCIDR: flags.podCidr,
      registries: readRegistryConfig(flags.registryConfig, flags.insecureRegistry),
      log,
    }),
  );
}

if (import.meta.main) await main(process.argv.slice(2));
