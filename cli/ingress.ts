import { readFileSync } from "node:fs";
import { InvalidArgumentError } from "commander";
import type { Log } from "../base/mod.ts";
import { Client } from "../controlplane/client/mod.ts";
import { startEdge } from "../dataplane/edge/mod.ts";
import { type Listener, startIngress } from "../dataplane/ingress/mod.ts";
import { startApiForwarder } from "./api-forwarder.ts";
import { runComponent } from "./component.ts";
import { parser } from "./flags.ts";
import { SupervisorNetwork } from "./host-network.ts";

interface Address {
  readonly host: string;
  readonly port: number;
}

interface IngressFlags {
  kubeconfig: string;
  apiserverSocket: string[];
  apiserverAddress?: string;
  clientCaFile?: string;
  http?: Address[];
  https?: Address[];
  hostHttp?: Address[];
  hostHttps?: Address[];
  hostLoopback: string;
  loadBalancerCidr?: string;
  statusAddress: string;
}

/** `host:port` or `[IPv6]:port`; given again, one more. */
function address(value: string, before: Address[] = []): Address[] {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:]+)):(\d{1,5})$/i.exec(value);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) throw new InvalidArgumentError("host:port, such as 127.0.0.1:8080");
  return [...before, { host: (match[1] ?? match[2]) as string, port }];
}

/**
 * `flotilla ingress`: leads HTTP requests to Services as Ingresses say, in the network namespace it is started in; and, with
 * `--load-balancer-cidr`, makes that namespace the edge of the cluster.
 */
export async function main(args: string[]): Promise<void> {
  const flags = parser("ingress", "Leads HTTP requests to Services as Ingresses say.")
    .requiredOption("--kubeconfig <file>", "how to reach the API server")
    .option("--apiserver-socket <path...>", "the API server's unix socket, or those of several", [])
    .option("--apiserver-address <ip:port>", "reach the sockets by this address, made one of this network namespace")
    .option("--client-ca-file <file>", "authority of the API servers' certificates, to see which of several is well")
    .option("--http <host:port>", "serve HTTP here; may be given several times", address)
    .option("--https <host:port>", "serve HTTPS here; may be given several times", address)
    .option("--host-http <host:port>", "serve HTTP here in the network of the supervisor", address)
    .option("--host-https <host:port>", "serve HTTPS here in the network of the supervisor", address)
    .option(
      "--host-loopback <x.y>",
      "beginning of the supervisor's loopback addresses that stand for the cluster's",
      "127.30",
    )
    .option("--load-balancer-cidr <cidr>", "route pods and these addresses from here, and open them to the machine")
    .option("--status-address <address>", "what Ingresses show as their address", "127.0.0.1")
    .allowExcessArguments(false)
    .parse(args, { from: "user" })
    .opts<IngressFlags>();
  await runComponent("ingress", (log) => start(flags, log));
}

async function start(flags: IngressFlags, log: Log): Promise<{ stop(): Promise<void> }> {
  const { kubeconfig, apiserverSocket: sockets, apiserverAddress, clientCaFile, statusAddress } = flags;
  const ca = clientCaFile === undefined ? Buffer.alloc(0) : readFileSync(clientCaFile);
  const api = await startApiForwarder({ sockets, address: apiserverAddress, ca }, log);
  const client = await Client.fromKubeconfig(kubeconfig, api.access);
  const supervisor = new SupervisorNetwork();
  const held = (wanted: readonly Address[] = []) =>
    Promise.all(wanted.map(({ host, port }) => supervisor.bind(host, port, true)));
  const http: Listener[] = [...(flags.http ?? []), ...(await held(flags.hostHttp))];
  const https: Listener[] = [...(flags.https ?? []), ...(await held(flags.hostHttps))];
  const { loadBalancerCidr: loadBalancerCIDR } = flags;
  const edge =
    loadBalancerCIDR === undefined
      ? undefined
      : await startEdge({ client, log, loadBalancerCIDR, host: { network: supervisor, loopback: flags.hostLoopback } });
  const ingress = await startIngress({ client, log, http, https, statusAddress });
  return {
    async stop() {
      await ingress.stop();
      await edge?.stop();
      await client.close();
      await api.stop();
    },
  };
}

if (import.meta.main) await main(process.argv.slice(2));
