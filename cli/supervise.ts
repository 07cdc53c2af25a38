import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { Failure } from "../base/mod.ts";
import { componentsOf } from "./cluster/components.ts";
import { readConfig } from "./cluster/config.ts";
import { HostSockets } from "./cluster/host-sockets.ts";
import { layoutOf } from "./cluster/layout.ts";
import { releaseNetwork } from "./cluster/node-networks.ts";
import { makePlaces, type Places } from "./cluster/places.ts";
import { forget, recordOf, writeRecord } from "./cluster/processes.ts";
import { type ComponentEvent, Supervisor } from "./cluster/supervisor.ts";
import { exitCodes, failureLine } from "./component.ts";

/** What the supervisor tells the `up` that started it, over the IPC channel. */
export type SupervisorMessage =
  | { readonly kind: "event"; readonly event: ComponentEvent }
  | { readonly kind: "network ready"; readonly afterMs: number }
  | { readonly kind: "all ready" }
  | { readonly kind: "failed"; readonly why: string };

/** `flotilla supervise DIR`: the process behind a running cluster. Started by `up` and `start`, ended by SIGTERM. */
export async function main(args: string[]): Promise<void> {
  const root = args[0];
  if (root === undefined) {
    process.stderr.write("usage: flotilla supervise DIRECTORY\n");
    process.exit(exitCodes.usage);
  }
  const layout = layoutOf("", root);
  const config = readConfig(layout);
  if (config === undefined)
    throw new Failure("NoCluster", `there is no cluster in ${root}`, "Make one with `flotilla up`");

  const recordFile = join(layout.run, "supervisor.pid");
  // Programs of nodes, such as nft, are where an ordinary user need not look.
  process.env.PATH = `${process.env.PATH ?? ""}:/usr/sbin:/sbin`;
  const journal = createWriteStream(layout.logFile("supervisor"), { flags: "a", mode: 0o600 });
  const note = (text: string) => journal.write(`${new Date().toISOString()} ${text}\n`);
  // `up` may be gone at any moment; the cluster does not depend on it.
  const tell = (message: SupervisorMessage) => {
    if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
  };
  let places: Places = new Map();
  const sockets = new HostSockets();
  const supervisor = new Supervisor(componentsOf(layout, config), {
    layout,
    cluster: config.name,
    entering: ({ name, node }) => places.get(node?.name ?? name) ?? [],
    attend: (child) => sockets.serve(child),
    onEvent: (event) => {
      const { component, state, ...details } = event;
      note(`${component} ${state} ${JSON.stringify(details)}`);
      tell({ kind: "event", event });
    },
  });

  let stopping: Promise<void> | undefined;
  const prepare = async () => {
    places = await makePlaces(layout, config, () => {
      if (stopping !== undefined) return;
      note("the nodes' machine has ended; making another one");
      prepare().catch((error: Error) => note(`that failed: ${failureLine(error)}`));
    });
  };
  const stop = () => {
    stopping ??= (async () => {
      note("stopping");
      await supervisor.stop();
      sockets.close();
      await releaseNetwork(layout, config);
      forget(recordFile);
      note("stopped");
    })();
    return stopping;
  };
  const stopAndExit = async () => {
    await stop();
    process.exit(exitCodes.ok);
  };
  process.on("SIGTERM", stopAndExit);
  process.on("SIGINT", stopAndExit);
  process.on("SIGHUP", () => note("SIGHUP ignored: the cluster outlives the terminal it was started from"));
  process.on("disconnect", () => note("the command that started this cluster has ended"));

  writeRecord(recordFile, recordOf(process.pid));
  try {
    const startedAt = performance.now();
    await prepare();
    tell({ kind: "network ready", afterMs: performance.now() - startedAt });
    await supervisor.start();
    tell({ kind: "all ready" });
    note("all components are ready");
  } catch (error) {
    if (stopping !== undefined) return;
    note(`failed: ${failureLine(error)}`);
    tell({ kind: "failed", why: failureLine(error) });
    await stop();
    process.exit(exitCodes.failed);
  }
}
