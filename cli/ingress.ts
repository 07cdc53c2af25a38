import { InvalidArgumentError } from "commander";
import { Client } from "../controlplane/client/mod.ts";
import { type Listener, startIngress } from "../dataplane/ingress/mod.ts";
import { runComponent } from "./component.ts";
import { parser } from "./flags.ts";

interface IngressFlags {
  kubeconfig: string;
  apiserverSocket?: string;
  http: Listener[];
  https: Listener[];
  statusAddress: string;
}

/** `host:port` or `[IPv6]:port`; given again, one more. */
function listener(value: string, before: Listener[] = []): Listener[] {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:]+)):(\d{1,5})$/i.exec(value);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) throw new InvalidArgumentError("host:port, such as 127.0.0.1:8080");
  return [...before, { host: (match[1] ?? match[2]) as string, port }];
}

/** `flotilla ingress`: leads HTTP requests to Services as Ingresses say, in the network namespace it is started in. */
export async function main(args: string[]): Promise<void> {
  const flags = parser("ingress", "Leads HTTP requests to Services as Ingresses say.")
    .requiredOption("--kubeconfig <file>", "how to reach the API server")
    .option("--apiserver-socket <path>", "reach it through this unix socket")
    .option("--http <host:port>", "serve HTTP here; may be given several times", listener)
    .option("--https <host:port>", "serve HTTPS here; may be given several times", listener)
    .option("--status-address <address>", "what Ingresses show as their address", "127.0.0.1")
    .allowExcessArguments(false)
    .parse(args, { from: "user" })
    .opts<IngressFlags>();
  await runComponent("ingress", async (log) => {
    const client = await Client.fromKubeconfig(flags.kubeconfig, { socketPath: flags.apiserverSocket });
    const { http = [], https = [], statusAddress } = flags;
    const ingress = await startIngress({ client, log, http, https, statusAddress });
    return {
      async stop() {
        await ingress.stop();
        await client.close();
      },
    };
  });
}

if (import.meta.main) await main(process.argv.slice(2));
