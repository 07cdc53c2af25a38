import { type Clock, pause } from "../../../base/mod.ts";
import { type EtcdClient, EtcdError } from "../../../kvstore/client/mod.ts";
import type { KeyValue } from "../../../proto/mod.ts";
import type { Json, Recorder } from "../../history/mod.ts";
import type { Chance } from "../chance.ts";

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
  readonly keys: number;
  /** A number that no other operation of the run gets. */
  unique(): number;
  /** All keys, as each member has them. */
  dump(): readonly Dump[];
}

export interface Dump {
  readonly name: string;
  readonly revision: number;
  readonly kvs: readonly KeyValue[];
}

/** What the clients of a run do, and ask at its end. */
export interface Workload {
  /** One operation: recorded, and over when the promise resolves. Never rejects because of what the store answers. */
  step(client: WorkloadClient): Promise<void>;
  /** After all faults are over, once per client. */
  finish?(client: WorkloadClient): Promise<void>;
}

/**
 * Carries out one operation and records it. An error is told as what the client knows: `fail` only if it certainly was not, and will not
 * be, carried out.
 */
export async function perform(
  { recorder }: WorkloadContext,
  client: WorkloadClient,
  f: string,
  value: Json,
  isWrite: boolean,
  work: () => Promise<Json | "nothing">,
): Promise<boolean> {
  const done = recorder.invoke(client.number, f, value);
  try {
    const result = await work();
    if (result === "nothing") done("fail", value, { class: "nothing", text: "there was nothing to do" });
    else done("ok", result);
    return result !== "nothing";
  } catch (error) {
    if (!(error instanceof EtcdError)) throw error;
    const why = { class: error.etcdCode ?? String(error.code), text: error.message };
    done(isWrite && error.maybeApplied ? "info" : "fail", value, why);
    return false;
  }
}

/** Lets the client do one thing after the other until `isOver`. */
export async function live(
  workload: Workload,
  client: WorkloadClient,
  thinkMeanUs: number,
  isOver: () => boolean,
): Promise<void> {
  for (;;) {
    await pause(client.clock, client.chance.exponential(thinkMeanUs) / 1000);
    if (isOver()) return;
    await workload.step(client);
  }
}

export function bytes(text: string): Uint8Array {
  return Buffer.from(text);
}

export function text(value: Uint8Array): string {
  return Buffer.from(value).toString();
}
