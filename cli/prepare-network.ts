import { Failure } from "../base/mod.ts";
import { readConfig } from "./cluster/config.ts";
import { layoutOf } from "./cluster/layout.ts";
import { prepareNetwork } from "./cluster/node-networks.ts";

/** `flotilla prepare-network DIR`: what the supervisor cannot do itself, because it is not root: run by it where it is. Prints name and namespace pairs. */
export async function main([root = ""]: string[]): Promise<void> {
  const config = readConfig(layoutOf("", root));
  if (config === undefined)
    throw new Failure("NoCluster", `there is no cluster in ${root}`, "Make one with `flotilla up`");
  process.stdout.write(`${JSON.stringify([...(await prepareNetwork(config))])}\n`);
}

if (import.meta.main) await main(process.argv.slice(2));
