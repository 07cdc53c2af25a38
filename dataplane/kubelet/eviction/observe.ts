import type { NodeSample } from "../stats/node-sample.ts";
import { inUnits, type Signal, type Threshold } from "./thresholds.ts";

/** How much there is of something, and how much of it is left. */
export interface Observation {
  readonly available: number;
  readonly capacity: number;
}

export type Observations = ReadonlyMap<Signal, Observation>;

/** What the machine says beside what was measured of pods. */
export interface MachineState {
  readonly availableMemoryBytes: number;
  readonly memoryCapacityBytes: number;
  /** A node that was given less than the machine has counts what its pods use. */
  readonly ownCapacity: boolean;
  readonly pids: Observation;
}

export function observe(sample: NodeSample, machine: MachineState): Observations {
  const { fs } = sample;
  const free = machine.memoryCapacityBytes - (sample.memory.workingSetBytes ?? 0);
  const disk = { available: fs.availableBytes, capacity: fs.capacityBytes };
  const inodes = { available: fs.inodesFree, capacity: fs.inodes };
  return new Map<Signal, Observation>([
    [
      "memory.available",
      {
        available: machine.ownCapacity ? Math.min(free, machine.availableMemoryBytes) : machine.availableMemoryBytes,
        capacity: machine.memoryCapacityBytes,
      },
    ],
    ["nodefs.available", disk],
    ["nodefs.inodesFree", inodes],
    // Images lie on the same disk as everything else of the node.
    ["imagefs.available", disk],
    ["imagefs.inodesFree", inodes],
    ["pid.available", machine.pids],
  ]);
}

/** Thresholds that are met: less is left than they allow. With `reclaim`, those that are not yet left behind by as much as they ask. */
export function met(thresholds: readonly Threshold[], observed: Observations, reclaim: boolean): Threshold[] {
  return thresholds.filter(({ signal, below, minReclaim }) => {
    const found = observed.get(signal);
    // A file system that does not count inodes has none of them.
    if (found === undefined || found.capacity === 0) return false;
    const extra = reclaim && minReclaim !== undefined ? inUnits(minReclaim, found.capacity) : 0;
    return found.available < inUnits(below, found.capacity) + extra;
  });
}
