import type { Clock, Random } from "../../base/mod.ts";
import type { EtcdClient } from "../../kvstore/client/mod.ts";
import type { KeyValue } from "../../proto/mod.ts";
import type { Verdict } from "../checkers/mod.ts";
import type { History, Recorder } from "../history/mod.ts";

/** One test, whole: what clients do and who judges what they saw. It runs wherever its clients reach a store, in virtual time or in ours. */
export interface WorkloadDefinition {
  readonly name: string;
  /** What its clients do, in half a sentence. */
  readonly summary: string;
  /** What is compacted, and when, has to stand in its history: only its own clients do it, and nobody who breaks things. */
  readonly compacts?: true;
  /** What it asks for no store can promise: found valid, it found too little. */
  readonly isImpossible?: true;
  start(context: WorkloadContext): Workload;
  judge(history: History, config: WorkloadConfig): readonly Verdict[];
}

/** What a run's manifest says of it: what judging has to know of the world in which it ran. */
export interface WorkloadConfig {
  /** By how much leases may end before their time: how far members' clocks run fast while one lasts. Default 0. */
  readonly leaseEarlyMs?: unknown;
  /** By how much they may end late. Default: it is not judged. */
  readonly leaseLateMs?: unknown;
  readonly [other: string]: unknown;
}

/** What the clients of a run do, and ask at its end. */
export interface Workload {
  /** One operation: recorded, and over when the promise resolves. Never rejects because of what the store answers. */
  step(client: WorkloadClient): Promise<void>;
  /** After all faults are over, once per client. */
  finish?(client: WorkloadClient): Promise<void>;
}

/** One client of a run. */
export interface WorkloadClient {
  /** Counted from 0. */
  readonly number: number;
  readonly etcd: EtcdClient;
  readonly clock: Clock;
  readonly chance: Chance;
}

export interface WorkloadContext {
  readonly recorder: Recorder;
  readonly clients: number;
  /** Over how many keys clients spread what they do. */
  readonly keys: number;
  /** A number that no other operation of the run gets: 1, 2, … */
  unique(): number;
  /** Time costs nothing here: what takes long to show may be waited for. */
  readonly isVirtual?: true;
  /** All keys, as each member has them. Nobody, where nobody can be asked. */
  dump(): readonly Dump[] | Promise<readonly Dump[]>;
}

export interface Dump {
  /** The member's. */
  readonly name: string;
  readonly revision: number;
  readonly kvs: readonly KeyValue[];
}

/** What a client draws from. */
export interface Chance extends Random {
  /** From `least` to `most`, both included. */
  between(least: number, most: number): number;
  /** True so often of a hundred times. */
  percent(times: number): boolean;
  pick<T>(choices: readonly T[]): T;
  /** Whole numbers, spread exponentially around the mean. */
  exponential(mean: number): number;
}
