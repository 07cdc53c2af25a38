import { join } from "node:path";
import { type Machine, startMachine } from "../../dataplane/kubelet/mod.ts";
import type { ClusterConfig } from "./config.ts";
import type { Layout } from "./layout.ts";
import { endProcesses, forget, liveProcess, recordOf, writeRecord } from "./processes.ts";

function recordFile(layout: Layout): string {
  return join(layout.run, "machine.pid");
}

/** The user namespace and all that goes with it, for a cluster of an ordinary user. One that is left over is ended first. */
export async function openMachine(layout: Layout, config: ClusterConfig): Promise<Machine> {
  await endMachine(layout);
  // Namespaces have their names in /run; containerd and network plug-ins keep files there and in /var/lib, whatever their configuration says, and crun
  // refuses to run among control groups of both versions.
  const own = config.runtime === "containerd" ? ["/run", "/var/lib", "/sys/fs/cgroup"] : ["/run"];
  const machine = await startMachine({ own, keep: [layout.root, layout.sockets] });
  writeRecord(recordFile(layout), recordOf(machine.pid));
  return machine;
}

/** Everything in it ends at once, and its mounts and networks are gone. Idempotent. */
export async function endMachine(layout: Layout): Promise<void> {
  const first = liveProcess(recordFile(layout));
  if (first !== undefined) await endProcesses([first], 0);
  forget(recordFile(layout));
}
