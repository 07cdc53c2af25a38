import { execFile } from "node:child_process";
import { extname, join } from "node:path";
import { promisify } from "node:util";
import type { ClusterConfig } from "./config.ts";
import type { Layout } from "./layout.ts";
import { prepareNetwork } from "./node-networks.ts";
import { openMachine } from "./user-machine.ts";

const program = join(import.meta.dirname, "..", `flotilla${extname(import.meta.filename)}`);

/** Where processes of nodes and of the edge are started: the beginning of the command line, by the node's or component's name. */
export type Places = ReadonlyMap<string, readonly string[]>;

/** Makes the places of a cluster; `onLost` is told when they are gone without having been taken away. */
export async function makePlaces(layout: Layout, config: ClusterConfig, onLost: () => void): Promise<Places> {
  if (config.rootless !== true) return entering([], await prepareNetwork(config));
  const { enter, holder } = await openMachine(layout, config);
  holder.once("exit", onLost);
  // In there this program is root, and does what root does.
  const [command = "", ...args] = [...enter, process.execPath, ...process.execArgv, program];
  const { stdout } = await promisify(execFile)(command, [...args, "prepare-network", layout.root]);
  return entering(enter, new Map(JSON.parse(stdout) as [string, string][]));
}

function entering(machine: readonly string[], namespaces: ReadonlyMap<string, string>): Places {
  return new Map([...namespaces].map(([name, file]) => [name, [...machine, "nsenter", `--net=${file}`, "--"]]));
}
