import { readFileSync } from "node:fs";
import { InvalidArgumentError } from "commander";
import { systemClock } from "../controlplane/client/mod.ts";
import { apiServerReadiness, type Listen, startBalancer } from "../dataplane/balancer/mod.ts";
import { runComponent } from "./component.ts";
import { parser } from "./flags.ts";

interface BalancerFlags {
  listen: Listen;
  target: string[];
  caFile: string;
}

function address(value: string): Listen {
  const [, host, port] = /^([\d.]+|localhost):(\d+)$/.exec(value) ?? [];
  if (host === undefined || Number(port) > 65_535) throw new InvalidArgumentError("An address such as 127.0.0.1:6443");
  return { host, port: Number(port) };
}

/** `flotilla balancer`: one address for several API servers. */
export async function main(args: string[]): Promise<void> {
  const flags = parser("balancer", "Gives several API servers one address: connections go to those that are ready.")
    .requiredOption("--listen <ip:port>", "where clients connect", address)
    .requiredOption("--target <path...>", "unix sockets of the API servers")
    .requiredOption("--ca-file <file>", "authority of their certificates")
    .allowExcessArguments(false)
    .parse(args, { from: "user" })
    .opts<BalancerFlags>();
  await runComponent("balancer", (log) =>
    startBalancer({
      listen: [flags.listen],
      targets: flags.target.map((path, index) => ({ name: `apiserver-${index + 1}`, at: { path } })),
      check: apiServerReadiness(readFileSync(flags.caFile), "kubernetes"),
      clock: systemClock,
      log,
    }),
  );
}

if (import.meta.main) await main(process.argv.slice(2));
