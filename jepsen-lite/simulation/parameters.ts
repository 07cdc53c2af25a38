import { workloads } from "../workloads/mod.ts";
import type { Chance } from "./chance.ts";
import type { DiskParameters } from "./disk.ts";
import type { HomeParameters } from "./home.ts";
import type { NetworkParameters } from "./network.ts";

const workloadNames = Object.values(workloads)
  .filter(({ isImpossible }) => isImpossible !== true)
  .map(({ name }) => name);

export const faultNames = [
  "kill",
  "kill-all",
  "power-loss",
  "pause",
  "isolate",
  "halves",
  "bridge",
  "one-way",
  "client-cut",
  "impair",
  "slow-disk",
  "slow-process",
  "sync-error",
  "database-error",
  "disk-full",
  "read-error",
  "bit-flip",
  "misdirect",
  "lose-database",
  "clock-drift",
  "clock-step",
  "clock-freeze",
  "compact",
  "defragment",
  "transfer",
  "membership",
  "replace",
] as const;
export type FaultName = (typeof faultNames)[number];

/** How a member is set up: what of that is drawn. */
export interface StoreParameters {
  readonly heartbeatMs: number;
  readonly electionMs: number;
  readonly snapshotCount: number;
  readonly catchupEntries: number;
  readonly segmentBytes: number;
  readonly batchIntervalMs: number;
  readonly compactionBatch: number;
  readonly preVote: boolean;
  readonly autoPromote: boolean;
  readonly leaseCheckpoints: boolean;
  readonly progressIntervalMs: number;
}

/** Everything that a seed decides before the run begins. */
export interface Parameters {
  readonly members: number;
  readonly clients: number;
  /** By name. */
  readonly workload: string;
  readonly keys: number;
  /** Between two operations of one client. */
  readonly thinkMeanUs: number;
  readonly store: StoreParameters;
  readonly network: NetworkParameters;
  readonly disk: DiskParameters;
  readonly home: HomeParameters;
  /** How often each fault comes, relative to the others; those that are missing never do. */
  readonly faults: ReadonlyMap<FaultName, number>;
  readonly faultMeanUs: number;
  readonly faultDurationUs: number;
  /** In the end everything is mended; or no more than a majority needs, and the others stay broken. */
  readonly ending: "whole" | "core";
}

/**
 * Swarm testing (Groce and others, 2012): each run leaves out most of what could go wrong and overdoes the rest, so that combinations
 * come up that an average of everything would hide.
 */
export function drawParameters(chance: Chance): Parameters {
  const one = <T>(...choices: readonly T[]): T => chance.pick(choices);
  const rarely = (value: number, percent = 30) => (chance.percent(percent) ? value : 0);
  const heartbeatMs = one(50, 100, 100, 200);
  const isCalm = chance.percent(10);
  return {
    members: one(1, 3, 3, 3, 3, 5, 5, 2, 4),
    clients: chance.between(2, 6),
    workload: chance.pick(workloadNames),
    keys: chance.between(1, 6),
    thinkMeanUs: one(50_000, 100_000, 200_000, 400_000),
    store: {
      heartbeatMs,
      electionMs: heartbeatMs * one(5, 10, 10, 15),
      snapshotCount: one(20, 50, 200, 10_000),
      catchupEntries: one(0, 5, 20, 200),
      segmentBytes: one(8_192, 16_384, 65_536),
      batchIntervalMs: one(50, 100, 500, 1000, 5000),
      compactionBatch: one(1, 10, 1000),
      preVote: !chance.percent(15),
      autoPromote: chance.percent(50),
      leaseCheckpoints: !chance.percent(30),
      progressIntervalMs: one(500, 2000, 600_000),
    },
    network: {
      leastDelayUs: one(50, 200, 1000, 10_000),
      meanDelayUs: one(50, 500, 2000, 20_000),
      lossPercent: rarely(chance.between(1, 20)),
      doubledPercent: rarely(chance.between(1, 50)),
      clogPerMillion: rarely(chance.between(1, 5000)),
      clogMeanUs: chance.between(10_000, 3_000_000),
      inOrder: chance.percent(50),
    },
    disk: {
      writeMeanUs: one(100, 500, 2000, 10_000),
      otherMeanUs: one(20, 200),
      stallPerMillion: rarely(chance.between(100, 5000)),
      stallFactor: one(10, 100, 1000),
      tornPercent: one(0, 20, 50, 80, 100),
    },
    home: { batchMeanUs: one(500, 5000, 50_000), scanMeanUs: one(50, 500) },
    faults: isCalm ? new Map() : drawFaults(chance),
    faultMeanUs: one(500_000, 1_000_000, 2_000_000, 5_000_000),
    faultDurationUs: one(200_000, 1_000_000, 3_000_000, 8_000_000),
    ending: one("whole", "core"),
  };
}

function drawFaults(chance: Chance): Map<FaultName, number> {
  const share = chance.pick([10, 25, 50, 100]);
  const drawn = new Map<FaultName, number>();
  for (const name of faultNames) if (chance.percent(share)) drawn.set(name, chance.between(1, 100));
  return drawn;
}

/** In one line, for people. */
export function describeParameters(parameters: Parameters): string {
  const { members, clients, workload, keys, faults } = parameters;
  const names = [...faults].map(([name, weight]) => `${name}:${weight}`).join(" ") || "none";
  const rest = JSON.stringify({
    keys,
    think: parameters.thinkMeanUs,
    ...parameters.store,
    network: parameters.network,
    disk: parameters.disk,
    home: parameters.home,
    faultMeanUs: parameters.faultMeanUs,
    faultDurationUs: parameters.faultDurationUs,
    ending: parameters.ending,
  });
  return `${members} members, ${clients} clients, ${workload}; faults ${names}; ${rest.replaceAll('"', "")}`;
}
