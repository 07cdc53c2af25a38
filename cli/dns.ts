import { hostname } from "node:os";
import { InvalidArgumentError } from "commander";
import { Client } from "../controlplane/client/mod.ts";
import { type ListenAddress, startDns } from "../dataplane/dns/mod.ts";
import { runComponent } from "./component.ts";
import { parser } from "./flags.ts";

interface DnsFlags {
  kubeconfig: string;
  apiserverSocket?: string;
  nodeName: string;
  nodeIp: string;
  listen?: ListenAddress[];
  clusterDomain: string;
  serviceClusterIpRange: string;
  upstream: string[];
}

function listenAddress(value: string, before: ListenAddress[] = []): ListenAddress[] {
  const [, bracketed, plain, port] = /^(?:\[(.+)\]|([^:]+)):(\d{1,5})$/.exec(value) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port) > 65_535) throw new InvalidArgumentError("An address and a port: 10.0.0.1:53");
  return [...before, { host, port: Number(port) }];
}

/** `flotilla dns`: answers names of Services and pods, in the network namespace it is started in. */
export async function main(args: string[]): Promise<void> {
  const flags = parser("dns", "Answers the names of Services and pods.")
    .requiredOption("--kubeconfig <file>", "how to reach the API server")
    .option("--apiserver-socket <path>", "reach it through this unix socket")
    .option("--node-name <name>", "the node's name", hostname())
    .option("--node-ip <address>", "the address published behind Service kube-dns", "127.0.0.1")
    .option(
      "--listen <host:port>",
      "where to answer, over UDP and TCP; may be repeated (default: the node's address, port 53)",
      listenAddress,
    )
    .option("--cluster-domain <domain>", "the zone of the cluster's names", "cluster.local")
    .option("--service-cluster-ip-range <cidr>", "addresses of Services", "10.96.0.0/16")
    .option(
      "--upstream <host[:port]>",
      "a server for all other names; may be repeated",
      (value, before: string[]) => [...before, value],
      [],
    )
    .allowExcessArguments(false)
    .parse(args, { from: "user" })
    .opts<DnsFlags>();
  await runComponent("dns", async (log) => {
    const client = await Client.fromKubeconfig(flags.kubeconfig, { socketPath: flags.apiserverSocket });
    const dns = await startDns({
      client,
      log,
      nodeName: flags.nodeName,
      nodeIP: flags.nodeIp,
      listen: flags.listen ?? [{ host: flags.nodeIp, port: 53 }],
      clusterDomain: flags.clusterDomain,
      serviceCIDR: flags.serviceClusterIpRange,
      upstream: flags.upstream,
    });
    return {
      async stop() {
        await dns.stop();
        await client.close();
      },
    };
  });
}

if (import.meta.main) await main(process.argv.slice(2));
