import { hostname } from "node:os";
import { Client } from "../controlplane/client/mod.ts";
import { startProxy } from "../dataplane/proxy/mod.ts";
import { runComponent } from "./component.ts";
import { oneOf, parser } from "./flags.ts";

interface ProxyFlags {
  kubeconfig: string;
  apiserverSocket?: string;
  hostnameOverride: string;
  nodeIp: string;
  clusterCidr: string;
  proxyMode: "auto" | "nftables" | "userspace";
}

/** `flotilla proxy`: forwards connections to Services, in the network namespace it is started in. */
export async function main(args: string[]): Promise<void> {
  const flags = parser("proxy", "Forwards connections to Services to their pods.")
    .requiredOption("--kubeconfig <file>", "how to reach the API server")
    .option("--apiserver-socket <path>", "reach it through this unix socket")
    .option("--hostname-override <name>", "the node's name", hostname())
    .option("--node-ip <address>", "where node ports are served in userspace mode", "127.0.0.1")
    .option("--cluster-cidr <cidr>", "addresses of pods", "10.244.0.0/16")
    .option("--proxy-mode <mode>", "auto, nftables or userspace", oneOf("auto", "nftables", "userspace"), "auto")
    .allowExcessArguments(false)
    .parse(args, { from: "user" })
    .opts<ProxyFlags>();
  await runComponent("proxy", async (log) => {
    const client = await Client.fromKubeconfig(flags.kubeconfig, { socketPath: flags.apiserverSocket });
    const proxy = await startProxy({
      client,
      log,
      nodeName: flags.hostnameOverride,
      nodeIP: flags.nodeIp,
      clusterCIDR: flags.clusterCidr,
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
