import { join } from "node:path";
import { type Machine, startMachine } from "../../dataplane/kubelet/mod.ts";
import type { Layout } from "./layout.ts";
import { endProcesses, forget, liveProcess, recordOf, writeRecord } from "./processes.ts";

function recordFile(layout: Layout): string {
  return join(layout.run, "machine.pid");
}

/** The user namespace and all that goes with it, for a cluster of an ordinary user. One that is left over is ended first. */
export async function openMachine(layout: Layout): Promise<Machine> {
  await endMachine(layout);
  const machine = await startMachine({ keep: [layout.root, layout.sockets] });
  writeRecord(recordFile(layout), recordOf(machine.pid));
  return machine;
}

/** Everything in it ends at once, and its mounts and networks are gone. Idempotent. */
export async function endMachine(layout: Layout): Promise<void> {
  const first = liveProcess(recordFile(layout));
  if (first !== undefined) await endProcesses([first], 0);
  forget(recordFile(layout));
}
