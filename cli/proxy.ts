import { hostname } from "node:os";
import { Client } from "../controlplane/client/mod.ts";
import { removeServiceRules, startProxy } from "../dataplane/proxy/mod.ts";
import { runComponent } from "./component.ts";
import { oneOf, parser, wholeNumber } from "./flags.ts";

interface ProxyFlags {
  cleanup: boolean;
  kubeconfig?: string;
  apiserverSocket?: string;
  hostnameOverride: string;
  nodeIp: string;
  clusterCidr: string;
  healthzPort: number;
  serviceClusterIpRange?: string;
  proxyMode: "auto" | "nftables" | "userspace";
}

/** `flotilla proxy`: forwards connections to Services, in the network namespace it is started in. With `--cleanup`, no longer. */
export async function main(args: string[]): Promise<void> {
  const command = parser("proxy", "Forwards connections to Services to their pods.")
    .option("--cleanup", "take away the rules that a proxy left here, and end", false)
    .option("--kubeconfig <file>", "how to reach the API server")
    .option("--apiserver-socket <path>", "reach it through this unix socket")
    .option("--hostname-override <name>", "the node's name", hostname())
    .option("--node-ip <address>", "where node ports and health checks are answered", "127.0.0.1")
    .option("--cluster-cidr <cidr>", "addresses of pods", "10.244.0.0/16")
    .option("--service-cluster-ip-range <cidr>", "addresses of Services: those that none has are dropped")
    .option(
      "--healthz-port <port>",
      "tell there whether the proxy keeps up; 0: nowhere",
      wholeNumber(0, 65_535),
      10_256,
    )
    .option("--proxy-mode <mode>", "auto, nftables or userspace", oneOf("auto", "nftables", "userspace"), "auto")
    .allowExcessArguments(false)
    .parse(args, { from: "user" });
  const flags = command.opts<ProxyFlags>();
  if (flags.cleanup) return removeServiceRules();
  const { kubeconfig } = flags;
  if (kubeconfig === undefined) return command.error("required option '--kubeconfig <file>' not specified");
  await runComponent("proxy", async (log) => {
    const client = await Client.fromKubeconfig(kubeconfig, { socketPath: flags.apiserverSocket });
    const proxy = await startProxy({
      client,
      log,
      nodeName: flags.hostnameOverride,
      nodeIP: flags.nodeIp,
      clusterCIDR: flags.clusterCidr,
      serviceCIDR: flags.serviceClusterIpRange,
      healthz: flags.healthzPort === 0 ? undefined : { host: flags.nodeIp, port: flags.healthzPort },
      mode: flags.proxyMode,
      ownNetwork: flags.proxyMode !== "userspace",
    });
    return {
      async stop() {
        await proxy.stop();
        await client.close();
      },
    };
  });
}

if (import.meta.main) await main(process.argv.slice(2));
